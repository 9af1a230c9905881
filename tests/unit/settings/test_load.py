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


ONE_SETTING = [
    ("installation__name", "Tracardi", "installation.name", "lower-case letters"),
    ("installation__name", "a" * 31, "installation.name", "at most 30"),
    ("installation__profile", "big", "installation.profile", "'production' or 'small'"),
    ("installation__release", "0.9.0", "installation.release", "1.0.0, 0.8.2.1"),
    ("installation__adminEmail", "admin", "installation.adminEmail", "e-mail"),
    ("installation__adminEmail", "admin@localhost", "installation.adminEmail", "dotted domain"),
    ("installation__adminEmail", None, "installation.adminEmail", "Login of the first administrator"),
    ("track__host", "https://track.example.com", "track.host", "full host name"),
    ("track__host", "*.example.com", "track.host", "full host name"),
    ("track__host", "localhost", "track.host", "full host name"),
    ("track__replicas__min", 0, "track.replicas.min", "at least 1"),
    ("track__replicas__max", 201, "track.replicas.max", "at most 200"),
    ("track__replicas__max", "10", "track.replicas.max", "whole number"),
    ("track__replicas__max", 2, "track.replicas.max", "at least replicas.min, which is 3"),
    ("track__replicas__mx", 2, "track.replicas.mx", "the keys here are min, max"),
    ("track__cpuTargetPercent", 95, "track.cpuTargetPercent", "at most 90"),
    ("track__routes", ["track", "install"], "track.routes[1]", "'tracker'"),
    ("track__routes", "tracker", "track.routes", "a list"),
    ("track__environment", {"LICENSE": ""}, "track.environment.LICENSE", "does not start with it"),
    ("track__environment", {"EXPOSE_GUI_API": "yes"}, "track.environment.EXPOSE_GUI_API", "reserved"),
    ("track__environment", {"ELASTIC_HOST": "x"}, "track.environment.ELASTIC_HOST", "tracardi:data"),
    ("track__environment", {"EVENT_PARTITIONING": "day"}, "track.environment.EVENT_PARTITIONING", "tracardi:index"),
    ("track__environment", {"logging": "x"}, "track.environment.logging", "upper case"),
    ("track__balancer__replicas", 0, "track.balancer.replicas", "at least 1"),
    ("track__balancer__service", {"type": "Ingress"}, "track.balancer.service.type", "'LoadBalancer'"),
    (
        "track__balancer__service",
        {"type": "NodePort", "loadBalancerClass": "cloud"},
        "track.balancer.service.loadBalancerClass",
        "only a Service of type LoadBalancer",
    ),
    ("guiApi__replicas", True, "guiApi.replicas", "whole number"),
    ("data__elasticsearch__storage", "lots", "data.elasticsearch.storage", "quantity"),
    ("data__elasticsearch__memory", "512Mi", "data.elasticsearch.memory", "at least 1Gi"),
    ("data__elasticsearch__memory", "0Gi", "data.elasticsearch.memory", "positive"),
    ("data__kafka", {}, "data.kafka", "unknown"),
    ("index__shards", 0, "index.shards", "at least 1"),
    ("index__eventPartitioning", "day", "index.eventPartitioning", "'month'"),
    ("index__tenantName", "12", "index.tenantName", "matches"),
    ("network__trusted", [], "network.trusted", "at least 1 entries"),
    ("network__trusted", ["192.0.2.1"], "network.trusted[0]", "prefix"),
    ("network__trusted", ["192.0.2.1/24"], "network.trusted[0]", "no host bits"),
    ("network__nodeLocalDns", "dns", "network.nodeLocalDns", "address"),
    ("certificates__issuer", None, "certificates.issuer", "needed with source: cert-manager"),
    ("platform__imageRegistry", "https://mirror.example.com", "platform.imageRegistry", "host name"),
    ("platform__labels", {"app.kubernetes.io/name": "x"}, "platform.labels.app.kubernetes.io/name", "NetworkPolicy"),
    ("platform__tolerations", [{"key": "a", "operator": "Equal"}], "platform.tolerations[0].value", "operator: Equal"),
]


@pytest.mark.parametrize(("setting", "value", "path", "limit"), ONE_SETTING)
def test_a_wrong_setting_is_named_with_its_path_and_limit(setting: str, value: object, path: str, limit: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of(changed(PROD, **{setting: value}))

    assert [message_path(refusal.path) for refusal in refused.value.refusals] == [path]
    assert limit in refused.value.refusals[0].limit
    assert refused.value.refusals[0].remedy


def message_path(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


BETWEEN_SECTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"track__replicas__min": 2}, "track.replicas.min", "at least 3"),
    ({"guiApi__replicas": 1}, "guiApi.replicas", "asks for 5"),
    ({"gui__replicas": 1}, "gui.replicas", "at least 2"),
    ({"data__elasticsearch__nodes": 1}, "data.elasticsearch.nodes", "at least 3"),
    ({"track__balancer__replicas": 1}, "track.balancer.replicas", "single point of failure"),
    ({"guiApi__balancer__replicas": 1}, "guiApi.balancer.replicas", "single point of failure"),
    ({"gui__balancer__replicas": 1}, "gui.balancer.replicas", "single point of failure"),
    ({"gui__host": "track.example.com"}, "gui.host", "different from tracardi:track.host"),
    (
        {"certificates__source": "generated", "certificates__issuer": None},
        "certificates.source",
        "no website could send events",
    ),
    ({"network__trusted": ["0.0.0.0/0"]}, "network.trusted[0]", "no wider than /8"),
    ({"network__trusted": ["::/0"]}, "network.trusted[0]", "no wider than /8"),
    ({"network__trusted": ["10.0.0.0/8", "11.0.0.0/8"]}, "network.trusted", "no wider than /8"),
    (
        {"gui__balancer__service": {"externalTrafficPolicy": "Cluster"}},
        "gui.balancer.service.externalTrafficPolicy",
        "worth nothing",
    ),
    ({"installation__release": "0.8.2.1"}, "data.mysql", "0.8.2.1 keeps metadata and users in Elasticsearch"),
    ({"index__replicas": 3}, "index.replicas", "a node of its own"),
    ({"certificates__source": "generated", "installation__profile": "small"}, "certificates.issuer", "unused"),
]


@pytest.mark.parametrize(("changes", "path", "limit"), BETWEEN_SECTIONS)
def test_settings_at_odds_with_each_other_are_refused(changes: dict[str, Any], path: str, limit: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of(changed(PROD, **changes))

    found = {message_path(refusal.path): refusal.limit for refusal in refused.value.refusals}
    assert limit in found[path]


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
