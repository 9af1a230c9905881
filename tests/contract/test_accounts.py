"""Section 6, and what section 1 says of accounts: logins, tokens, passwords."""

import uuid
from typing import Any

import pytest
import redis

from tests.contract.api import EMAIL, PASSWORD, Answer, Api
from tests.contract.cluster import HOST, REDIS_PASSWORD
from tests.contract.conftest import Starts, Stores, System
from tests.contract.table import Row, table

WRONG = "Redis authentication error: Incorrect username or password."
FORM = {"username": EMAIL, "password": PASSWORD}
NEW = "Another horse"

LOGINS = (
    Row("6-login", "POST", "/user/token", 200, FORM, form=True),
    Row("6-login-with-grant-type", "POST", "/user/token", 200, {**FORM, "grant_type": "password"}, form=True),
    Row("6-login-other-grant-type", "POST", "/user/token", 422, {**FORM, "grant_type": "code"}, form=True),
    Row("6-login-in-json", "POST", "/user/token", 422, FORM),
    Row("6-login-without-password", "POST", "/user/token", 422, {"username": EMAIL}, form=True),
    Row("6-wrong-password", "POST", "/user/token", 400, {**FORM, "password": "x"}, form=True, detail=WRONG),
    Row("6-unknown-user", "POST", "/user/token", 400, {**FORM, "username": "x@y.zz"}, form=True, detail=WRONG),
)


@table(*LOGINS)
def test_a_login_is_answered(system: System, row: Row) -> None:
    row.check(system.private)


def test_a_login_gives_the_same_token_on_every_process(system: System) -> None:
    answers = [api.log_in().json for api in (system.private, system.private, system.pinned)]

    assert answers[0] == answers[1] == answers[2]
    assert {**answers[0], "access_token": ""} == {
        "access_token": "", "token_type": "bearer", "roles": ["admin", "maintainer"], "preference": {},
    }  # fmt: skip
    assert len(bytes.fromhex(answers[0]["access_token"])) == 20


def test_a_token_lives_for_half_an_hour_after_its_last_use(system: System, memory: "redis.Redis") -> None:
    token = system.private.token()
    key = f"token:main:{token}"
    memory.expire(key, 10)

    assert system.private.ask("GET", "/event/count", token=token).status == 200

    assert 1790 <= int(str(memory.ttl(key))) <= 1800


def test_a_redis_that_lost_its_data_takes_a_new_login(system: System, memory: "redis.Redis") -> None:
    token = system.private.token()
    memory.flushall()

    assert system.private.ask("GET", "/event/count", token=token).status == 401
    assert system.private.token() == token


def test_a_logout_ends_all_sessions_of_a_user(system: System) -> None:
    token = system.private.token()

    assert system.public.ask("POST", "/user/logout", token=token).status == 200

    assert system.private.ask("GET", "/event/count", token=token).status == 401


def test_an_own_password_changes_at_once_for_all(owned: Api, system: System) -> None:
    """The recipe of a rotation; `owned` has an administrator of its own beside the first one."""
    old = owned.token(PASSWORD, "second@example.com")

    changed = owned.ask("POST", "/user-account", {"password": NEW, "full_name": "Second"}, token=old)

    assert (changed.status, changed.json) == (200, {"inserted": 1})
    assert system.pinned.log_in(PASSWORD, "second@example.com").status == 400
    assert system.pinned.token(NEW, "second@example.com") == old
    assert owned.ask("GET", "/user-account", token=old).json["roles"] == ["admin"]
    assert owned.ask("POST", "/user/logout", token=old).status == 200
    assert owned.ask("GET", "/user-account", token=old).status == 401


OWN = (
    Row("6-own-without-name", "POST", "/user-account", 422, {"password": "x"}),
    Row("6-own-without-password", "POST", "/user-account", 422, {"full_name": "x"}),
    Row("6-unknown-user-changed", "POST", "/user/unknown", 404, {
        "password": "x", "full_name": "x", "email": EMAIL, "roles": ["admin"],
    }, detail="User does not exist unknown"),
    Row("6-duplicate", "POST", "/user", 409, {
        "password": "x", "full_name": "x", "email": EMAIL, "roles": ["admin"],
    }),
    Row("6-unknown-user-deleted", "DELETE", "/user/unknown", 404),
)  # fmt: skip


@table(*OWN)
def test_a_change_is_refused(system: System, row: Row) -> None:
    row.check(system.private, token=system.private.token())


def test_users_are_made_changed_and_removed(system: System) -> None:
    api, token = system.private, system.private.token()
    email = f"{uuid.uuid4().hex}@example.com"
    user: dict[str, Any] = {"password": PASSWORD, "full_name": "U", "email": email, "roles": ["developer"]}

    made = api.ask("POST", "/user", user, token=token)
    (number,) = made.json["ids"]
    assert made.json == {"saved": 1, "errors": [], "ids": [number]}
    theirs = api.token(PASSWORD, email)
    assert number in [each["id"] for each in api.ask("GET", "/users/0/1000", token=token).json]

    changed = api.ask("POST", f"/user/{number}", {**user, "password": NEW}, token=token)
    assert changed.json == {"inserted": 1}
    assert api.log_in(PASSWORD, email).status == 400
    stored = api.ask("GET", f"/user/{number}", token=token).json
    api.ask("POST", f"/user/{number}", {**user, "password": stored["password"], "full_name": "V"}, token=token)
    assert api.log_in(NEW, email).status == 200

    assert api.ask("DELETE", f"/user/{number}", token=token).json == {"deleted": 1}
    assert api.log_in(NEW, email).status == 400
    assert api.ask("GET", "/event/count", token=theirs).status == 200, "a deleted user's token lives on"


def test_nobody_removes_their_own_rights(system: System) -> None:
    api, token = system.private, system.private.token()
    me = api.ask("GET", "/user-account", token=token).json

    changed = {"password": me["password"], "full_name": "x", "email": EMAIL, "roles": ["developer"]}
    assert api.ask("POST", f"/user/{me['id']}", changed, token=token).status == 403
    assert api.ask("DELETE", f"/user/{me['id']}", token=token).status == 403


def test_a_process_pinned_to_production_knows_no_user(system: System) -> None:
    """Section 1.1: logins work, user management does not, whatever the context."""
    token = system.pinned.token()
    number = system.private.ask("GET", "/user-account", token=token).json["id"]
    change = {"password": NEW, "full_name": "x", "email": EMAIL, "roles": ["admin"]}

    for context in ("staging", "production"):
        answers = answers_of(system.pinned, number, change, token, context)
        assert [answer.status for answer in answers] == [200, 404, 404]
        assert answers[0].json == []
        assert answers[1].json == {"detail": f"User does not exist {number}"}


def test_elsewhere_the_context_decides(system: System) -> None:
    token = system.private.token()
    number = system.private.ask("GET", "/user-account", token=token).json["id"]

    production = answers_of(system.private, number, {}, token, "production")[0]
    staging = answers_of(system.private, number, {}, token, "staging")[0]

    assert production.json == []
    assert number in [each["id"] for each in staging.json]


def answers_of(api: Api, number: str, change: dict[str, Any], token: str, context: str) -> list[Answer]:
    """Of what user management consists of."""
    headers = {"X-Context": context}
    return [
        api.ask("GET", "/users/0/10", token=token, headers=headers),
        api.ask("POST", f"/user/{number}", change, token=token, headers=headers),
        api.ask("POST", "/user-account", change, token=token, headers=headers),
    ]


@pytest.fixture
def memory(stores: Stores, system: System) -> "redis.Redis":
    """Redis itself, asked from where the servers are."""
    return Inside(system.private, redis.Redis(HOST, stores.redis_port, password=REDIS_PASSWORD))  # type: ignore[return-value]  # hands everything on


class Inside:
    """Runs every command where the servers are."""

    def __init__(self, api: Api, client: "redis.Redis") -> None:
        self._api = api
        self._client = client

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a command of Redis
        return lambda *arguments: self._api.cluster.call(lambda: getattr(self._client, name)(*arguments))


@pytest.fixture
def owned(starts: Starts, system: System) -> Api:
    """A private process, with an administrator that the test may change."""
    api, token = system.private, system.private.token()
    user = {"password": PASSWORD, "full_name": "Second", "email": "second@example.com", "roles": ["admin"]}
    assert api.ask("POST", "/user", user, token=token).status == 200
    return starts("main")
