"""Where secrets are, and where they are not."""

import base64
import json

import pulumi
import pytest

from settings.root import Settings
from tests.unit.components.stores import OUTSIDE, credentials, prod_with
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
        "apm-credentials": shared - {"installation-token"},
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
    secrets = {"Secret", "Credentials", "RandomPassword", "Stash"}
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


GIVEN = "Given-S3cret-of-the-owner"
FOUND = "Found-S3cret-of-the-vault"
EARLIER = "earlier-life-0123456789"


def secrets_of(recording: Recording) -> dict[str, dict[str, str]]:
    """The Secrets that were made, in clear."""
    return {secret.object_name: decoded(secret.inputs["data"]) for secret in recording.of_kind("Secret")}


def generated(recording: Recording) -> set[str]:
    """The credentials that a random password was made for."""
    return {password.name.removeprefix("tracardi-credentials-") for password in recording.of_kind("RandomPassword")}


def external(**stores: str) -> Settings:
    """Production with `stores` run by others, which have the passwords given here."""
    data = {name: {"external": {"host": f"{name}.example.com", "networks": OUTSIDE}} for name in stores}
    return prod_with(
        **{f"data__{name}": settings for name, settings in data.items()},
        **{f"credentials__{name}__value": value for name, value in stores.items()},
    )


def test_a_given_secret_is_what_pods_see_and_none_is_generated_beside_it() -> None:
    found = credentials(prod_with(credentials__redis__value=GIVEN))

    secrets = secrets_of(found)
    assert secrets["redis-credentials"] == {"redis-password": GIVEN, "auth.conf": f"requirepass {GIVEN}\n"}
    assert secrets["track-api-credentials"]["redis-password"] == GIVEN
    assert "redis-password" not in generated(found)
    assert "elasticsearch-password" in generated(found)
    assert "kept-redis-password" not in secrets


def test_an_existing_secret_is_read_and_shown_to_those_who_use_it() -> None:
    settings = prod_with(
        credentials__adminPassword__existingSecret={"namespace": "vault", "name": "tracardi", "key": "p"}
    )

    found = credentials(settings, secrets={"vault/tracardi": {"p": FOUND, "other": "not-ours"}})

    secrets = secrets_of(found)
    assert secrets["installation-credentials"]["admin-password"] == FOUND
    assert found.outputs["admin"] == FOUND
    assert "admin-password" not in generated(found)
    assert [name for name, data in secrets.items() if FOUND in data.values()] == ["installation-credentials"]
    assert "not-ours" not in json.dumps(secrets)


def test_nothing_of_a_secret_that_was_read_is_stored_in_clear() -> None:
    """The provider puts what it read under __inputs, and kubectl's own copy into an annotation."""
    settings = prod_with(credentials__redis__existingSecret={"namespace": "vault", "name": "cache"})

    found = credentials(settings, secrets={"vault/cache": {"password": FOUND}})

    assert found.read["vault/cache"] >= {"data", "stringData", "metadata", "__inputs"}


@pytest.mark.parametrize(
    ("data", "limit"),
    [
        ({"password": "short"}, "at least 12 characters"),
        ({"password": "with 'quotes' in it"}, "no quotes"),
        ({"other": FOUND}, "text under that key; there is none"),
        ({}, "text under that key; there is none"),
    ],
)
def test_an_existing_secret_that_cannot_serve_is_refused_without_being_shown(data: dict[str, str], limit: str) -> None:
    settings = prod_with(credentials__redis__existingSecret={"namespace": "vault", "name": "cache"})

    with pytest.raises(pulumi.RunError) as refused:
        credentials(settings, secrets={"vault/cache": data})

    told = str(refused.value)
    assert "tracardi:credentials.redis.existingSecret" in told
    assert "vault/cache, key password" in told
    assert limit in told
    assert not [value for value in data.values() if value in told]


def test_the_api_sees_the_password_of_mysql_that_others_run_and_nobody_sees_root() -> None:
    secrets = secrets_of(credentials(external(mysql=GIVEN.replace("-", "_"))))

    assert secrets["gui-api-credentials"]["mysql-password"] == GIVEN.replace("-", "_")
    assert "mysql-credentials" not in secrets
    assert "mysql-root-password" not in json.dumps(secrets)


def test_stores_that_others_run_have_no_secret_of_their_own() -> None:
    found = credentials(external(redis=GIVEN))

    assert "redis-credentials" not in secrets_of(found)


def test_what_was_generated_is_kept_beside_the_data() -> None:
    found = credentials(prod_with(credentials__redis__value=GIVEN))

    kept = {name: data for name, data in secrets_of(found).items() if name.startswith("kept-")}
    assert set(kept) == {f"kept-{credential}" for credential in generated(found)}
    for name, data in kept.items():
        secret = found.find("Secret", name)
        assert data == {"value": f"canary-tracardi-credentials-{name.removeprefix('kept-')}"}
        assert secret.namespace == "tracardi-data"
        assert secret.inputs["metadata"]["labels"]["tracardi.com/kept"] == "credential"
        assert secret.inputs["metadata"]["annotations"]["pulumi.com/patchForce"] == "true"
        assert secret.retained, name
        # Protected, it could not be let go where `keep` is taken back.
        assert not secret.protected, name
        assert secret.secret_inputs >= {"data"}


def test_nothing_is_kept_unless_asked_for() -> None:
    found = credentials(prod_with(data__keep=False))

    assert not [name for name in secrets_of(found) if name.startswith("kept-")]


def test_what_an_earlier_life_kept_is_used_again() -> None:
    place = "tracardi-data/kept-elasticsearch-password"

    found = credentials(
        prod_with(), kept=frozenset({"kept-elasticsearch-password"}), secrets={place: {"value": EARLIER}}
    )

    secrets = secrets_of(found)
    assert secrets["elasticsearch-credentials"]["elasticsearch-password"] == EARLIER
    assert secrets["track-api-credentials"]["elasticsearch-password"] == EARLIER
    assert secrets["kept-elasticsearch-password"]["value"] == EARLIER
    assert secrets["redis-credentials"]["redis-password"].startswith(CANARY)
    assert found.read[place] >= {"data", "__inputs"}


def test_a_kept_secret_without_its_value_stops_the_run() -> None:
    place = "tracardi-data/kept-redis-password"

    with pytest.raises(pulumi.RunError, match=f"Secret {place} .* lacks the key value"):
        credentials(prod_with(), kept=frozenset({"kept-redis-password"}), secrets={place: {"other": EARLIER}})


def test_a_secret_that_was_given_needs_nothing_that_was_kept() -> None:
    found = credentials(prod_with(credentials__redis__value=GIVEN), kept=frozenset({"kept-redis-password"}))

    assert found.read == {}


def test_the_first_value_stays_whatever_is_found_later() -> None:
    """Stores read their passwords at their first start only."""
    for keep in (True, False):
        found = credentials(prod_with(data__keep=keep))

        remembered = found.of_kind("Stash")
        assert {stash.name for stash in remembered} == {
            f"tracardi-credentials-{credential}-remembered" for credential in generated(found)
        }
        for stash in remembered:
            assert stash.ignored_changes == ("input",), stash.name
            assert stash.secret_inputs == {"input"}, stash.name


def test_no_pod_mounts_what_is_kept(prod: Recording) -> None:
    kept = {secret.object_name for secret in prod.of_kind("Secret") if secret.object_name.startswith("kept-")}
    assert kept

    for workload in prod.workloads():
        assert not [name for name in kept if name in json.dumps(workload.inputs)], workload.name


def test_given_secrets_stand_in_secrets_only() -> None:
    settings = prod_with(
        credentials__redis__value=GIVEN,
        credentials__mysql__existingSecret={"namespace": "vault", "name": "db"},
    )

    found = credentials(settings, secrets={"vault/db": {"password": FOUND}})

    encoded = {base64.b64encode(value.encode()).decode() for value in (GIVEN, FOUND)}
    for resource in found.registered:
        for key, value in resource.inputs.items():
            told = json.dumps(value, default=str)
            if any(secret in told for secret in {GIVEN, FOUND} | encoded):
                assert key in resource.secret_inputs, f"{resource.name}.{key}"
                assert resource in found.of_kind("Secret"), resource.name
