"""Authentication: the pack refuses stores that let in whoever shows no password."""

import base64

from tests.policies.refusals import accepted, refused
from tests.policies.state import State
from tests.policies.test_provenance import take

ELASTICSEARCH = "StatefulSet tracardi-data/elasticsearch"
REDIS = "StatefulSet tracardi-data/redis"
MYSQL = "StatefulSet tracardi-data/mysql"


@refused("stores-ask-for-passwords", f"{ELASTICSEARCH} has no ELASTIC_PASSWORD from a Secret")
def test_elasticsearch_without_a_password(state: State) -> None:
    state.drop_variable("elasticsearch", "ELASTIC_PASSWORD")


@refused("stores-ask-for-passwords", f"{REDIS} reads no password from a Secret in container redis")
def test_redis_that_includes_no_password(state: State) -> None:
    state.edit("redis", "include /run/secrets/redis/auth.conf\n", "", key="redis.conf")


@refused("stores-ask-for-passwords", f"{REDIS} lets in whoever shows no password")
def test_redis_that_forgets_its_password_again(state: State) -> None:
    state.inputs("ConfigMap", "redis", "tracardi-data")["data"]["redis.conf"] += 'requirepass ""\n'


@refused("stores-ask-for-passwords", f"{REDIS} lets in whoever shows no password")
def test_redis_with_a_user_that_needs_none(state: State) -> None:
    state.container("redis")["args"] = ["--user", "default on nopass ~* +@all"]


@refused("stores-ask-for-passwords", f"{REDIS} may ask nobody for a password")
def test_redis_without_its_configuration(state: State) -> None:
    state.container("redis")["command"] = ["redis-server"]


@refused("stores-ask-for-passwords", f"{MYSQL} has no MYSQL_ROOT_PASSWORD from a Secret", f"{MYSQL} has MYSQL_ALLOW")
def test_mysql_without_a_password_of_root(state: State) -> None:
    state.drop_variable("mysql", "MYSQL_ROOT_PASSWORD_FILE")
    state.set_variable("mysql", "MYSQL_ALLOW_EMPTY_PASSWORD", value="yes")


@refused("stores-ask-for-passwords", f"{MYSQL} asks nobody for a password")
def test_mysql_that_skips_its_grants(state: State) -> None:
    state.container("mysql").setdefault("args", []).append("--skip-grant-tables")


@accepted("stores-ask-for-passwords")
def test_mysql_with_passwords_from_variables(state: State) -> None:
    for name, key in (("MYSQL_PASSWORD", "mysql-password"), ("MYSQL_ROOT_PASSWORD", "mysql-root-password")):
        take(state, "mysql", f"{name}_FILE", key)
        state.container("mysql")["env"][-1]["name"] = name


@accepted("stores-ask-for-passwords")
def test_redis_with_more_arguments(state: State) -> None:
    state.container("redis")["args"] = ["--loglevel", "warning"]


@accepted("stores-ask-for-passwords")
def test_a_configuration_that_is_secret_as_a_whole(state: State) -> None:
    data = state.inputs("Secret", "redis-credentials")["data"]
    plain = state.inputs("ConfigMap", "redis", "tracardi-data")["data"]["redis.conf"]
    own = base64.b64decode(data["auth.conf"]).decode()
    data["auth.conf"] = base64.b64encode(plain.replace("include /run/secrets/redis/auth.conf\n", own).encode()).decode()
    state.container("redis")["command"] = ["redis-server", "/run/secrets/redis/auth.conf"]


@refused("stores-ask-for-passwords", f"{REDIS} finds no password in /run/secrets/redis/auth.conf")
def test_a_secret_configuration_that_forgets_its_password_again(state: State) -> None:
    data = state.inputs("Secret", "redis-credentials")["data"]
    text = base64.b64decode(data["auth.conf"]).decode()
    data["auth.conf"] = base64.b64encode(f"{text}user default on nopass ~* +@all\n".encode()).decode()
    state.container("redis")["command"] = ["redis-server", "/run/secrets/redis/auth.conf"]
