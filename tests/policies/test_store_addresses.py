"""Store addresses: the pack refuses addresses, ports and passwords of stores that Tracardi misreads."""

import pytest

from tests.policies.analysis import analyse, configuration
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State
from tests.policies.test_passwords import give_secret

TRACK = "Deployment tracardi-track/track-api"
GUI_API = "Deployment tracardi-console/gui-api"
MYSQL = "tracardi-credentials-mysql-password"


def give_mysql(state: State, password: str) -> None:
    """Let everybody use `password` for MySQL."""
    holders = ("track-api-credentials", "gui-api-credentials", "apm-credentials", "mysql-credentials")
    give_secret(state, password, "mysql-password", *holders)


@refused("redis-port-is-set", f"{TRACK} has no number as REDIS_PORT in container api")
def test_no_port_of_redis(state: State) -> None:
    state.drop_variable("track-api", "REDIS_PORT")


@refused("redis-port-is-set", GUI_API)
def test_the_port_that_a_service_link_would_set(state: State) -> None:
    state.set_variable("gui-api", "REDIS_PORT", value="tcp://10.0.0.1:6379")


@pytest.mark.parametrize("value", ["", "0", "65536", "\uff16\uff13\uff17\uff19", "6379 ", UNKNOWN, UNDECRYPTED])
@pytest.mark.parametrize("name", ["REDIS_PORT", "MYSQL_PORT"])
def test_what_is_no_port(prod: State, name: str, value: str) -> None:
    prod.set_variable("track-api", name, value=value)

    assert f"has no number as {name}" in str(analyse(prod, configuration("prod")))


@accepted("redis-port-is-set")
def test_a_port_of_redis_by_way_of_another_variable(state: State) -> None:
    state.set_variable("track-api", "PORT_OF_REDIS", value="6379")
    state.set_variable("track-api", "REDIS_PORT", value="$(PORT_OF_REDIS)")


@refused("redis-host-is-a-host", f"{TRACK} has a REDIS_HOST that begins with rediss://")
def test_redis_over_tls_that_nobody_speaks(state: State) -> None:
    state.set_variable("track-api", "REDIS_HOST", value="rediss://redis.tracardi-data.svc.cluster.local")


@refused("redis-host-is-a-host", "has another port in REDIS_HOST than in REDIS_PORT")
def test_a_port_that_is_ignored(state: State) -> None:
    state.set_variable("track-api", "REDIS_HOST", value="redis.tracardi-data.svc.cluster.local:6380")


@refused("redis-host-is-a-host", "more than a host in REDIS_HOST")
def test_a_database_that_is_ignored(state: State) -> None:
    state.set_variable("gui-api", "REDIS_HOST", value="redis://redis.tracardi-data.svc.cluster.local:6379/3")


@accepted("redis-host-is-a-host")
def test_an_address_of_redis_that_says_nothing_new(state: State) -> None:
    for workload in ("track-api", "gui-api"):
        state.set_variable(workload, "REDIS_HOST", value="redis://redis.tracardi-data.svc.cluster.local:6379")


@refused("mysql-port-is-set", f"{TRACK} has no number as MYSQL_PORT in container api")
def test_no_port_of_mysql(state: State) -> None:
    state.drop_variable("track-api", "MYSQL_PORT")


@refused("mysql-port-is-set", GUI_API)
def test_the_port_of_mysql_that_a_service_link_would_set(state: State) -> None:
    state.set_variable("gui-api", "MYSQL_PORT", value="tcp://10.0.0.1:3306")


@accepted("mysql-port-is-set", stack="release 0.8.2.1")
def test_no_port_where_there_is_no_mysql(state: State) -> None:
    state.set_variable("track-api", "SAVE_POOL", value="0")


@refused("mysql-password-fits-a-url", f"RandomPassword {MYSQL} makes a password for MySQL that breaks an address")
def test_special_characters_before_the_password_is_known(state: State) -> None:
    state.hide_secrets(UNKNOWN)
    state.inputs("RandomPassword", MYSQL).update({"special": True})


@refused("mysql-password-fits-a-url", f"RandomPassword {MYSQL}")
def test_special_characters_by_default(state: State) -> None:
    del state.inputs("RandomPassword", MYSQL)["special"]


@refused("mysql-password-fits-a-url", f"RandomPassword {MYSQL}")
def test_special_characters_of_which_one_is_unsafe(state: State) -> None:
    state.inputs("RandomPassword", MYSQL).update({"special": True, "overrideSpecial": "._~-@"})


@refused("mysql-password-fits-a-url", "has under mysql-password a password for MySQL that breaks an address")
def test_an_unsafe_password_that_was_given(state: State) -> None:
    give_mysql(state, "k3Jx9QpL77/vbZ@mD2sWq8rTn")


@accepted("mysql-password-fits-a-url")
def test_special_characters_that_are_safe(state: State) -> None:
    state.inputs("RandomPassword", MYSQL).update({"special": True, "overrideSpecial": "._~-", "minSpecial": 0})


@accepted("mysql-password-fits-a-url")
def test_special_characters_in_a_password_for_somebody_else(state: State) -> None:
    state.hide_secrets(UNKNOWN)
    state.inputs("RandomPassword", "tracardi-credentials-mysql-root-password").update({"special": True})
