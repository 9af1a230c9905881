"""What a stack file may say, and what it is told when it says something else."""

import json
from typing import Any

import pytest

from settings.load import SettingsError, parse
from tests.unit.stacks import changed, settings_of, stack_file

PROD = stack_file("prod")
DEV = stack_file("dev")


@pytest.mark.parametrize("configuration", [PROD, DEV], ids=["prod", "dev"])
def test_the_shipped_stack_files_are_accepted(configuration: dict[str, Any]) -> None:
    assert settings_of(configuration).installation.name.startswith("tracardi")


def test_both_stacks_fit_into_one_cluster() -> None:
    assert settings_of(DEV).installation.name != settings_of(PROD).installation.name


def test_the_production_stack_has_what_the_guides_ask_for() -> None:
    prod = settings_of(PROD)

    assert prod.track.replicas.min >= 3
    assert prod.track.replicas.max > prod.track.replicas.min
    assert prod.gui_api.replicas >= 2
    assert prod.gui.replicas == 2
    assert prod.data.elasticsearch.nodes == 3
    assert min(cluster.balancer.replicas for cluster in (prod.track, prod.gui_api, prod.gui)) >= 2


def test_release_1_0_0_is_the_default() -> None:
    assert settings_of(changed(PROD, installation__release=None)).installation.release == "1.0.0"


def test_everything_that_is_wrong_is_told_at_once() -> None:
    wrong = changed(PROD, track__host="x", gui__replicas=0, network__trusted=["0.0.0.0/1"], trak={})

    with pytest.raises(SettingsError) as refused:
        settings_of(wrong)

    told = str(refused.value)
    assert "4 settings cannot be used; nothing was changed." in told
    for path in ("tracardi:track.host", "tracardi:gui.replicas", "tracardi:network.trusted[0]", "tracardi:trak"):
        assert path in told
    assert "Did you mean track?" in told


def test_a_refusal_shows_value_limit_and_remedy() -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of(changed(PROD, track__replicas__min=1))

    assert "  value:  1\n  limit:  at least 3" in str(refused.value)
    assert "  remedy: Raise it, or set tracardi:installation.profile to small." in str(refused.value)


@pytest.mark.parametrize("section", ["installation", "track", "guiApi", "gui", "certificates", "network"])
def test_a_missing_section_is_named(section: str) -> None:
    without = {key: value for key, value in PROD.items() if key != f"tracardi:{section}"}

    with pytest.raises(SettingsError) as refused:
        settings_of(without)

    assert f"tracardi:{section}." in str(refused.value)


@pytest.mark.parametrize("value", ["5", "yes", "[]", "{", "null"])
def test_a_section_that_is_no_group_of_keys_is_refused(value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse({key: json.dumps(entry) for key, entry in PROD.items()} | {"tracardi:track": value})

    assert [refusal.path for refusal in refused.value.refusals] == [("track",)]


def test_settings_of_other_packages_are_left_alone() -> None:
    configuration = {key: json.dumps(value) for key, value in PROD.items()}

    assert parse(configuration | {"kubernetes:namespace": "x"}) == parse(configuration)


def test_a_small_installation_keeps_both_clusters_apart() -> None:
    dev = settings_of(DEV)

    assert dev.track.replicas.min >= 2
    assert dev.gui_api.replicas >= 1
    with pytest.raises(SettingsError, match="outlives a pod"):
        settings_of(changed(DEV, track__replicas={"min": 1, "max": 1}))


@pytest.mark.parametrize(
    ("configuration", "kept"),
    [
        (changed(PROD, data__keep=None), True),
        (changed(PROD, data__keep=False), False),
        (changed(DEV, data__keep=None), False),
        (changed(DEV, data__keep=True), True),
    ],
    ids=["prod", "prod told not to", "dev", "dev told to"],
)
def test_production_keeps_its_data_unless_told_otherwise(configuration: dict[str, Any], *, kept: bool) -> None:
    assert settings_of(configuration).keeps_data is kept


OUTSIDE = {"external": {"host": "store.example.com", "networks": ["198.51.100.0/24"]}}


def given(name: str) -> dict[str, Any]:
    return {"existingSecret": {"namespace": "vault", "name": name}}


@pytest.mark.parametrize(
    ("configuration", "warned"),
    [
        (PROD, "tracardi:data.redis and tracardi:data.mysql: a single instance"),
        (changed(PROD, data__redis=OUTSIDE, credentials__redis=given("r")), "tracardi:data.mysql: a single instance"),
        (changed(PROD, installation__release="0.8.2.1", data__mysql=None), "tracardi:data.redis: a single instance"),
        (
            changed(
                PROD,
                data__redis=OUTSIDE,
                data__mysql=OUTSIDE,
                credentials__redis=given("r"),
                credentials__mysql=given("m"),
            ),
            None,
        ),
        (DEV, None),
    ],
    ids=["both", "mysql", "redis", "neither", "small"],
)
def test_single_instance_stores_in_production_are_warned_about(
    configuration: dict[str, Any], warned: str | None
) -> None:
    advice = settings_of(configuration).advice()

    assert [text for text in advice if warned is not None and warned in text] == list(advice)
    assert bool(advice) is (warned is not None)
