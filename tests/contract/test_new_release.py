"""Sections 4 and 5 of the fact sheet: releases from 0.9 on, with MySQL."""

import uuid

import pytest

from tests.contract.api import PASSWORD, Answer, Api
from tests.contract.cluster import Process
from tests.contract.conftest import Starts


@pytest.fixture(scope="module")
def installed(starts_new: Starts) -> tuple[Api, Answer, Answer]:
    """A private process of a tenant, what it said of itself before it was installed, and what installation answered."""
    api = starts_new("newer")
    return api, api.ask("GET", "/install"), api.install()


def test_installation_makes_a_database_and_less_in_elasticsearch(installed: tuple[Api, Answer, Answer]) -> None:
    api, before, answer = installed

    assert before.json == {"schema_ok": False, "admin_ok": False, "form_ok": False, "warning": None}
    assert answer.status == 200, answer.body
    created = [context["created"]["indices"] for context in answer.json]
    assert all("09x.newer.tracardi-" in index for indices in created for index in indices)
    assert not any(index.endswith(("user", "event-source")) for indices in created for index in indices)
    assert api.ask("GET", "/install").json == {
        "schema_ok": True, "admin_ok": True, "form_ok": True, "warning": None,
    }  # fmt: skip


def test_another_installation_changes_nothing(installed: tuple[Api, Answer, Answer]) -> None:
    api = installed[0]

    again = api.install(username="other@example.com")

    assert [context["admin"] for context in again.json] == [True, True]
    assert api.log_in(PASSWORD).status == 200
    assert api.log_in(PASSWORD, "other@example.com").status == 400


def test_a_database_without_a_schema_leaves_all_else_unknown(
    installed: tuple[Api, Answer, Answer], starts_new: Starts
) -> None:
    assert installed[2].status == 200
    other = starts_new("other")

    assert other.ask("GET", "/install").json == {
        "schema_ok": False, "admin_ok": None, "form_ok": None, "warning": None,
    }  # fmt: skip


def test_users_and_sources_live_in_mysql(installed: tuple[Api, Answer, Answer], starts_new: Starts) -> None:
    api, number, session = installed[0], f"source-{uuid.uuid4()}", str(uuid.uuid4())
    public = starts_new("newer", {"EXPOSE_GUI_API": "no", "PRODUCTION": "yes"})
    token = api.token()
    assert public.track(number).status == 401

    saved = api.save_source(number, token)

    assert (saved.status, saved.json) == (200, number)
    assert public.track(number, session).json["session"] == {"id": session}
    staging = api.track(number)
    assert staging.status == 401
    wrong = api.log_in("wrong")
    assert (wrong.status, wrong.detail) == (400, "Authentication error: Incorrect username or password.")


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"MYSQL_PORT": "1"}, "MySQL"),
        ({"MYSQL_PASSWORD": "wrong"}, "MySQL"),
        ({"REDIS_PORT": "1"}, "Redis"),
        ({"REDIS_PASSWORD": "wrong"}, "Redis"),
        ({"ELASTIC_HOST": "http://127.0.0.1:1"}, "Elasticsearch"),
    ],
    ids=["4-no-mysql", "4-wrong-mysql-password", "4-no-redis", "4-wrong-redis-password", "4-no-elasticsearch"],
)
def test_a_start_without_a_store_ends_with_exit_code_1(
    starts_new: Starts, variables: dict[str, str], name: str
) -> None:
    api = starts_new("newer", variables, ready=False)

    assert api.process.popen.wait(20) == 1
    assert f"Could not connect to {name}." in api.process.log.read_text()
    assert "Traceback" not in api.process.log.read_text()


def test_a_start_waits_for_a_store_and_goes_on(starts_new: Starts, mysql: Process) -> None:
    mysql.freeze()
    try:
        api = starts_new("newer", {"PAUSE_SCALE": "0.2"}, ready=False)
        with pytest.raises(OSError, match="refused"):
            api.ask("GET", "/healthcheck")
    finally:
        mysql.resume()

    api.wait_until_ready()
