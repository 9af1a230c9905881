"""Passwords: the pack refuses weak ones, and API pods that take none from a Secret."""

import base64

import pytest

from model.credentials import Credential, too_weak
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNKNOWN, State

TRACK = "Deployment tracardi-track/track-api"
PASSWORD = "tracardi-credentials-admin-password"  # noqa: S105 - the name of a resource
GOOD = "k3Jx9QpL77vbZ-mD2sWq8rTn"
HOLDERS_OF_THE_TOKEN = ("gui-api-credentials", "track-api-credentials", "installation-credentials")


def set_secret(state: State, name: str, key: str, value: str, namespace: str | None = None) -> None:
    """Put `value` under `key` of a Secret."""
    data = state.inputs("Secret", name, namespace)["data"]
    if key not in data:
        raise LookupError(f"{name} has no key {key}")
    data[key] = base64.b64encode(value.encode()).decode()


def give_secret(state: State, value: str, key: str, *names: str) -> None:
    """Put `value` under `key` of Secrets, and into what remembers it, as if it had been generated."""
    for name in names:
        set_secret(state, name, key, value)
    stash = next(stash for stash in state.of_kind("Stash") if stash.name == f"tracardi-credentials-{key}-remembered")
    stash.inputs["input"] = value


@refused("generated-passwords-are-strong", f"RandomPassword {PASSWORD} has 31 characters, not 32")
def test_a_short_password(state: State) -> None:
    state.inputs("RandomPassword", PASSWORD)["length"] = 31


@refused("generated-passwords-are-strong", "has 0 characters")
def test_a_length_that_cannot_be_seen(state: State) -> None:
    state.inputs("RandomPassword", PASSWORD)["length"] = UNKNOWN


@refused("generated-passwords-are-strong", "has only numeric and special characters")
def test_a_password_without_letters(state: State) -> None:
    state.inputs("RandomPassword", PASSWORD).update({"lower": False, "upper": False})


@refused("generated-passwords-are-strong", "has only lower and special characters")
def test_a_password_without_figures_by_the_older_name_of_the_switch(state: State) -> None:
    state.inputs("RandomPassword", PASSWORD).update({"upper": False, "number": False})


@refused("generated-passwords-are-strong", "has 4 characters, not 32")
def test_a_password_that_is_mostly_one_character(state: State) -> None:
    state.inputs("RandomPassword", PASSWORD).update({"overrideSpecial": "!", "minSpecial": 28})


@refused("generated-passwords-are-strong", "made 8 characters, not 32")
def test_a_password_that_was_imported(state: State) -> None:
    state.inputs("RandomPassword", PASSWORD)["result"] = "letmein1"


@refused("generated-passwords-are-strong", "RandomBytes token has 8 bytes, not 24")
def test_too_few_bytes(state: State) -> None:
    state.add("random:index/randomBytes:RandomBytes", {"metadata": {"name": "token"}, "length": 8})


@accepted("generated-passwords-are-strong")
def test_a_longer_password_without_special_characters(state: State) -> None:
    state.inputs("RandomPassword", PASSWORD).update({"length": 64, "special": False, "minSpecial": 0})


@accepted("generated-passwords-are-strong")
def test_special_characters_of_ones_own(state: State) -> None:
    state.inputs("RandomPassword", PASSWORD).update({"overrideSpecial": "!-_", "minSpecial": 0, "numeric": True})


@accepted("generated-passwords-are-strong", options={"generated-passwords-are-strong": {"minimumLength": 24}})
def test_a_password_as_short_as_the_configuration_allows(state: State) -> None:
    state.inputs("RandomPassword", PASSWORD)["length"] = 24


@refused("secrets-cannot-be-guessed", "Secret tracardi-console/gui-api-credentials has under installation-token")
def test_the_token_that_everybody_knows(state: State) -> None:
    give_secret(state, "tracardi", "installation-token", *HOLDERS_OF_THE_TOKEN)


@refused("secrets-cannot-be-guessed", "at least 20 characters", also=("secrets-come-from-generators",))
def test_an_empty_token(state: State) -> None:
    for secret in HOLDERS_OF_THE_TOKEN:
        set_secret(state, secret, "installation-token", "")


@refused("secrets-cannot-be-guessed", "has under admin-password a secret that misses this: something that is not made")
def test_a_password_of_words(state: State) -> None:
    give_secret(state, "Tracardi-Admin-Password-2024!", "admin-password", "installation-credentials")


@refused("secrets-cannot-be-guessed", "Secret tracardi-data/redis-credentials has under auth.conf")
def test_a_weak_password_inside_a_configuration(state: State) -> None:
    set_secret(state, "redis-credentials", "auth.conf", "requirepass redis\n")
    holders = ("redis-credentials", "gui-api-credentials", "track-api-credentials", "apm-credentials")
    give_secret(state, "redis", "redis-password", *holders)


@refused(
    "secrets-cannot-be-guessed",
    "Secret tracardi-console/installation-credentials",
    also=("secrets-come-from-generators",),
)
def test_a_weak_password_in_plain_data_that_wins_over_encoded_data(state: State) -> None:
    state.inputs("Secret", "installation-credentials")["stringData"] = {"admin-password": "aaaaaaaaaaaaaaaaaaaaaaaa"}


@accepted("secrets-cannot-be-guessed", options={"secrets-come-from-generators": {"given": ["admin-password"]}})
def test_a_given_password_of_good_strength_in_plain_data(state: State) -> None:
    state.inputs("Secret", "installation-credentials")["stringData"] = {"admin-password": GOOD}


@pytest.mark.parametrize(
    "value",
    [
        "tracardi",
        "",
        "changemechangemechangeme",
        "12345678901234567890",
        "abcdefghijklmnopqrstuvwxyz",
        "Tracardi-Admin-Password-2024!",
        "redis-secret-token-password",
        "k3Jx9QpL77k3Jx9QpL77",
        "TracardiPassword12345678",
    ],
)
def test_what_people_try_first_is_weak(value: str) -> None:
    assert too_weak(Credential.INSTALLATION_TOKEN, value)
    assert too_weak(None, value)


@pytest.mark.parametrize(
    "value", [GOOD, "9f86d081884c7d659a2feaa0c55ad015", "tracardi-k3Jx9QpL77vbZmD2", "A8#k!mPq2$Lz9&Xw4@Rt"]
)
def test_what_nobody_can_guess_is_accepted(value: str) -> None:
    assert too_weak(Credential.INSTALLATION_TOKEN, value) is None


@refused(
    "installation-token-is-secret",
    f"{TRACK} has no INSTALLATION_TOKEN from a Secret in container api",
)
def test_no_installation_token(state: State) -> None:
    state.drop_variable("track-api", "INSTALLATION_TOKEN")


@refused("installation-token-is-secret", "Deployment tracardi-console/gui-api", also=("secrets-are-never-literal",))
def test_the_installation_token_as_text(state: State) -> None:
    state.set_variable("gui-api", "INSTALLATION_TOKEN", value="tracardi")


@refused("installation-token-is-secret", TRACK, also=("secrets-can-be-found",))
def test_an_installation_token_that_may_be_missing(state: State) -> None:
    reference = {"name": "track-api-credentials", "key": "installation-token", "optional": True}
    state.set_variable("track-api", "INSTALLATION_TOKEN", valueFrom={"secretKeyRef": reference})


@accepted("installation-token-is-secret")
def test_an_installation_token_by_way_of_another_variable(state: State) -> None:
    reference = {"name": "track-api-credentials", "key": "installation-token"}
    state.drop_variable("track-api", "INSTALLATION_TOKEN")
    state.set_variable("track-api", "TOKEN_FROM_SECRET", valueFrom={"secretKeyRef": reference})
    state.set_variable("track-api", "INSTALLATION_TOKEN", value="$(TOKEN_FROM_SECRET)")


@refused("api-passwords-come-from-secrets", f"{TRACK} has no AUTO_PROFILE_MERGING from a Secret in container api")
def test_the_merging_secret_that_everybody_knows(state: State) -> None:
    state.drop_variable("track-api", "AUTO_PROFILE_MERGING")


@refused("api-passwords-come-from-secrets", "Deployment tracardi-console/gui-api has no MYSQL_PASSWORD")
def test_the_mysql_password_that_everybody_knows(state: State) -> None:
    state.drop_variable("gui-api", "MYSQL_PASSWORD")


@refused("api-passwords-come-from-secrets", "has no REDIS_PASSWORD", also=("secrets-are-never-literal",))
def test_a_password_that_a_later_variable_replaces(state: State) -> None:
    state.set_variable("track-api", "REDIS_PASSWORD", value="")


@accepted("api-passwords-come-from-secrets")
def test_passwords_in_another_order(state: State) -> None:
    state.container("track-api")["env"].reverse()


@refused("secrets-cannot-be-guessed", "Secret tracardi-data/kept-password has under value a secret")
def test_a_weak_password_that_is_kept_for_another_day(state: State) -> None:
    inputs = {"metadata": {"name": "kept-password", "namespace": "tracardi-data"}, "stringData": {"value": "letmein"}}
    state.add("kubernetes:core/v1:Secret", inputs)
