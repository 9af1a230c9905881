"""What a stack file may say of services, of the edition and of its licence."""

from typing import Any

import pytest

from settings.load import SettingsError
from tests.unit.stacks import changed, settings_of, stack_file

PROD, DEV = stack_file("prod"), stack_file("dev")
OLD = changed(PROD, installation__release="0.8.2.1", data__mysql=None)
CREDENTIALS, INSTALLATION = "tracardi:credentials", "tracardi:installation"
LICENCE = "canary-licence-0123456789"

AT_ODDS: list[tuple[dict[str, Any], str, str]] = [
    (
        {"services": {"background-worker": {"enabled": True}}},
        "services.background-worker",
        "one of the services of release 1.0.0, open-source: apm, update-worker; background-worker is the commercial",
    ),
    (
        {"services": {"workflow-worker": {}}},
        "services.workflow-worker",
        "apm, update-worker; workflow-worker belongs to another release",
    ),
    ({"services": {"updateworker": {}}}, "services.updateworker", "Did you mean update-worker?"),
    ({"services": {"apm": {"replicas": 2}}}, "services.apm.replicas", "apm has 1 instance; more would do the same"),
    ({"services": {"apm": {"replica": 2}}}, "services.apm.replica", "the keys here are enabled, replicas, schedule"),
    ({"services": {"apm": {"enabled": "yes"}}}, "services.apm.enabled", "true or false"),
    ({"services": {"apm": True}}, "services.apm", "a group of keys"),
    ({"services": ["apm"]}, "services", "a group of keys and values"),
    (
        {"services": {"update-worker": {"enabled": True, "schedule": "* * * * *"}}},
        "services.update-worker.schedule",
        "unused: update-worker waits for work all the time",
    ),
    ({"services": {"apm": {"schedule": "hourly"}}}, "services.apm.schedule", "five fields of cron"),
    ({"services": {"apm": {"schedule": "*/0 * * * *"}}}, "services.apm.schedule", "five fields of cron"),
    (
        {"services": {"update-worker": {"environment": {"A": "b"}}}},
        "services.update-worker.environment",
        "unused: update-worker does not run",
    ),
    (
        {"services": {"apm": {"enabled": False, "schedule": "0 * * * *"}}},
        "services.apm.schedule",
        "unused: apm does not run",
    ),
    *(
        (
            {"services": {"apm": {"environment": {name: "x"}}}},
            f"services.apm.environment.{name}",
            "reserved: it decides what apm does, and for whom",
        )
        for name in ("MODE", "PAUSE", "TENANT")
    ),
    ({"services": {"apm": {"environment": {"LICENSE": ""}}}}, "services.apm.environment.LICENSE", "does not start"),
    ({"services": {"apm": {"environment": {"REDIS_HOST": "x"}}}}, "services.apm.environment.REDIS_HOST", "reserved"),
    (
        {"services": {"apm": {"image": {"tag": "1.1.0"}}}},
        "services.apm.image.tag",
        "the API's tag, which is 1.0.0: apm reads and writes what the API does",
    ),
    (
        {"platform__images": {"api": {"tag": "1.0.0-2"}, "gui": {"tag": "1.0.0-2"}}},
        "services.apm.image.tag",
        "the API's tag, which is 1.0.0-2",
    ),
    (
        {"services": {"apm": {"egress": {"allow": [{"cidr": "0.0.0.0/0", "port": 443}]}}}},
        "services.apm.egress.allow[0].cidr",
        "a pod that is taken over could send everything everywhere",
    ),
    ({"installation__edition": "commercial"}, "installation.licence", "needed with edition: commercial"),
    ({"installation__edition": "enterprise"}, "installation.edition", "'open-source' or 'commercial'"),
    ({"installation__licence": LICENCE}, "installation.licence", "unused with edition: open-source"),
]


def refused(configuration: dict[str, Any], *encrypted: str) -> str:
    with pytest.raises(SettingsError) as told:
        settings_of(configuration, frozenset({CREDENTIALS, *encrypted}))
    return str(told.value)


@pytest.mark.parametrize(
    ("changes", "path", "limit"), AT_ODDS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_cannot_be_used_is_named_with_its_path_and_limit(changes: dict[str, Any], path: str, limit: str) -> None:
    message = refused(changed(PROD, **changes), INSTALLATION)

    assert f"tracardi:{path}\n" in message
    assert limit in message


def test_production_has_the_usual_services_and_a_small_stack_what_it_asks_for() -> None:
    assert list(settings_of(PROD).selected_services) == ["apm"]
    assert list(settings_of(DEV).selected_services) == []
    asked = changed(DEV, services={"apm": {"enabled": True}, "update-worker": {"enabled": True}})
    assert list(settings_of(asked).selected_services) == ["apm", "update-worker"]
    assert list(settings_of(changed(PROD, services={"apm": {"enabled": False}})).selected_services) == []


def test_a_service_is_of_its_release() -> None:
    (apm,) = settings_of(OLD).selected_services.values()

    assert apm.releases == ("0.8.2.1",)


def test_one_tag_for_all_is_accepted() -> None:
    images = {"api": {"tag": "1.0.0-2"}, "gui": {"tag": "1.0.0-2"}}

    settings_of(changed(PROD, platform__images=images, services={"apm": {"image": {"tag": "1.0.0-2"}}}))


def test_a_password_that_a_worker_breaks_is_refused_where_that_worker_runs() -> None:
    password = {"credentials__redis__value": "k3Jx9QpL77/vbZ@mD2sWq8rTn"}
    with_it = changed(OLD, services={"update-worker": {"enabled": True}}, **password)

    message = refused(with_it)

    assert "tracardi:credentials.redis.value\n" in message
    assert "update-worker of 0.8.2.1 puts it into a URL" in message
    assert "k3Jx9" not in message
    settings_of(changed(OLD, **password))
    settings_of(changed(PROD, services={"update-worker": {"enabled": True}}, **password))


@pytest.mark.parametrize("edition", ["open-source", "commercial"])
@pytest.mark.parametrize("value", [LICENCE, [LICENCE], {"secure": LICENCE}], ids=["text", "list", "group"])
@pytest.mark.parametrize("encrypted", [(), (INSTALLATION,)], ids=["clear", "encrypted"])
def test_no_message_shows_a_licence(edition: str, value: object, encrypted: tuple[str, ...]) -> None:
    # Something else is wrong as well, so that there is a message where the licence is accepted.
    wrong = {"installation__edition": edition, "installation__licence": value, "services": {"nothing": {}}}
    message = refused(changed(PROD, **wrong), *encrypted)

    assert "canary" not in message
    assert "tracardi:" in message


def test_a_licence_in_clear_is_refused_with_the_command_that_encrypts_it() -> None:
    message = refused(changed(PROD, installation__licence=LICENCE))

    assert "this one stands there in clear" in message
    assert "pulumi config set --secret --path 'tracardi:installation.licence'" in message


def commercial(configuration: dict[str, Any] = PROD, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any setting
    return changed(configuration, installation__edition="commercial", installation__licence=LICENCE, **changes)


def test_the_commercial_edition_has_what_it_needs_without_being_asked() -> None:
    assert list(settings_of(commercial()).selected_services) == ["apm", "init", "background-worker"]
    assert list(settings_of(commercial(DEV)).selected_services) == ["init", "background-worker"]
    old = settings_of(commercial(OLD)).selected_services
    assert {"event-storage", "workflow-worker", "metrics-job"} <= old.keys()
    assert not {"init", "segmentation-by-workflows", "bridge-queue", "tms"} & old.keys()


def test_the_commercial_edition_runs_an_image_of_its_own() -> None:
    assert settings_of(commercial()).installation.facts.api.repository == "tracardi/com-tracardi-api"
    assert settings_of(PROD).installation.facts.api.repository == "tracardi/tracardi-api"


COMMERCIALLY_AT_ODDS: list[tuple[dict[str, Any], str, str]] = [
    ({"services": {"tms": {"enabled": True}}}, "services.tms.enabled", "for installations of several tenants"),
    (
        {"services": {"tsm": {}}},
        "services.tsm",
        "commercial: apm, update-worker, init, background-worker, bridge-queue\n",
    ),
    ({"services": {"init": {"schedule": "* * * * *"}}}, "services.init.schedule", "init runs before all others"),
    ({"services": {"init": {"replicas": 2}}}, "services.init.replicas", "more would do the same work"),
    (
        {"services": {"background-worker": {"environment": {"PULSAR_TENANT": "x"}}}},
        "services.background-worker.environment.PULSAR_TENANT",
        "reserved: it comes from tracardi:data",
    ),
    ({"guiApi__environment": {"PULSAR_DISABLED": "yes"}}, "guiApi.environment.PULSAR_DISABLED", "reserved"),
    (
        {"services": {"background-worker": {"image": {"tag": "1.1.0"}}}},
        "services.background-worker.image.tag",
        "the API's tag, which is 1.0.0",
    ),
]


@pytest.mark.parametrize(
    ("changes", "path", "limit"), COMMERCIALLY_AT_ODDS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_the_commercial_edition_cannot_use_is_named(changes: dict[str, Any], path: str, limit: str) -> None:
    message = refused(commercial(**changes), INSTALLATION)

    assert f"tracardi:{path}\n" in message
    assert limit in message
