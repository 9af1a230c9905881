"""Where secrets are, and where they are not."""

import base64
import json

from tests.unit.engine import Recording

CANARY = "canary-"


def decoded(secret: dict[str, str]) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret.items()}


def test_each_role_sees_just_what_it_uses(prod: Recording) -> None:
    shared = {
        "installation-token",
        "profile-merging-secret",
        "elasticsearch-password",
        "redis-password",
        "mysql-password",
    }
    expected = {
        "track-api-credentials": shared,
        "gui-api-credentials": shared,
        "installation-credentials": {"installation-token", "admin-password"},
        "elasticsearch-credentials": {"elasticsearch-password"},
        "redis-credentials": {"redis-password", "auth.conf"},
        "mysql-credentials": {"mysql-password", "mysql-root-password"},
    }
    found = {
        secret.object_name: set(secret.inputs["data"])
        for secret in prod.of_kind("Secret")
        if secret.object_name.endswith("-credentials")
    }
    assert found == expected


def test_a_credential_is_the_same_wherever_it_is_used_and_serves_one_purpose(stack: Recording) -> None:
    by_key: dict[str, set[str]] = {}
    for secret in stack.of_kind("Secret"):
        if secret.object_name.endswith("-credentials"):
            for key, value in decoded(secret.inputs["data"]).items():
                by_key.setdefault(key, set()).add(value)

    assert all(len(values) == 1 for values in by_key.values())
    values = [value for key, found in by_key.items() if key != "auth.conf" for value in found]
    assert len(values) == len(set(values)) == 7


def test_generated_passwords_are_long_and_mixed(stack: Recording) -> None:
    passwords = stack.of_kind("RandomPassword")

    assert len(passwords) == 7
    for password in passwords:
        assert password.inputs["length"] >= 32, password.name
        assert min(password.inputs[kind] for kind in ("minLower", "minUpper", "minNumeric")) >= 1, password.name


def test_the_mysql_password_survives_a_url(stack: Recording) -> None:
    """Tracardi puts it into one without escaping it."""
    mysql = [password for password in stack.of_kind("RandomPassword") if "mysql" in password.name]

    assert len(mysql) == 2
    assert all(password.inputs["special"] is False for password in mysql)


def test_secrets_stand_in_secrets_only(stack: Recording) -> None:
    secrets = {"Secret", "Credentials", "RandomPassword"}
    # The engine keeps these inputs encrypted: they carry a key to the provider that signs with it.
    signing = {"SelfSignedCert", "LocallySignedCert", "CertRequest", "PrivateKey"}
    for resource in stack.registered:
        if resource.token.rsplit(":", 1)[-1] not in secrets | signing:
            assert CANARY not in json.dumps(resource.inputs, default=str), resource.name


def test_pods_get_secrets_by_reference(stack: Recording) -> None:
    for workload in stack.workloads():
        for container in workload.pod["containers"]:
            for variable in container.get("env", []):
                if any(word in variable["name"] for word in ("PASSWORD", "TOKEN", "AUTH", "MERGING")):
                    given = variable.get("value", "")
                    assert "valueFrom" in variable or given.startswith("/run/secrets/") or given == "elastic", variable


def test_redis_reads_its_password_from_a_file(stack: Recording) -> None:
    """As an argument, every process of the pod could read it."""
    secret = decoded(stack.find("Secret", "redis-credentials").inputs["data"])

    assert secret["auth.conf"] == f"requirepass {secret['redis-password']}\n"
    assert stack.find("StatefulSet", "redis").container("redis")["command"] == [
        "redis-server",
        "/etc/tracardi/redis.conf",
    ]
    assert "include /run/secrets/redis/auth.conf" in stack.find("ConfigMap", "redis").inputs["data"]["redis.conf"]


def test_every_secret_is_marked_as_one_from_birth(stack: Recording) -> None:
    secrets = stack.of_kind("Secret")

    assert len(secrets) >= 6
    assert [secret.name for secret in secrets if "data" not in secret.secret_inputs] == []
