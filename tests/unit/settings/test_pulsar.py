"""What a stack may say of Pulsar."""

from typing import Any

import pytest

from model.images import Software
from settings.load import SettingsError
from tests.unit.stacks import changed, settings_of, stack_file
from tests.unit.variants import LICENCE, STORE_NETWORKS, TOKEN, authority

EDITION = {"installation__edition": "commercial", "installation__licence": LICENCE}
PROD = changed(stack_file("prod"), **EDITION)
SMALL = changed(stack_file("dev"), **EDITION)
PLAIN = {
    "url": "pulsar://queue.example.com",
    "api": "http://queue.example.com:8080",
    "cluster": "eu",
    "networks": STORE_NETWORKS,
}
TLS = {**PLAIN, "url": "pulsar+ssl://queue.example.com", "api": "https://queue.example.com"}
GIVEN = {"credentials__pulsar": {"value": TOKEN}}


def external(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any setting
    return {"data__pulsar": {"external": {**PLAIN, **changes}}, **GIVEN}


AT_ODDS: list[tuple[dict[str, Any], str, str]] = [
    (external(url="redis://queue.example.com"), "data.pulsar.external.url", "one address such as pulsar+ssl://"),
    (external(url="pulsar://one.example.com,two.example.com"), "data.pulsar.external.url", "one address"),
    (external(url="pulsar://user:password@queue.example.com"), "data.pulsar.external.url", "one address"),
    (external(api="https://queue.example.com"), "data.pulsar.external.api", "http://, as pulsar://queue.example.com"),
    (
        external(url="pulsar+ssl://queue.example.com"),
        "data.pulsar.external.api",
        "https://, as pulsar+ssl://queue.example.com has it: both are shown the same token",
    ),
    (external(certificateAuthority=authority()), "data.pulsar.external.certificateAuthority", "unused without pulsar+"),
    (
        external(**{**TLS, "url": "pulsar+ssl://198.51.100.7"}),
        "data.pulsar.external.url",
        "a name, with pulsar+ssl://",
    ),
    (external(**{**TLS, "api": "https://198.51.100.7"}), "data.pulsar.external.api", "a name, with pulsar+ssl://"),
    (external(networks=["0.0.0.0/0"]), "data.pulsar.external.networks[0]", "no wider than"),
    (external(cluster="a/b"), "data.pulsar.external.cluster", "letters, digits and"),
    (external(tenant=""), "data.pulsar.external.tenant", "letters, digits and"),
    ({"data__pulsar": {"external": {**PLAIN}}}, "credentials.pulsar", "run by others, so its password cannot be"),
    (
        {"data__pulsar": {"memory": "4Gi", "external": PLAIN}, **GIVEN},
        "data.pulsar.memory",
        "unused: tracardi:data.pulsar.external is set",
    ),
    (
        {"data__pulsar": {"external": PLAIN}, **GIVEN, "credentials__pulsarKey": {"value": f"{TOKEN}-and-more"}},
        "credentials.pulsarKey",
        "unused: tracardi:data.pulsar.external is run by others",
    ),
    (
        {**external(), "platform__images": {"pulsar": {"tag": "3.1.2"}}},
        "platform.images.pulsar",
        "unused: tracardi:data.pulsar.external is run by others",
    ),
    ({"data__pulsar": {"memory": "512Mi"}}, "data.pulsar.memory", "at least 1Gi"),
    (GIVEN, "credentials.pulsar", "unused: the stack itself signs the token"),
    ({"credentials__pulsarKey": {"value": "k3Jx9QpL77vbZmD2sWq8rT"}}, "credentials.pulsarKey.value", "at least 32"),
]


def refused(configuration: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as told:
        settings_of(configuration)
    return str(told.value)


@pytest.mark.parametrize(
    ("changes", "path", "limit"), AT_ODDS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_cannot_be_used_is_named_with_its_path_and_limit(changes: dict[str, Any], path: str, limit: str) -> None:
    message = refused(changed(PROD, **changes))

    assert f"tracardi:{path}\n" in message
    # What is encrypted beside a secret is not shown.
    assert limit in message


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("data.pulsar", {"data__pulsar": {}}),
        ("credentials.pulsar", GIVEN),
        ("credentials.pulsarKey", {"credentials__pulsarKey": {"value": f"{TOKEN}-and-more"}}),
    ],
)
def test_open_source_has_no_queue(path: str, changes: dict[str, Any]) -> None:
    message = refused(changed(stack_file("prod"), **changes))

    assert f"tracardi:{path}\n" in message
    assert "unused: the open-source edition has no queue" in message
    assert TOKEN not in message


def test_open_source_replaces_no_image_of_pulsar() -> None:
    message = refused(changed(stack_file("prod"), platform__images={"pulsar": {"tag": "3.1.2"}}))

    assert "unused: the commercial edition runs it, and this stack has none" in message
    settings = settings_of(changed(PROD, platform__images={"pulsar": {"tag": "3.1.2"}}))
    assert settings.platform.image(Software.PULSAR, settings.installation.facts.images[Software.PULSAR]).tag == "3.1.2"


def test_the_commercial_edition_has_a_queue_of_its_own_unless_it_names_one() -> None:
    own, outside = settings_of(SMALL).pulsar, settings_of(changed(PROD, **external())).pulsar

    assert own is not None
    assert own.external is None
    assert outside is not None
    assert outside.external is not None
    assert settings_of(stack_file("prod")).pulsar is None


def test_production_is_warned_of_a_queue_that_goes_with_its_node() -> None:
    def said(configuration: dict[str, Any]) -> bool:
        return "tracardi:data.pulsar: a single instance" in " ".join(settings_of(configuration).advice())

    assert said(PROD)
    assert not said(SMALL)
    assert not said(changed(PROD, **external()))
    assert not said(stack_file("prod"))


@pytest.mark.parametrize(
    ("said", "ports"),
    [
        (PLAIN, (6650, 8080)),
        ({**PLAIN, "url": "pulsar://queue.example.com:7000", "api": "http://queue.example.com"}, (7000, 80)),
        (TLS, (6651, 443)),
        ({**TLS, "url": "pulsar+ssl://queue.example.com:443", "api": "https://queue.example.com:8443"}, (443, 8443)),
    ],
)
def test_an_address_without_a_port_has_its_protocol_s(said: dict[str, Any], ports: tuple[int, int]) -> None:
    found = settings_of(changed(PROD, **external(**said))).pulsar

    assert found is not None
    assert found.external is not None
    assert (found.external.port, found.external.api_port) == ports
    assert found.external.tls is (said["url"].startswith("pulsar+ssl"))
