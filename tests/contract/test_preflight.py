"""The preflight program against real stores: Elasticsearch behind TLS, Redis, and MariaDB in MySQL's place."""

import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pymysql
import pytest

from components.programs.preflight.checks import main
from model.releases import Versions, release_of
from model.roles import Role
from tests.contract.cluster import HOST, MYSQL_PASSWORD, MYSQL_USER, REDIS_PASSWORD, Cluster, Process
from tests.contract.conftest import Stores
from tests.contract.front import SECRET, USER, Front

Preflight = Callable[..., list[str]]


@pytest.fixture
def preflight(cluster: Cluster, stores: Stores, mysql: Process, front: Front, tmp_path: Path) -> Preflight:
    """The findings about stores, with variables that say otherwise than what is right."""
    assert mysql.popen.poll() is None
    right = {
        "ELASTIC_HOST": f"https://{HOST}:{front.port}",
        "ELASTIC_CA_FILE": str(front.folder / "ca.pem"),
        "ELASTIC_HTTP_AUTH_USERNAME": USER,
        "ELASTIC_HTTP_AUTH_PASSWORD": SECRET,
        "REDIS_HOST": HOST,
        "REDIS_PORT": str(stores.redis_port),
        "REDIS_PASSWORD": REDIS_PASSWORD,
        "MYSQL_HOST": HOST,
        "MYSQL_PORT": "3306",
        "MYSQL_DATABASE": "tracardi_preflight",
        "MYSQL_USERNAME": MYSQL_USER,
        "MYSQL_PASSWORD": MYSQL_PASSWORD,
        "PREFLIGHT_PATIENCE_SECONDS": "0",
        "PREFLIGHT_PLAN": str(tmp_path / "plan.json"),
    }

    def run(*names: str, **changes: str) -> list[str]:
        versions = release_of("0.8.2.1").store_versions | {Role.MYSQL: release_of("1.0.0").store_versions[Role.MYSQL]}
        plan = {"release": "0.8.2.1", "stores": {name: _planned(versions[Role(name)]) for name in names}}
        (tmp_path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        errors = StringIO()
        with redirect_stderr(errors), redirect_stdout(StringIO()):
            cluster.call(lambda: main({**right, **changes}))
        return errors.getvalue().splitlines()

    return run


def _planned(versions: Versions) -> dict[str, object]:
    return {"networks": ["127.0.0.0/8"], "versions": vars(versions), "tunnel": None}


def test_elasticsearch_and_redis_are_as_they_should_be(preflight: Preflight) -> None:
    # What stands in front of Elasticsearch was only just started.
    assert preflight("elasticsearch", "redis", PREFLIGHT_PATIENCE_SECONDS="20") == []


def test_nothing_is_wrong_with_mariadb_but_that_it_is_no_mysql(cluster: Cluster, preflight: Preflight) -> None:
    found, _ = preflight("mysql")

    assert "MariaDB" in found
    assert "nobody knows Tracardi on MariaDB" in found

    def tables() -> object:
        with pymysql.connect(host=HOST, port=3306, user=MYSQL_USER, password=MYSQL_PASSWORD) as client:
            cursor = client.cursor()
            cursor.execute("SHOW TABLES IN tracardi_preflight")
            return cursor.fetchall()

    assert cluster.call(tables) == ()


@pytest.mark.parametrize(
    ("store", "changes", "said"),
    [
        ("elasticsearch", {"ELASTIC_HTTP_AUTH_PASSWORD": "another"}, "credentials.elasticsearch: logging in"),
        ("elasticsearch", {"ELASTIC_CA_FILE": "{folder}/other.pem"}, "external.certificateAuthority: TLS with"),
        ("elasticsearch", {"ELASTIC_HOST": "https://127.0.0.2:{port}"}, "its certificate does not carry this address"),
        ("elasticsearch", {"ELASTIC_HOST": "https://127.0.0.1:9200"}, "it does not speak TLS on this port"),
        ("redis", {"REDIS_PASSWORD": "another"}, "credentials.redis: logging in"),
        ("redis", {"REDIS_PORT": "3306"}, "AUTH to Redis"),
        ("redis", {"REDIS_PORT": "{port}"}, "AUTH to Redis"),
        ("mysql", {"MYSQL_PASSWORD": "another"}, "credentials.mysql: logging in"),
        ("mysql", {"MYSQL_DATABASE": "another"}, "external.username: CREATE DATABASE in another"),
        ("mysql", {"MYSQL_PORT": "{redis}"}, "talking to MySQL"),
    ],
)
def test_what_is_wrong_is_told(
    preflight: Preflight, front: Front, stores: Stores, store: str, changes: dict[str, str], said: str
) -> None:
    told = {"port": str(front.port), "folder": str(front.folder), "redis": str(stores.redis_port)}

    found = preflight(
        store,
        PREFLIGHT_TIMEOUT_SECONDS="2",
        **{name: value.format(**told) for name, value in changes.items()},
    )

    assert said in "\n".join(found)
