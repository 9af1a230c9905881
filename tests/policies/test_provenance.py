"""Provenance: the pack follows each secret to what made it, and refuses one that serves two purposes."""

import base64

from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State
from tests.policies.test_passwords import GOOD, give_secret, set_secret
from tests.unit.engine import JsonObject, Registered

TRACK = "Deployment tracardi-track/track-api"
STASH = "tracardi-credentials-{}-remembered"
HOLDERS = ("track-api-credentials", "gui-api-credentials", "apm-credentials")


def found(state: State, kind: str, name: str) -> Registered:
    """The resource of `kind` whose name is `name`."""
    return next(resource for resource in state.of_kind(kind) if resource.name == name)


def refill(state: State, secret: str, old: str, new: str) -> None:
    """Let a Secret take from the stash `new` what it took from `old`, as at the first preview."""
    state.hide_secrets(UNKNOWN)
    for resource in state.of_kind("Secret"):
        if resource.object_name == secret:
            before = found(state, "Stash", STASH.format(old)).urn
            after = found(state, "Stash", STASH.format(new)).urn
            urns = resource.property_dependencies["data"]
            assert before in urns
            object.__setattr__(resource, "property_dependencies", {"data": (urns - {before}) | {after}})


def take(state: State, workload: str, variable: str, key: str, secret: str | None = None) -> None:
    """Let a variable of a workload come from another key."""
    state.drop_variable(workload, variable)
    reference = {"name": secret or f"{workload}-credentials", "key": key}
    state.set_variable(workload, variable, valueFrom={"secretKeyRef": reference})


def generate(state: State, token: str, **inputs: object) -> str:
    """Add a generator that is called `extra`; its URN."""
    state.add(token, {"metadata": {"name": "extra"}, **inputs})
    return state.resources[-1].urn


def fill(state: State, secret: str, urn: str) -> None:
    """Let the resource `urn` be one of those that fill a Secret."""
    for resource in state.of_kind("Secret"):
        if resource.object_name == secret:
            urns = resource.property_dependencies["data"] | {urn}
            object.__setattr__(resource, "property_dependencies", {"data": urns})


@refused(
    "secrets-can-be-found", f"{TRACK} takes REDIS_PASSWORD in container api from Secret cache, which the stack lacks"
)
def test_a_secret_that_is_not_there(state: State) -> None:
    take(state, "track-api", "REDIS_PASSWORD", "redis-password", secret="cache")  # noqa: S106 - a name


@refused("secrets-can-be-found", "from key redis of Secret track-api-credentials, which lacks it")
def test_a_key_that_is_not_there(state: State) -> None:
    take(state, "track-api", "REDIS_PASSWORD", "redis")


@refused("secrets-can-be-found", "Job tracardi-console/installation", "which the stack lacks")
def test_a_secret_of_another_namespace(state: State) -> None:
    state.inputs("Secret", "installation-credentials")["metadata"]["namespace"] = "tracardi-track"


@refused("secrets-can-be-found", "starts without /run/secrets/tracardi/admin-password in container install")
def test_a_mounted_secret_that_may_be_missing(state: State) -> None:
    volumes = state.pod("installation")["volumes"]
    next(volume for volume in volumes if "secret" in volume)["secret"]["optional"] = True


@accepted("secrets-can-be-found", options={"secrets-can-be-found": {"keptElsewhere": ["tracardi-track/cache"]}})
def test_a_secret_that_somebody_else_keeps(state: State) -> None:
    take(state, "track-api", "REDIS_PASSWORD", "redis-password", secret="cache")  # noqa: S106 - a name


@refused("secrets-can-be-found", "from Secret redis-credentials, which is empty")
def test_a_secret_with_nothing_in_it(state: State) -> None:
    state.inputs("Secret", "redis-credentials").pop("data")


@accepted("secrets-can-be-found")
def test_a_secret_in_plain_data(state: State) -> None:
    inputs = state.inputs("Secret", "track-api-credentials")
    inputs["stringData"] = {key: base64.b64decode(value).decode() for key, value in inputs.pop("data").items()}


@refused("secrets-come-from-generators", "installation-credentials holds what RandomString extra made")
def test_a_string_that_the_engine_shows(state: State) -> None:
    state.hide_secrets(UNKNOWN)
    fill(state, "installation-credentials", generate(state, "random:index/randomString:RandomString", length=32))


@refused("secrets-come-from-generators", "RandomUuid extra")
def test_a_string_that_looks_random_behind_a_stash(state: State) -> None:
    state.hide_secrets(UNKNOWN)
    urn = generate(state, "random:index/randomUuid:RandomUuid")
    stash = found(state, "Stash", STASH.format("admin-password"))
    object.__setattr__(stash, "property_dependencies", {"input": frozenset({urn})})


@refused("secrets-come-from-generators", "RandomPet extra")
def test_a_value_whose_maker_is_known_by_it_alone(state: State) -> None:
    generate(state, "random:index/randomPet:RandomPet", id=GOOD)
    set_secret(state, "installation-credentials", "admin-password", GOOD)


@refused("secrets-come-from-generators", "gui-api-credentials holds as mysql-password what nothing in the stack made")
def test_a_password_that_somebody_wrote_down(state: State) -> None:
    for secret in (*HOLDERS, "mysql-credentials"):
        set_secret(state, secret, "mysql-password", "Xk29dkLm3QpZ.7rTn")


@refused("secrets-come-from-generators", "installation-credentials holds as admin-password what nothing")
def test_secrets_that_nothing_fills(state: State) -> None:
    state.hide_secrets(UNDECRYPTED)
    object.__setattr__(found(state, "Secret", "tracardi-credentials-installation-secret"), "property_dependencies", {})


@accepted("secrets-come-from-generators", options={"secrets-come-from-generators": {"given": ["mysql-password"]}})
def test_a_password_of_a_provider(state: State) -> None:
    for secret in (*HOLDERS, "mysql-credentials"):
        set_secret(state, secret, "mysql-password", "Xk29dkLm3QpZ.7rTn")


@accepted("secrets-come-from-generators")
def test_bytes_are_as_good_as_a_password(state: State) -> None:
    state.hide_secrets(UNKNOWN)
    urn = generate(state, "random:index/randomBytes:RandomBytes", length=32)
    stash = found(state, "Stash", STASH.format("admin-password"))
    object.__setattr__(stash, "property_dependencies", {"input": frozenset({urn})})


@accepted("secrets-come-from-generators")
def test_a_name_that_looks_random(state: State) -> None:
    generate(state, "random:index/randomPet:RandomPet", id="sunny-otter")


@refused(
    "one-secret-one-purpose", "takes AUTO_PROFILE_MERGING", "key installation-token", also=("pods-agree-on-secrets",)
)
def test_one_key_for_two_variables(state: State) -> None:
    take(state, "track-api", "AUTO_PROFILE_MERGING", "installation-token")


@refused("one-secret-one-purpose", "takes AUTO_PROFILE_MERGING in container api from the key installation-token")
def test_one_key_for_two_variables_before_its_value_is_known(state: State) -> None:
    state.hide_secrets(UNKNOWN)
    take(state, "track-api", "AUTO_PROFILE_MERGING", "installation-token")
    take(state, "gui-api", "AUTO_PROFILE_MERGING", "installation-token")


@refused(
    "one-secret-one-purpose",
    "Secret tracardi-track/track-api-credentials has under",
    # What merges profiles has another secret for it then.
    also=("pods-agree-on-secrets",),
)
def test_one_value_for_two_purposes(state: State) -> None:
    for secret in ("track-api-credentials", "gui-api-credentials"):
        data: JsonObject = state.inputs("Secret", secret)["data"]
        data["profile-merging-secret"] = data["installation-token"]


@refused("one-secret-one-purpose", "holds 5 secrets", "of 4 generators")
def test_one_generator_for_two_purposes_of_the_same_pods(state: State) -> None:
    for secret in ("track-api-credentials", "gui-api-credentials"):
        refill(state, secret, "profile-merging-secret", "installation-token")


@refused("one-secret-one-purpose", "for another use", "of 4 generators")
def test_one_generator_for_two_stores(state: State) -> None:
    for secret in ("track-api-credentials", "gui-api-credentials", "redis-credentials"):
        refill(state, secret, "redis-password", "elasticsearch-password")


@refused("one-secret-one-purpose", "Secret tracardi-console/installation-credentials holds 2 secrets")
def test_the_administrators_password_is_the_token(state: State) -> None:
    refill(state, "installation-credentials", "admin-password", "installation-token")


@refused(
    "one-secret-one-purpose",
    "StatefulSet tracardi-data/mysql takes /run/secrets/mysql/mysql-password",
    also=("pods-agree-on-secrets",),
)
def test_one_file_for_the_users_and_for_roots_password(state: State) -> None:
    state.set_variable("mysql", "MYSQL_ROOT_PASSWORD_FILE", value="/run/secrets/mysql/mysql-password")


@refused("one-secret-one-purpose", "Job tracardi-console/installation", "from the key installation-token")
def test_one_key_under_two_paths(state: State) -> None:
    state.hide_secrets(UNKNOWN)
    volumes = state.pod("installation")["volumes"]
    mounted = next(volume for volume in volumes if "secret" in volume)["secret"]
    mounted["items"] = [
        {"key": "installation-token", "path": path} for path in ("admin-password", "installation-token")
    ]


@accepted("one-secret-one-purpose", options={"one-secret-one-purpose": {"given": ["AUTO_PROFILE_MERGING"]}})
def test_a_secret_that_the_configuration_gives(state: State) -> None:
    for secret in ("track-api-credentials", "gui-api-credentials"):
        refill(state, secret, "profile-merging-secret", "installation-token")


@accepted("one-secret-one-purpose")
def test_one_key_that_two_containers_read_for_one_purpose(state: State) -> None:
    sidecar = {**state.container("track-api"), "name": "second", "image": "docker.io/library/stunnel:5", "ports": []}
    wanted = [entry for entry in sidecar["env"] if entry["name"] == "REDIS_PASSWORD"]
    state.pod("track-api")["containers"].append({**sidecar, "env": wanted, "envFrom": []})


@refused(
    "pods-agree-on-secrets",
    "has another secret under profile-merging-secret than",
    also=("secrets-come-from-generators",),
)
def test_a_merging_secret_of_ones_own(state: State) -> None:
    set_secret(state, "track-api-credentials", "profile-merging-secret", GOOD)


@refused("pods-agree-on-secrets", "has another secret under redis-password", also=("secrets-come-from-generators",))
def test_a_store_with_another_password(state: State) -> None:
    set_secret(state, "redis-credentials", "redis-password", GOOD)


@refused("pods-agree-on-secrets", "is filled from other generators than")
def test_another_generator_for_some_pods(state: State) -> None:
    refill(state, "track-api-credentials", "profile-merging-secret", "admin-password")


@accepted("pods-agree-on-secrets")
def test_another_secret_for_everybody(state: State) -> None:
    give_secret(state, GOOD, "profile-merging-secret", *HOLDERS)


@refused("pods-agree-on-secrets", f"{TRACK} takes REDIS_PASSWORD from key mysql-password")
def test_keys_that_are_interchanged_before_their_values_are_known(state: State) -> None:
    take(state, "track-api", "REDIS_PASSWORD", "mysql-password")
    take(state, "track-api", "MYSQL_PASSWORD", "redis-password")
    state.hide_secrets(UNKNOWN)
