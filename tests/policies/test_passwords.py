"""Passwords: the pack refuses weak ones, and those that stand where everybody reads."""

import pytest

from tests.policies.analysis import analyse
from tests.policies.refusals import refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State

TRACK = "Deployment tracardi-track/track-api"
PASSWORD = "tracardi-credentials-admin-password"  # noqa: S105 - the name of a resource


@refused("generated-passwords-are-strong", f"RandomPassword {PASSWORD} has 31 characters, not 32")
def test_a_short_password(state: State) -> None:
    state.inputs("RandomPassword", PASSWORD)["length"] = 31


@refused("generated-passwords-are-strong", "has 0 characters")
def test_a_length_that_cannot_be_seen(state: State) -> None:
    state.inputs("RandomPassword", PASSWORD)["length"] = UNKNOWN


@refused("generated-passwords-are-strong", "has only numeric and special characters")
def test_a_password_without_letters(state: State) -> None:
    state.inputs("RandomPassword", PASSWORD).update({"lower": False, "upper": False})


@refused("secrets-are-never-literal", f"{TRACK} has REDIS_PASSWORD in clear text in container api")
def test_a_literal_password(state: State) -> None:
    state.drop_variable("track-api", "REDIS_PASSWORD")
    state.set_variable("track-api", "REDIS_PASSWORD", value="letmein")


@refused("secrets-are-never-literal", "has AUTO_PROFILE_MERGING in clear text")
def test_a_literal_secret_with_a_name_that_does_not_tell(state: State) -> None:
    state.set_variable("gui-api", "AUTO_PROFILE_MERGING", value="a merging secret of our own")


@refused("secrets-are-never-literal", "has ELASTIC_API_KEY in clear text")
def test_a_generated_value_in_an_environment(state: State) -> None:
    state.set_variable("track-api", "ELASTIC_API_KEY", value=UNKNOWN)


@refused("secrets-are-never-literal", "has MYSQL_PASSWORD_FILE in clear text")
def test_a_password_where_its_path_should_be(state: State) -> None:
    state.set_variable("mysql", "MYSQL_PASSWORD_FILE", value="letmein")


@refused("secrets-are-never-literal", "takes REDIS_PASSWORD from a ConfigMap")
def test_a_password_in_a_config_map(state: State) -> None:
    state.drop_variable("track-api", "REDIS_PASSWORD")
    state.inputs("ConfigMap", "index-shape", "tracardi-track")["data"]["REDIS_PASSWORD"] = "letmein"  # noqa: S105 - bait


@refused("secrets-are-never-literal", "has a password in the address REDIS_HOST")
def test_a_password_in_an_address(state: State) -> None:
    state.set_variable("track-api", "REDIS_HOST", value="redis://:letmein@redis:6379")


@refused("secrets-are-never-literal", "has a password in an address among its arguments")
def test_a_password_in_an_argument(state: State) -> None:
    state.container("track-api")["args"].append("--sentry=https://key:letmein@sentry.example.com/1")


@refused("secrets-are-never-literal", "in container prepare")
def test_a_literal_password_of_an_initial_container(state: State) -> None:
    state.pod("elasticsearch")["initContainers"][0]["env"].append({"name": "ELASTIC_PASSWORD", "value": "letmein"})


@pytest.mark.parametrize("value", ["letmein", UNKNOWN, UNDECRYPTED])
def test_no_message_shows_a_value(prod: State, value: str) -> None:
    prod.set_variable("track-api", "REDIS_PASSWORD", value=value)

    messages = analyse(prod)["secrets-are-never-literal"]

    assert messages
    assert not [message for message in messages if value in message]


@refused("installation-token-is-secret", f"{TRACK} has no INSTALLATION_TOKEN from a Secret in container api")
def test_no_installation_token(state: State) -> None:
    state.drop_variable("track-api", "INSTALLATION_TOKEN")


@refused("installation-token-is-secret", "Deployment tracardi-console/gui-api", also=("secrets-are-never-literal",))
def test_the_installation_token_that_everybody_knows(state: State) -> None:
    state.set_variable("gui-api", "INSTALLATION_TOKEN", value="tracardi")


@refused("installation-token-is-secret", TRACK)
def test_an_installation_token_that_may_be_missing(state: State) -> None:
    reference = {"name": "track-api-credentials", "key": "installation-token", "optional": True}
    state.set_variable("track-api", "INSTALLATION_TOKEN", valueFrom={"secretKeyRef": reference})
