"""Literals: the pack finds secrets wherever they stand in clear, and accepts what only looks like one."""

import base64

import pytest

from policies.pack.credentials.wording import in_arguments, is_a_secret, names_a_secret, written_out
from tests.policies.analysis import analyse
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State
from tests.policies.test_provenance import STASH, found

TRACK = "Deployment tracardi-track/track-api"
INDEX_SHAPE = "ConfigMap tracardi-track/index-shape"


def put(state: State, **data: str) -> None:
    """Add keys to a ConfigMap that an API pod takes variables from."""
    state.inputs("ConfigMap", "index-shape", "tracardi-track")["data"].update(data)


@refused(
    "secrets-are-never-literal",
    f"{TRACK} has REDIS_PASSWORD in clear text in container api",
    also=("api-passwords-come-from-secrets",),
)
def test_a_literal_password(state: State) -> None:
    state.drop_variable("track-api", "REDIS_PASSWORD")
    state.set_variable("track-api", "REDIS_PASSWORD", value="letmein")


@refused(
    "secrets-are-never-literal", "has AUTO_PROFILE_MERGING in clear text", also=("api-passwords-come-from-secrets",)
)
def test_a_literal_secret_with_a_name_that_does_not_tell(state: State) -> None:
    state.set_variable("gui-api", "AUTO_PROFILE_MERGING", value="a merging secret of our own")


@refused("secrets-are-never-literal", "has ELASTIC_API_KEY in clear text")
def test_a_generated_value_in_an_environment(state: State) -> None:
    state.set_variable("track-api", "ELASTIC_API_KEY", value=UNKNOWN)


@refused("secrets-are-never-literal", "has REDIS_PASSWORD in clear text")
def test_a_literal_password_that_a_later_variable_replaces(state: State) -> None:
    state.container("track-api")["env"].insert(0, {"name": "REDIS_PASSWORD", "value": "letmein"})


@refused("secrets-are-never-literal", "has MYSQL_PASSWORD_FILE in clear text", also=("stores-ask-for-passwords",))
def test_a_password_where_its_path_should_be(state: State) -> None:
    state.set_variable("mysql", "MYSQL_PASSWORD_FILE", value="letmein")


@refused(
    "secrets-are-never-literal",
    "takes REDIS_PASSWORD from a ConfigMap",
    also=("api-passwords-come-from-secrets", "no-secret-in-the-open"),
)
def test_a_password_in_a_config_map(state: State) -> None:
    state.drop_variable("track-api", "REDIS_PASSWORD")
    state.inputs("ConfigMap", "index-shape", "tracardi-track")["data"]["REDIS_PASSWORD"] = "letmein"  # noqa: S105 - bait


@refused("secrets-are-never-literal", "has a password in the address REDIS_HOST", also=("redis-host-is-a-host",))
def test_a_password_in_an_address(state: State) -> None:
    state.set_variable("track-api", "REDIS_HOST", value="redis://:letmein@redis.tracardi-data:6379")


@refused("secrets-are-never-literal", "has a password in the address among its arguments")
def test_a_password_in_an_argument(state: State) -> None:
    state.container("track-api")["args"].append("--sentry=https://key:letmein@sentry.example.com/1")


@refused("secrets-are-never-literal", "has a value for --api-token among its arguments")
def test_a_token_after_its_flag(state: State) -> None:
    state.container("track-api")["args"] += ["--api-token", "letmein"]


@refused("secrets-are-never-literal", "puts the secret REDIS_PASSWORD among its arguments")
def test_a_secret_that_every_process_can_read(state: State) -> None:
    state.container("track-api")["args"].append("--redis=$(REDIS_PASSWORD)")


@refused("secrets-are-never-literal", "in container prepare")
def test_a_literal_password_of_an_initial_container(state: State) -> None:
    state.pod("elasticsearch")["initContainers"][0]["env"].append({"name": "ELASTIC_PASSWORD", "value": "letmein"})


@refused("secrets-are-never-literal", "sends a secret header with its readinessProbe")
def test_a_probe_with_a_header(state: State) -> None:
    header = {"name": "Authorization", "value": "Bearer abcdefgh"}
    state.container("track-api")["readinessProbe"]["httpGet"]["httpHeaders"] = [header]


@refused("secrets-are-never-literal", "among the arguments of its livenessProbe")
def test_a_password_in_the_command_of_a_probe(state: State) -> None:
    state.container("redis")["livenessProbe"]["exec"]["command"] = ["sh", "-c", "REDISCLI_AUTH=letmein redis-cli ping"]


@accepted("secrets-are-never-literal")
def test_a_path_of_a_secret(state: State) -> None:
    state.set_variable("track-api", "SMTP_PASSWORD_FILE", value="/run/secrets/smtp/password")
    state.set_variable("track-api", "TOKEN_TTL_SECONDS", value="3600")


@accepted("secrets-are-never-literal")
def test_an_address_without_a_password(state: State) -> None:
    state.set_variable("track-api", "DOCUMENTATION", value="https://tracardi.example.com:8443/docs?a=b@c")


@pytest.mark.parametrize("value", ["letmein", UNKNOWN, UNDECRYPTED])
def test_no_message_shows_a_value(prod: State, value: str) -> None:
    prod.set_variable("track-api", "REDIS_PASSWORD", value=value)
    put(prod, **{"smtp.conf": f"password = {value}"})

    messages = [message for found in analyse(prod).values() for message in found]

    assert messages
    assert not [message for message in messages if value in message]


@refused("no-secret-in-the-open", "ConfigMap tracardi-data/redis has a password in redis.conf")
def test_a_password_in_a_configuration(state: State) -> None:
    data = state.inputs("ConfigMap", "redis", "tracardi-data")["data"]
    data["redis.conf"] += "masterauth letmein\n"


@refused("no-secret-in-the-open", f"{INDEX_SHAPE} has a value for smtp_password in settings.ini")
def test_a_password_that_is_assigned(state: State) -> None:
    put(state, **{"settings.ini": "[smtp]\nsmtp_password = letmein\n"})


@refused("no-secret-in-the-open", "has a private key in binary.pem")
def test_a_private_key_in_binary_data(state: State) -> None:
    key = base64.b64encode(b"-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----\n").decode()
    state.inputs("ConfigMap", "index-shape", "tracardi-track")["binaryData"] = {"binary.pem": key}


@refused("no-secret-in-the-open", f"{TRACK} has example.com/api-token among its annotations")
def test_a_token_in_an_annotation_of_pods(state: State) -> None:
    state.template("track-api")["metadata"].setdefault("annotations", {})["example.com/api-token"] = "letmein"


@refused("no-secret-in-the-open", "Service tracardi-track/track-api has a password in the address in example.com/from")
def test_a_password_in_the_address_of_an_annotation(state: State) -> None:
    state.inputs("Service", "track-api")["metadata"]["annotations"] = {"example.com/from": "https://me:letmein@git/x"}


@refused(
    "no-secret-in-the-open",
    "HTTPRoute tracardi-track/route has an Authorization header in value",
    also=("entries-can-be-followed",),
)
def test_a_header_that_a_route_sets(state: State) -> None:
    headers = {"set": [{"name": "Authorization", "value": "Basic bWU6bGV0bWVpbg=="}]}
    rule = {"filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": headers}]}
    metadata = {"name": "route", "namespace": "tracardi-track"}
    state.add("kubernetes:gateway.networking.k8s.io/v1:HTTPRoute", {"metadata": metadata, "spec": {"rules": [rule]}})


@accepted("no-secret-in-the-open")
def test_annotations_that_name_a_secret(state: State) -> None:
    annotations = state.inputs("Service", "track-api")["metadata"].setdefault("annotations", {})
    annotations["nginx.ingress.kubernetes.io/auth-secret"] = "basic"


@accepted("no-secret-in-the-open")
def test_configurations_that_refer_to_secrets(state: State) -> None:
    put(
        state,
        **{
            "settings.ini": "smtp_password = ${SMTP_PASSWORD}\npassword_file = /run/secrets/smtp\ntoken =\n",
            "program.py": "token = read('/run/secrets/token')\npassword: str = field\n",
            "node.yml": "ssl.key: certs/tls.key\n",
        },
    )


@refused("secret-values-stay-in-secrets", f"{TRACK} shows a secret that Stash")
def test_a_secret_under_a_harmless_name(state: State) -> None:
    value = found(state, "Stash", STASH.format("redis-password")).inputs["input"]
    state.set_variable("track-api", "GREETING", value=f"hello-{value}")


@refused("secret-values-stay-in-secrets", f"{INDEX_SHAPE} shows a secret")
def test_a_secret_in_another_encoding(state: State) -> None:
    value = found(state, "Stash", STASH.format("mysql-password")).inputs["input"]
    put(state, GREETING=base64.b64encode(value.encode()).decode())


@refused("secret-values-stay-in-secrets", f"{INDEX_SHAPE} has in its data what RandomPassword")
def test_a_secret_before_its_value_is_known(state: State) -> None:
    state.hide_secrets(UNKNOWN)
    put(state, GREETING=UNKNOWN)
    stash = found(state, "Stash", STASH.format("redis-password")).urn
    config_map = next(
        resource
        for resource in state.of_kind("ConfigMap")
        if (resource.object_name, resource.namespace) == ("index-shape", "tracardi-track")
    )
    object.__setattr__(config_map, "property_dependencies", {"data": frozenset({stash})})


@refused("secret-values-stay-in-secrets", "has in its data what Secret tracardi-data/redis-credentials made")
def test_what_a_secret_holds_in_a_config_map(state: State) -> None:
    secret = next(resource for resource in state.of_kind("Secret") if resource.object_name == "redis-credentials")
    config_map = found(state, "ConfigMap", "tracardi-installation-program")
    config_map.inputs["data"]["more"] = UNKNOWN
    object.__setattr__(config_map, "property_dependencies", {"data": frozenset({secret.urn})})


@refused("secret-values-stay-in-secrets", "has in its metadata what RandomPassword")
def test_a_secret_in_the_annotation_of_a_secret(state: State) -> None:
    stash = found(state, "Stash", STASH.format("redis-password")).urn
    secret = next(resource for resource in state.of_kind("Secret") if resource.object_name == "redis-credentials")
    secret.inputs["metadata"]["annotations"] = {"example.com/from": UNKNOWN}
    object.__setattr__(
        secret, "property_dependencies", {**secret.property_dependencies, "metadata": frozenset({stash})}
    )


@accepted("secret-values-stay-in-secrets")
def test_a_secret_in_one_more_secret(state: State) -> None:
    state.duplicate("Secret", "redis-credentials", "redis-backup")


@accepted("secret-values-stay-in-secrets")
def test_a_name_that_something_random_is_part_of(state: State) -> None:
    state.add("random:index/randomId:RandomId", {"metadata": {"name": "suffix"}, "hex": "9f86d081884c7d65"})
    put(state, SUFFIX="9f86d081884c7d65")


@pytest.mark.parametrize(
    "name",
    [
        "REDIS_PASSWORD",
        "redisPassword",
        "redis-password",
        "REDISCLI_AUTH",
        "ELASTIC_API_KEY",
        "APIKEY",
        "accessKey",
        "DB_PASS",
        "MYSQL_PWD",
        "AUTO_PROFILE_MERGING",
        "tls.key",
    ],
)
def test_names_of_secrets_in_any_spelling(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize(
    "name", ["SECRET_NAME", "PASSWORD_LENGTH", "TOKEN_TTL", "MONKEY", "ELASTIC_HTTP_AUTH_USERNAME"]
)
def test_names_of_something_else(name: str) -> None:
    assert not names_a_secret(name)
    assert not is_a_secret(name, "value")


@pytest.mark.parametrize(
    "text",
    [
        "requirepass letmein",
        "user default on >letmein ~* +@all",
        "redis://:letmein@redis:6379",
        'proxy_set_header Authorization "Basic bWU6bGV0bWVpbg==";',
        "    stats auth admin:letmein",
        "    user admin insecure-password letmein",
        "xpack.http.ssl.keystore.secure_password: letmein",
        '{"password": "letmein"}',
        "export DB_PASSWORD='letmein'",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_secrets_in_files_of_any_kind(text: str) -> None:
    assert list(written_out(f"# first line\n{text}\n"))


@pytest.mark.parametrize(
    "text",
    [
        "requirepass ${PASSWORD}",
        "redis://redis:6379/0",
        "https://example.com:8443/a@b",
        "password: null",
        "password_file: /run/secrets/password",
        'AUTH="$(cat /run/secrets/token)"',
        "xpack.security.http.ssl.key: certs/tls.key",
        "auth: none",
    ],
)
def test_what_only_looks_like_a_secret(text: str) -> None:
    assert list(written_out(text)) == []


@pytest.mark.parametrize(
    "words",
    [
        ("redis-server", "--requirepass", "letmein"),
        ("sh", "-c", "exec redis-server --requirepass letmein"),
        ("tool", "--db-password=letmein"),
        ("mysql", "-pletmein"),
        ("env", "PGPASSWORD=letmein", "psql"),
        ("curl", "-H", "Authorization: Bearer abcdefgh"),
    ],
)
def test_secrets_among_arguments(words: tuple[str, ...]) -> None:
    assert list(in_arguments(words))


@pytest.mark.parametrize(
    "words",
    [
        ("tool", "--password-file", "/run/secrets/password"),
        ("tool", "--token=$(TOKEN)"),
        ("tool", "--password", "--verbose"),
        ("sh", "-c", 'REDISCLI_AUTH="$(cat /run/secrets/redis)" redis-cli ping'),
        ("serve", "--key=/run/secrets/tls/tls.key"),
        ("mkdir", "-p", "/var/lib"),
    ],
)
def test_arguments_that_hold_no_secret(words: tuple[str, ...]) -> None:
    assert list(in_arguments(words)) == []
