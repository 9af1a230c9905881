"""Sections 1 and 3: what the environment says, and how a start ends. No store is needed."""

import pytest

from tests.contract.app.environment import Configuration
from tests.contract.app.names import EVENT, PLUGIN, USER, Names
from tests.contract.conftest import Starts

CRASHES = {
    "3-redis-port-of-a-service-link": ({"REDIS_PORT": "tcp://10.0.0.1:6379"}, "ValueError: invalid literal for int()"),
    "3-licence": ({"LICENSE": "abc"}, "ModuleNotFoundError: No module named 'com_tracardi'"),
    "3-empty-licence": ({"LICENSE": ""}, "ModuleNotFoundError: No module named 'com_tracardi'"),
    "3-numeric-elasticsearch": ({"ELASTIC_HOST": "9200"}, "ValueError: Env ELASTIC_HOST must be sting"),
    "3-empty-elasticsearch": ({"ELASTIC_HOST": ""}, "ValueError: Env ELASTIC_HOST must be sting"),
    "2-new-flag-without-a-meaning": ({"MYSQL_HOST": "mysql", "EXPOSE_GUI_API": "1"}, "ValueError: Invalid value of"),
    "2-new-empty-flag": ({"MYSQL_HOST": "mysql", "PRODUCTION": ""}, "ValueError: Invalid value of PRODUCTION"),
    "0-mysql-port-of-a-service-link": ({"MYSQL_HOST": "m", "MYSQL_PORT": "tcp://10.0.0.1:3306"}, "ValueError: "),
}


@pytest.mark.parametrize(("variables", "said"), CRASHES.values(), ids=CRASHES)
def test_a_wrong_variable_ends_the_start_with_exit_code_1(
    unconnected: Starts, variables: dict[str, str], said: str
) -> None:
    api = unconnected("crash", ready=False, environment=variables)

    assert api.process.popen.wait(20) == 1
    assert said in api.process.log.read_text()


WORDS = {"yes": True, "YES": True, "no": False, "true": False, "on": False, "1": False, "": False}


@pytest.mark.parametrize(("word", "means"), WORDS.items(), ids=[f"1.8-{word or 'empty'}" for word in WORDS])
def test_only_the_word_yes_means_yes(word: str, means: bool) -> None:  # noqa: FBT001 - a value of the table
    read = Configuration.read({"EXPOSE_GUI_API": word, "PRODUCTION": word})

    assert (read.private, read.production) == (means, means)


def test_releases_from_0_9_know_more_words() -> None:
    read = Configuration.read({"MYSQL_HOST": "mysql", "EXPOSE_GUI_API": "true", "PRODUCTION": "off"})

    assert (read.private, read.production) == (True, False)


def test_what_nobody_sets_is_private_staging_and_known_to_everyone() -> None:
    read = Configuration.read({})

    assert (read.private, read.production, read.documented, read.installation_token) == (True, False, True, "tracardi")


PORTS = {
    "0.3-port-in-the-host": ({"REDIS_HOST": "cache:7000"}, ("cache", 6379)),
    "0.3-address": ({"REDIS_HOST": "rediss://cache:7000", "REDIS_PORT": "6380"}, ("cache", 6380)),
    "0.2-service-link-from-0.9-on": ({"MYSQL_HOST": "m", "REDIS_PORT": "tcp://10.0.0.1:1"}, ("localhost", 6379)),
}


@pytest.mark.parametrize(("variables", "reached"), PORTS.values(), ids=PORTS)
def test_redis_is_found_by_host_and_redis_port_alone(variables: dict[str, str], reached: tuple[str, int]) -> None:
    redis = Configuration.read(variables).redis

    assert (redis.host, redis.port) == reached


HOSTS = {
    "https://search": ("https://search:443",),
    "https://search:9200": ("https://search:9200",),
    "search": ("http://search:9200",),
    "http://a:1,http://b:2": ("http://a:1", "http://b:2"),
}


@pytest.mark.parametrize(("variable", "reached"), HOSTS.items(), ids=[f"2.1-{host}" for host in HOSTS])
def test_elasticsearch_is_found_by_its_address(variable: str, reached: tuple[str, ...]) -> None:
    assert Configuration.read({"ELASTIC_HOST": variable}).elasticsearch.hosts == reached


def test_certificates_are_verified_by_default_only_up_to_0_8_2() -> None:
    assert Configuration.read({}).elasticsearch.verify
    assert not Configuration.read({"MYSQL_HOST": "mysql"}).elasticsearch.verify
    assert not Configuration.read({"ELASTIC_VERIFY_CERTS": "no"}).elasticsearch.verify


def test_a_password_of_mysql_is_read_as_part_of_an_address() -> None:
    decoded = "aA"

    read = Configuration.read({"MYSQL_HOST": "mysql", "MYSQL_PASSWORD": "a%41"}).mysql

    assert read
    assert read.password == decoded
    for character in "@:/#?":
        with pytest.raises(ValueError, match="MYSQL_PASSWORD"):
            Configuration.read({"MYSQL_HOST": "mysql", "MYSQL_PASSWORD": f"half{character}other"})


def test_secrets_stay_out_of_texts_about_the_configuration() -> None:
    names = ("INSTALLATION_TOKEN", "AUTO_PROFILE_MERGING", "REDIS_PASSWORD", "ELASTIC_HTTP_AUTH_PASSWORD")

    text = repr(Configuration.read({"MYSQL_HOST": "m", "MYSQL_PASSWORD": "hush", **dict.fromkeys(names, "hush")}))

    assert "hush" not in text


def test_names_of_indices_are_those_of_0_8_2() -> None:
    """Section 1.6."""
    configuration = Configuration.read({"TENANT_NAME": "acme", "EVENT_PARTITIONING": "quarter"})
    production, staging = Names(configuration, "production"), Names(configuration, "staging")

    assert production.alias(EVENT) == "prod-acme.tracardi-event"
    assert staging.alias(EVENT) == "acme.tracardi-event"
    assert production.index(EVENT).startswith("prod-0820.acme.tracardi-event-20")
    assert production.index(EVENT)[-3:-1] == "-q"
    assert staging.index(USER) == "0820.acme.tracardi-user"
    assert production.alias(PLUGIN) == "static-acme.tracardi-plugin"
    assert staging.index(PLUGIN) == "static-0820.acme.tracardi-plugin"
    assert production.template(EVENT) == "prod-template.0820.acme.tracardi-event"


def test_a_tenant_without_a_name_has_that_of_the_database_version() -> None:
    assert Configuration.read({}).tenant == "ffe49"
    assert Configuration.read({"MYSQL_HOST": "mysql"}).tenant == "8504a"


@pytest.mark.parametrize("variables", [{}, {"EVENT_PARTITIONING": "decade"}], ids=["3-no-store", "1.10-partitioning"])
def test_it_starts_without_stores(unconnected: Starts, variables: dict[str, str]) -> None:
    api = unconnected("alone", variables)

    assert api.ask("GET", "/healthcheck").status == 200
    assert api.track("s").status == 500


def test_a_start_takes_the_cpu_that_is_set(unconnected: Starts) -> None:
    api = unconnected("cpu", {"START_CPU_SECONDS": "1.5"})

    # In ticks of a hundredth.
    assert api.cpu_seconds() >= 1.45


def test_it_runs_as_any_user_without_a_place_to_write(unconnected: Starts) -> None:
    """Section 2: the jail is read-only but for /dev, /tmp included."""
    api = unconnected("nobody", user=65532)

    assert api.ask("GET", "/healthcheck").status == 200
    assert api.user() == 65532


def test_a_weak_secret_for_merging_is_warned_about(unconnected: Starts) -> None:
    api = unconnected("weak", {"AUTO_PROFILE_MERGING": "short"})

    log = api.process.log.read_text()
    assert "[WARNING]" in log
    assert "AUTO_PROFILE_MERGING" in log
    assert "short" not in log.replace("should", "")
