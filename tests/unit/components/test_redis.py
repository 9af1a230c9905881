"""Redis in the cluster: in plain text behind closed networks, or speaking nothing but TLS."""

import pytest

from tests.unit.components.stores import data_services, prod_with
from tests.unit.engine import Recording


def redis_conf(recording: Recording) -> list[str]:
    """The lines of Redis' configuration."""
    return list(recording.find("ConfigMap", "redis").inputs["data"]["redis.conf"].splitlines())


@pytest.fixture(scope="module")
def plain() -> Recording:
    """Redis without a tunnel."""
    return data_services(prod_with())[0]


@pytest.fixture(scope="module")
def encrypted() -> Recording:
    """Redis that is reached through a tunnel."""
    return data_services(prod_with(data__redis__tunnel=True))[0]


def test_without_a_tunnel_it_answers_on_its_port_and_has_no_certificate(plain: Recording) -> None:
    assert "port 6379" in redis_conf(plain)
    assert not [line for line in redis_conf(plain) if line.startswith("tls")]
    assert [request.name for request in plain.of_kind("CertRequest") if "redis" in request.name] == []


def test_with_a_tunnel_nothing_is_answered_in_plain_text(encrypted: Recording) -> None:
    lines = redis_conf(encrypted)

    assert "port 0" in lines
    assert "tls-port 6379" in lines
    assert 'tls-protocols "TLSv1.2 TLSv1.3"' in lines
    assert "port 6379" not in lines
    folder = "/etc/tracardi-tls"
    assert {f"tls-cert-file {folder}/tls.crt", f"tls-key-file {folder}/tls.key"} < {*lines}
    mounts = encrypted.find("StatefulSet", "redis").container("redis")["volumeMounts"]
    assert folder in [mount["mountPath"] for mount in mounts]


def test_its_certificate_has_its_name_and_an_authority_of_its_own(encrypted: Recording) -> None:
    (request,) = (request for request in encrypted.of_kind("CertRequest") if "redis" in request.name)
    (signed,) = (signed for signed in encrypted.of_kind("LocallySignedCert") if "redis" in signed.name)

    assert request.inputs["dnsNames"] == ["redis.tracardi-data.svc.cluster.local", "localhost"]
    assert signed.inputs["caCertPem"] == "certificate-tracardi-data-redis-certificate-authority-certificate"
    assert "client_auth" not in signed.inputs["allowedUses"]


@pytest.mark.parametrize("probe", ["readinessProbe", "livenessProbe"])
def test_probes_speak_what_it_speaks(plain: Recording, encrypted: Recording, probe: str) -> None:
    def asks(recording: Recording) -> str:
        return str(recording.find("StatefulSet", "redis").container("redis")[probe]["exec"]["command"][-1])

    assert " redis-cli ping)" in asks(plain)
    assert " redis-cli --tls --cacert /etc/tracardi-tls/ca.crt -h localhost ping)" in asks(encrypted)


def test_no_variable_holds_the_password(plain: Recording) -> None:
    """A variable would be in the environment of whatever runs in the container."""
    redis = plain.find("StatefulSet", "redis").container("redis")

    assert "env" not in redis
    assert 'REDISCLI_AUTH="$(cat /run/secrets/redis/redis-password)"' in redis["readinessProbe"]["exec"]["command"][-1]


def test_a_renewed_certificate_restarts_it(plain: Recording, encrypted: Recording) -> None:
    """It reads its certificate at its start only."""

    def checksums(recording: Recording) -> set[str]:
        template = recording.find("StatefulSet", "redis").spec["template"]
        return {name for name in template["metadata"]["annotations"] if name.startswith("checksum/")}

    assert checksums(plain) == {"checksum/configuration"}
    assert checksums(encrypted) == {"checksum/configuration", "checksum/certificate"}


def test_a_quarter_of_its_memory_is_for_the_copy_while_the_log_is_rewritten() -> None:
    found, _ = data_services(prod_with(data__redis__memory="2Gi"))

    assert "maxmemory 1536mb" in redis_conf(found)
    # Locks have no time to live, and must never be evicted.
    assert "maxmemory-policy volatile-lru" in redis_conf(found)


def test_nobody_is_let_in_without_the_password(plain: Recording) -> None:
    store = plain.find("StatefulSet", "redis")
    mounts = {mount["name"]: mount["mountPath"] for mount in store.container("redis")["volumeMounts"]}

    assert f"include {mounts['credentials']}/auth.conf" in redis_conf(plain)
    assert not [line for line in redis_conf(plain) if line.startswith("protected-mode no")]


def test_what_it_keeps_survives_its_pod(plain: Recording) -> None:
    """Sessions and locks come back with it: every write is logged on the volume."""
    mounts = {
        mount["name"]: mount["mountPath"]
        for mount in plain.find("StatefulSet", "redis").container("redis")["volumeMounts"]
    }

    assert f"dir {mounts['data']}" in redis_conf(plain)
    assert "appendonly yes" in redis_conf(plain)


def test_it_may_take_minutes_to_read_its_log_back(plain: Recording) -> None:
    """Until it has, every question is answered with "loading"."""
    startup = plain.find("StatefulSet", "redis").container("redis")["startupProbe"]

    assert startup["periodSeconds"] * startup["failureThreshold"] >= 300
