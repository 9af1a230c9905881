"""Pulsar in the cluster, and how Tracardi finds it there or elsewhere."""

import base64

import pytest

from components.endpoints import PulsarEndpoint
from model.tokens import is_signed
from settings.root import Settings
from tests.unit.components.conftest import build
from tests.unit.components.stores import AUTHORITY, OUTSIDE, credentials, data_services, prod_with
from tests.unit.engine import Recording
from tests.unit.stacks import changed, settings_of, stack_file
from tests.unit.variants import LICENCE, TOKEN

EDITION = {"installation__edition": "commercial", "installation__licence": LICENCE}
OWN = "pulsar-0.pulsar-nodes.tracardi-data.svc.cluster.local"
PLAIN = {
    "url": "pulsar://queue.example.com",
    "api": "http://queue.example.com:8080",
    "cluster": "eu",
    "networks": OUTSIDE,
}
TLS = {
    **PLAIN,
    "url": "pulsar+ssl://queue.example.com",
    "api": "https://admin.example.com",
    "certificateAuthority": AUTHORITY,
}


def commercial(**external: object) -> Settings:
    """Production of the commercial edition, with Pulsar outside if anything is said of it."""
    outside = {"data__pulsar": {"external": external}, "credentials__pulsar": {"value": TOKEN}} if external else {}
    return prod_with(**EDITION, **outside)


@pytest.fixture(scope="module")
def inside() -> Recording:
    return data_services(commercial())[0]


@pytest.fixture(scope="module")
def configuration(inside: Recording) -> dict[str, str]:
    text = inside.find("ConfigMap", "pulsar").inputs["data"]["standalone.conf"]
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len({line.partition("=")[0] for line in lines}) == len(lines)
    return dict(line.split("=", 1) for line in lines)


def endpoint(settings: Settings) -> PulsarEndpoint | None:
    return data_services(settings)[1].pulsar


def test_open_source_has_none(prod: Recording) -> None:
    assert endpoint(prod_with()) is None
    assert not [each for each in prod.registered if "pulsar" in each.name]
    assert not [name for name in prod.find("Deployment", "gui-api").environment("api") if name.startswith("PULSAR")]


def test_it_lets_in_nobody_without_a_token_that_the_stack_signed(configuration: dict[str, str]) -> None:
    assert configuration["authenticationEnabled"] == configuration["authorizationEnabled"] == "true"
    assert configuration["authenticationProviders"].endswith(".AuthenticationProviderToken")
    assert configuration["tokenSecretKey"] == "file:///run/secrets/pulsar/pulsar-signing-key"
    assert configuration["brokerClientAuthenticationParameters"] == "file:///run/secrets/pulsar/pulsar-token"
    assert configuration["superUserRoles"] == "tracardi"
    assert configuration["authenticateMetricsEndpoint"] == "true"
    assert "anonymousUserRole" not in configuration


def test_what_it_stores_belongs_to_a_name_that_stays(configuration: dict[str, str]) -> None:
    """By its address, which is another after every start, it would not find its own data again."""
    assert configuration["advertisedAddress"] == OWN


def test_a_single_one_waits_for_no_copies(configuration: dict[str, str]) -> None:
    copies = [configuration[f"managedLedgerDefault{kind}"] for kind in ("EnsembleSize", "WriteQuorum", "AckQuorum")]

    assert copies == ["1", "1", "1"]


def test_its_health_is_asked_for_without_a_token(inside: Recording, configuration: dict[str, str]) -> None:
    container = inside.find("StatefulSet", "pulsar").container("pulsar")

    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/status.html", "port": 8080}
    # The page answers while this file is there.
    assert configuration["statusFilePath"] == "/etc/tracardi/standalone.conf"
    assert {"name": "PULSAR_STANDALONE_CONF", "value": configuration["statusFilePath"]} in container["env"]


def test_it_writes_to_its_volume_and_to_two_folders(inside: Recording) -> None:
    stateful_set = inside.find("StatefulSet", "pulsar")
    mounts = stateful_set.container("pulsar")["volumeMounts"]

    assert {mount["mountPath"] for mount in mounts if not mount["readOnly"]} == {"/pulsar/data", "/pulsar/logs", "/tmp"}  # noqa: S108 - a mount
    security = stateful_set.pod["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"]) == (10000, 0)


@pytest.mark.parametrize(("memory", "share"), [("1Gi", 384), ("2Gi", 768), ("8Gi", 3072)])
def test_its_memory_is_for_heap_buffers_and_the_rest(memory: str, share: int) -> None:
    stack = data_services(prod_with(**EDITION, data__pulsar={"memory": memory}))[0]

    told = stack.find("StatefulSet", "pulsar").environment("pulsar")["PULSAR_MEM"]

    assert told == f"-Xms{share}m -Xmx{share}m -XX:MaxDirectMemorySize={share}m"


def test_everybody_shows_the_token_that_its_key_signs() -> None:
    stack = credentials(commercial())
    own = {key: base64.b64decode(value).decode() for key, value in _data(stack, "pulsar").items()}
    seen = {
        base64.b64decode(_data(stack, role)["pulsar-token"]).decode()
        for role in ("pulsar", "track-api", "gui-api", "apm", "init", "background-worker")
    }

    (token,) = seen
    assert is_signed(token, own["pulsar-signing-key"])
    assert "pulsar-signing-key" not in _data(stack, "gui-api")


def test_a_given_key_signs_the_token() -> None:
    key = f"{TOKEN}-and-more-of-it"
    stack = credentials(prod_with(**EDITION, credentials__pulsarKey={"value": key}))

    assert is_signed(base64.b64decode(_data(stack, "track-api")["pulsar-token"]).decode(), key)


def test_a_token_of_others_is_shown_as_it_is_and_there_is_no_key() -> None:
    stack = credentials(commercial(**PLAIN))

    assert base64.b64decode(_data(stack, "track-api")["pulsar-token"]).decode() == TOKEN
    assert not [each for each in stack.of_kind("RandomPassword") if "pulsar" in each.name]


def test_it_is_found_by_its_service() -> None:
    host = "pulsar.tracardi-data.svc.cluster.local"

    assert endpoint(commercial()) == PulsarEndpoint(
        f"pulsar://{host}:6650", f"http://{host}:8080", "standalone", "tracardi"
    )


def test_what_others_run_in_plain_text_is_addressed_as_it_is() -> None:
    assert endpoint(commercial(**PLAIN, tenant="cdp")) == PulsarEndpoint(
        "pulsar://queue.example.com:6650", "http://queue.example.com:8080", "eu", "cdp"
    )


def test_through_tls_tracardi_speaks_plain_text_to_its_own_pod() -> None:
    found = endpoint(commercial(**TLS))

    assert found is not None
    assert (found.url, found.api) == ("pulsar://127.0.0.1:6650", "http://127.0.0.1:8407")
    assert found.tunnels is not None
    queue, api = found.tunnels.queue, found.tunnels.api
    assert (queue.host, queue.port, api.host, api.port) == ("queue.example.com", 6651, "admin.example.com", 443)
    assert queue.authority == api.authority == AUTHORITY


def test_nobody_but_its_users_reaches_it() -> None:
    settings = settings_of(changed(stack_file("prod"), **EDITION))
    policy = build(settings).find("NetworkPolicy", "pulsar").spec

    peers = {
        rule["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]: [
            port["port"] for port in rule["ports"]
        ]
        for rule in policy["ingress"]
    }
    users = ("track-api", "gui-api", "apm", "init", "background-worker")
    assert peers == {user: [6650, 8080] for user in users}
    assert "egress" not in policy


def _data(stack: Recording, role: str) -> dict[str, str]:
    return dict(stack.find("Secret", f"{role}-credentials").inputs["data"])
