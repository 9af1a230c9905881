"""Section 7: event sources, and events."""

import time
import uuid
from typing import Any

import pytest

from tests.contract.api import Answer, Api, payload
from tests.contract.conftest import Starts, System
from tests.contract.table import Row, table

BOTS = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
CASES = (
    Row("7-unknown", "POST", "/track", 401, payload("x"), detail="Invalid event source `x`. Request came from IP"),
    Row("7-disabled-source", "POST", "/track", 401, payload("off"), detail="Event source disabled."),
    Row("7-internal-source", "POST", "/track", 500, payload("@x"), detail="Internal event sources are not allowed"),
    Row("7-source-of-another-bridge", "POST", "/track", 401, payload("hook")),
    Row("7-no-events", "POST", "/track", 200, {"source": {"id": "shop"}}),
    Row("7-empty-events", "POST", "/track", 200, {**payload("shop"), "events": []}),
    Row("7-malformed", "POST", "/track", 422, b'{"source": '),
    Row("7-other-content-type", "POST", "/track", 422, payload("shop"), headers={"Content-Type": "text/plain"}),
    Row("7-no-source", "POST", "/track", 422, {"events": [{"type": "a"}]}),
    Row("7-event-without-type", "POST", "/track", 422, {**payload("shop"), "events": [{}]}),
    Row("7-bot", "POST", "/track", 401, payload("shop"), detail="Traffic from bot is not allowed.", headers=BOTS),
    Row("7-webhook", "POST", "/collect/view/hook/s", 200, {"k": "v"}),
    Row("7-webhook-by-query", "GET", "/collect/view/hook?k=v", 200),
)  # fmt: skip
KEYS = {"task", "ux", "response", "events", "profile", "session", "errors", "warnings"}


@pytest.fixture(scope="module", autouse=True)
def _sources(system: System) -> None:
    token = system.private.token()
    bridge = {"id": "any", "name": "not validated"}
    sources: dict[str, dict[str, Any]] = {
        "shop": {},
        "off": {"enabled": False},
        "brief": {"transitional": True},
        "hook": {"type": ["webhook"], "bridge": bridge},
    }
    for number, changes in sources.items():
        saved = system.private.save_source(number, token, **changes)
        assert saved.json == {"saved": 1, "errors": [], "ids": [number]}


@table(*CASES)
def test_a_request_is_answered(system: System, row: Row) -> None:
    row.check(system.public)


def test_without_events_the_answer_is_null_and_nothing_stored(system: System) -> None:
    session = str(uuid.uuid4())

    answer = system.public.ask("POST", "/track", {**payload("shop", session), "events": []})

    assert answer.json is None
    assert found(system, session) == []


@pytest.mark.parametrize("agent", ["curl/8.0", "python-requests/2", "kube-probe/1.36", "Go-http-client/1.1", ""])
def test_other_programs_are_no_bots(system: System, agent: str) -> None:
    assert system.public.track("shop", headers={"User-Agent": agent}).status == 200


def test_an_unknown_source_is_answered_with_the_whole_payload(system: System) -> None:
    answer = system.public.track("x", session="said-session")

    assert "said-session" in answer.detail


def test_a_new_visitor_stores_four_events_that_the_private_process_finds(system: System) -> None:
    session = str(uuid.uuid4())

    answer = system.public.track(
        "shop", session, headers={"Authorization": "Bearer x", "X-Forwarded-For": "198.51.100.7"}
    )

    assert answer.status == 200
    assert answer.json.keys() == KEYS
    assert (answer.json["session"], answer.json["errors"]) == ({"id": session}, [])
    events = found(system, session, at_least=4)
    assert sorted(event["type"] for event in events) == [
        "page-view", "profile-created", "session-opened", "visit-started",
    ]  # fmt: skip
    (own,) = [event for event in events if event["type"] == "page-view"]
    assert own["properties"] == {"k": "v"}
    assert own["profile"] == answer.json["profile"]
    assert own["metadata"]["ip"] is None
    assert own["request"]["x-forwarded-for"] == "198.51.100.7"
    assert "authorization" not in own["request"]


def test_a_known_visitor_stores_no_more_than_is_sent(system: System) -> None:
    session = str(uuid.uuid4())
    first = system.public.track("shop", session).json

    second = system.public.track("shop", session, first["profile"]["id"]).json

    assert second["profile"] == first["profile"]
    assert len(found(system, session, at_least=5)) == 5


def test_an_event_that_is_sent_twice_is_stored_twice(system: System) -> None:
    session = str(uuid.uuid4())
    event = payload("shop", session)
    event["events"][0]["id"] = "the-same"

    for _ in range(2):
        assert system.public.ask("POST", "/track", event).status == 200

    assert sum(each["type"] == "page-view" for each in found(system, session, at_least=5)) == 2


def test_a_transitional_source_stores_nothing(system: System) -> None:
    session = str(uuid.uuid4())

    answer = system.public.track("brief", session)

    assert answer.status == 200
    assert answer.json.keys() == KEYS
    # Later than what was stored after it.
    after = str(uuid.uuid4())
    system.public.track("shop", after)
    assert found(system, after, at_least=4)
    assert found(system, session) == []


def test_events_are_counted(system: System) -> None:
    token = system.private.token()
    before = count(system, token)
    session = str(uuid.uuid4())

    system.public.track("shop", session)

    found(system, session, at_least=4)
    assert count(system, token) == before + 4


def test_a_source_is_usable_at_once_and_gone_at_once(system: System) -> None:
    token = system.private.token()
    assert system.public.track("short-lived").status == 401

    system.private.save_source("short-lived", token)
    assert system.public.track("short-lived").status == 200

    headers = {"X-Context": "production"}
    assert system.private.ask("GET", "/event-source/short-lived", token=token, headers=headers).status == 200
    deleted = system.private.ask("DELETE", "/event-source/short-lived", token=token, headers=headers)
    assert deleted.json is True
    assert system.pinned.track("short-lived").status == 401
    assert system.private.ask("GET", "/event-source/short-lived", token=token, headers=headers).status == 404


def test_contexts_keep_apart(system: System) -> None:
    token = system.private.token()
    system.private.save_source("staged", token, "staging")

    assert system.public.track("staged").status == 401
    assert system.public.track("staged", headers={"X-Context": "staging"}).status == 401
    assert system.private.track("staged").status == 200
    assert system.private.track("shop").status == 401
    assert system.private.track("shop", headers={"X-Context": "production"}).status == 200


def test_a_process_pinned_to_production_saves_sources_there(system: System) -> None:
    """Section 7: X-Context is ignored there."""
    system.pinned.save_source("pinned", system.pinned.token(), "staging")

    assert system.public.track("pinned").status == 200


INCOMPLETE = ("id", "name", "type", "bridge")


@pytest.mark.parametrize("name", INCOMPLETE, ids=[f"7-source-without-{name}" for name in INCOMPLETE])
def test_a_source_needs_its_fields(system: System, name: str) -> None:
    assert save_without(system.private, name).status == 422


def save_without(api: Api, name: str) -> Answer:
    """POST /event-source without a field."""
    source = {"id": "less", "name": "Less", "type": ["rest"], "bridge": {"id": "b"}}
    return api.ask("POST", "/event-source", {**source, name: None}, token=api.token())


def test_a_new_visitor_costs_more_cpu_than_a_known_one(busy: Api) -> None:
    """Section 3: real CPU, which an autoscaler sees."""
    profile = str(busy.track("shop", "busy").json["profile"]["id"])

    known = cost(busy, [("busy", profile)] * 10)
    new = cost(busy, [(str(uuid.uuid4()), None) for _ in range(10)])

    assert known >= 10 * 0.03
    assert new >= 10 * 0.06


@pytest.fixture
def busy(starts: Starts) -> Api:
    """A public process whose events take CPU."""
    return starts("main", {"PRODUCTION": "yes", "COST_KNOWN_MS": "30", "COST_NEW_MS": "60"})


def cost(api: Api, visits: list[tuple[str, str | None]]) -> float:
    """CPU seconds of these."""
    before = api.cpu_seconds()
    for session, profile in visits:
        assert api.track("shop", session, profile).status == 200
    return api.cpu_seconds() - before


def found(system: System, session: str, at_least: int = 0) -> list[dict[str, Any]]:
    """The stored events of a session, as soon as there are so many; they become visible after a second or two."""
    deadline = time.monotonic() + 10
    query = {
        "minDate": {"delta": {"type": "minus", "value": -1, "entity": "hour"}},
        "maxDate": {},
        "where": f'session.id="{session}"',
        "limit": 50,
        "start": 0,
    }
    while True:
        headers = {"X-Context": "production"}
        answer = system.private.ask("POST", "/event/select/range", query, token=system.private.token(), headers=headers)
        result: list[dict[str, Any]] = answer.json["result"]
        assert answer.json["total"] == len(result)
        if len(result) >= at_least or time.monotonic() > deadline:
            return result
        time.sleep(0.1)


def count(system: System, token: str) -> int:
    """GET /event/count."""
    answer = system.private.ask("GET", "/event/count", token=token, headers={"X-Context": "production"})
    return int(answer.json["count"])
