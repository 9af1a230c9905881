"""Section 5: installation. Each test that changes anything has a tenant of its own."""

import json
import string
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.contract.api import EMAIL, PASSWORD, TOKEN, Answer, Api
from tests.contract.cluster import HOST
from tests.contract.conftest import Starts, System
from tests.contract.table import Row, table

FIELD = "token"
ORDER = {"username": EMAIL, "password": PASSWORD, FIELD: TOKEN, "needs_admin": True}
FORBIDDEN = "Installation forbidden. Invalid installation token."
BAD_ADMIN = "Invalid admin account login or password. Login must be a valid email and password can not be empty."


def row(name: str, status: int, detail: str | None = None, **changes: object) -> Row:
    """A POST /install with what is right, but for these changes."""
    order = {key: value for key, value in {**ORDER, **changes}.items() if value is not None}
    return Row(f"5-{name}", "POST", "/install", status, order, detail=detail)


REFUSED = (
    row("wrong-token", 403, FORBIDDEN, **{FIELD: "other"}),
    row("default-token", 403, FORBIDDEN, **{FIELD: "tracardi"}),
    row("no-email", 403, BAD_ADMIN, username="admin"),
    row("email-without-dotted-domain", 403, BAD_ADMIN, username="admin@localhost"),
    row("email-with-two-signs", 403, BAD_ADMIN, username="a@b@example.com"),
    row("email-with-two-dots", 403, BAD_ADMIN, username="a..b@example.com"),
    row("empty-password", 403, BAD_ADMIN, password=""),
    *(row(f"without-{name}", 422, **{name: None}) for name in ORDER),
    Row("5-not-json", "POST", "/install", 422, b"{"),
    Row("5-null", "POST", "/install", 422, b"null"),
    Row("5-other-content-type", "POST", "/install", 422, ORDER, headers={"Content-Type": "text/plain"}),
)


@table(*REFUSED)
def test_an_installation_is_refused(system: System, row: Row) -> None:
    for api in (system.private, system.public):
        answer = row.check(api)

        assert PASSWORD not in answer.body.decode()


def test_a_system_says_whether_it_is_installed(bare: Api, system: System) -> None:
    nothing = {"schema_ok": False, "admin_ok": False, "form_ok": True, "warning": None}
    everything = nothing | {"schema_ok": True, "admin_ok": True}

    assert bare.ask("GET", "/install").json == nothing
    assert system.private.ask("GET", "/install").json == system.public.ask("GET", "/install").json == everything


def test_before_installation_nothing_comes_into_being(bare: Api) -> None:
    assert bare.track("x").status == 401
    assert bare.ask("GET", "/collect/a/x").status == 401
    assert bare.ask("GET", "/consents/type/ids").status == 500
    assert bare.ask("GET", "/event/logs/1").status == 500
    assert bare.ask("GET", "/install/plugins").status == 500
    login = bare.log_in()
    assert login.status == 400
    assert "System not installed" in login.detail
    assert indices(bare) == []


@pytest.fixture(scope="module")
def fresh(starts: Starts) -> tuple[Api, Answer]:
    """A process, and what it answered when it installed."""
    api = starts("fresh")
    return api, api.install()


def test_an_installation_makes_indices_and_an_administrator(fresh: tuple[Api, Answer]) -> None:
    api, answer = fresh
    staging, production = answer.json

    counts = {name: len(made) for name, made in staging["created"].items()}
    assert counts == {"templates": 4, "indices": 12, "aliases": 0}
    assert len(production["created"]["indices"]) == len(staging["created"]["indices"]) - 2
    assert (staging["admin"], production["admin"]) == (True, True)
    assert len(staging["plugins"]["registered"]) == len(production["plugins"]["registered"]) == 117
    assert sorted(staging["created"]["indices"] + production["created"]["indices"]) == indices(api)
    assert api.log_in().status == 200
    assert "replicas decreased to 0" in api.process.log.read_text()


def test_an_installed_system_stays_as_it_is(system: System) -> None:
    for changes in ({"password": "another"}, {"username": "other@example.com", "password": "another"}):
        again = system.private.install(**changes)

        assert again.status == 200
        assert [context["admin"] for context in again.json] == [True, True]
        assert all(not made for context in again.json for made in context["created"].values())
    assert system.private.log_in().status == 200
    assert system.private.log_in("another").status == 400
    assert system.private.log_in("another", "other@example.com").status == 400


def test_of_two_installations_at_once_one_wins(starts: Starts) -> None:
    apis = [starts("race"), starts("race")]
    emails = ["first@example.com", "second@example.com"]

    with ThreadPoolExecutor() as threads:
        answers = list(threads.map(lambda api, email: api.install(username=email), apis, emails))

    assert [answer.status for answer in answers] == [200, 200]
    assert all(context["admin"] for answer in answers for context in answer.json)
    assert sorted(apis[0].log_in(email=email).status for email in emails) == [200, 400]
    assert apis[0].ask("GET", "/install").json["schema_ok"]


def test_an_index_with_the_name_of_an_alias_is_in_the_way(bare: Api) -> None:
    elasticsearch(bare, "PUT", f"{bare.environment['TENANT_NAME']}.tracardi-event")

    answer = bare.install()

    assert answer.status == 500
    assert "invalid_alias_name_exception" in answer.detail or "illegal_argument_exception" in answer.detail
    assert not bare.ask("GET", "/install").json["schema_ok"]


LOST = {
    "prod-fresh.tracardi-user": "prod-0820.fresh.tracardi-user",
    "fresh.tracardi-event": "0820.fresh.tracardi-event-*",
    "static-fresh.tracardi-plugin": "static-0820.fresh.tracardi-plugin",
}


@pytest.mark.parametrize(("alias", "index"), LOST.items(), ids=[f"5-without-{alias}" for alias in LOST])
def test_a_schema_of_which_a_part_is_lost_is_not_ok(fresh: tuple[Api, Answer], alias: str, index: str) -> None:
    api, _ = fresh
    assert api.ask("GET", "/install").json["schema_ok"]

    elasticsearch(api, "DELETE", f"{index}/_alias/{alias}")
    lost = api.ask("GET", "/install").json
    elasticsearch(api, "PUT", f"{index}/_alias/{alias}")

    assert not lost["schema_ok"]


TOKENS = {
    "1.8-empty-accepts-any": ("", "anything", True),
    "0.1-unset-is-a-known-word": (None, "tracardi", True),
    "0.1-unset-refuses-others": (None, "anything", False),
}


@pytest.mark.parametrize(("own", "given", "accepted"), TOKENS.values(), ids=TOKENS)
def test_the_installation_token_decides_on_public_processes_too(
    starts: Starts,
    own: str | None,
    given: str,
    accepted: bool,  # noqa: FBT001 - a value of the table
) -> None:
    api = starts("tokens", {"INSTALLATION_TOKEN": own, "EXPOSE_GUI_API": "no"})

    # What comes after the token refuses it.
    answer = api.install(username="no-email", **{FIELD: given})

    assert answer.detail.endswith(BAD_ADMIN if accepted else FORBIDDEN)


def test_several_tenants_are_of_another_edition(starts: Starts) -> None:
    """Section 1.9."""
    api = starts("tenants", {"MULTI_TENANT": "yes"})

    answer = api.install()

    assert answer.status == 403
    assert "Multi-tenant installation is not allowed in open-source version." in answer.detail


def test_any_printable_password_works(system: System) -> None:
    assert set(string.punctuation) <= set(PASSWORD)
    assert system.private.log_in().status == 200
    assert PASSWORD not in system.private.process.log.read_text()


def indices(api: Api) -> list[str]:
    """Those of a tenant."""
    listed = elasticsearch(api, "GET", "_cat/indices?format=json")
    tenant = f".{api.environment['TENANT_NAME']}."
    return sorted(index["index"] for index in json.loads(listed) if tenant in f".{index['index'].replace('-', '.')}")


def elasticsearch(api: Api, method: str, path: str) -> bytes:
    """What Elasticsearch itself says."""
    response = api.cluster.call(lambda: httpx.request(method, f"http://{HOST}:9200/{path}", timeout=30))
    response.raise_for_status()
    return response.content
