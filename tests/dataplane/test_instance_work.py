"""The stand-in for Tracardi's API: the time that it takes, what it stores, and how it goes wrong."""

import json
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path

import pytest

from tests.dataplane.instance.process import EVENT, JSON, PATIENCE, Instance, running


@pytest.fixture
def start() -> Iterator[Callable[..., Instance]]:
    with ExitStack() as stack:
        yield lambda **environment: stack.enter_context(running(**environment))


@contextmanager
def announcing(folder: Path) -> Iterator[tuple[Path, Callable[[], str]]]:
    """A file for stored events, and a function that waits for the next one in it."""
    pipe = folder / "stored"
    os.mkfifo(pipe)
    # For reading and writing, or opening would wait for the other end.
    with os.fdopen(os.open(pipe, os.O_RDWR), encoding="utf-8") as lines:

        def announced() -> str:
            assert select.select([lines], [], [], PATIENCE)[0], "nothing was stored"
            return lines.readline()

        yield pipe, announced


def test_requests_at_once_wait_for_each_other(start: Callable[..., Instance]) -> None:
    instance = start(COST_MS="100")
    begun = time.monotonic()

    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(instance.track, ["e-1", "e-2", "e-3"]))

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert time.monotonic() - begun >= 0.3


def test_a_probe_waits_for_requests_in_flight(start: Callable[..., Instance], tmp_path: Path) -> None:
    with announcing(tmp_path) as (stored, announced), ThreadPoolExecutor() as pool:
        instance = start(COST_MS="400", STORED=str(stored), STORE_AT="begin")
        tracked = pool.submit(instance.track)
        announced()
        begun = time.monotonic()
        probe = instance.ask("GET", "/healthcheck")
        waited = time.monotonic() - begun

    assert (probe.status, tracked.result().status) == (200, 200)
    assert waited >= 0.2


def test_waiting_for_something_else_delays_nobody(start: Callable[..., Instance]) -> None:
    instance = start(LATENCY_MS="300")
    begun = time.monotonic()

    with ThreadPoolExecutor() as pool:
        list(pool.map(instance.track, ["e-1", "e-2", "e-3"]))

    assert 0.3 <= time.monotonic() - begun < 0.9


def test_every_event_that_is_accepted_is_stored_once(start: Callable[..., Instance], tmp_path: Path) -> None:
    stored = tmp_path / "stored"
    one, other = (start(STORED=str(stored)) for _ in range(2))

    for event in ("e-1", "e-2"):
        assert one.track(event).status == other.track(f"other-{event}").status == 200
    one.ask("GET", "/collect/page-view/website", X_Event_Id="named")
    one.ask("GET", "/redirect/campaign", X_Event_Id="clicked")
    one.ask("POST", "/track", "{}", **JSON)
    one.track("failed", X_Fault="500")

    events = ["e-1", "other-e-1", "e-2", "other-e-2", "named", "clicked"]
    assert stored.read_text().splitlines() == [f"{event} {socket.gethostname()}" for event in events]


def test_an_instance_that_is_killed_has_stored_what_it_stores_at_the_beginning(
    start: Callable[..., Instance], tmp_path: Path
) -> None:
    lines = []
    with announcing(tmp_path) as (stored, announced), ThreadPoolExecutor() as pool:
        instance = start(LATENCY_MS="5000", STORED=str(stored), STORE_AT="begin")
        tracked = pool.submit(instance.track)
        lines.append(announced())
        instance.process.kill()
        assert isinstance(tracked.exception(), OSError)

    assert lines == [f"e-1 {socket.gethostname()}\n"]


def test_a_terminated_instance_answers_what_is_in_flight(start: Callable[..., Instance], tmp_path: Path) -> None:
    with announcing(tmp_path) as (stored, announced), ThreadPoolExecutor() as pool:
        instance = start(LATENCY_MS="500", STORED=str(stored), STORE_AT="begin")
        tracked = pool.submit(instance.track)
        announced()
        instance.process.terminate()

        assert tracked.result().status == 200
        assert instance.process.wait(PATIENCE) == 0


def test_a_request_may_be_answered_by_a_closed_connection_after_it_was_stored(
    start: Callable[..., Instance], tmp_path: Path
) -> None:
    instance = start(STORED=str(tmp_path / "stored"))

    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        instance.track(X_Fault="close")

    assert (tmp_path / "stored").read_text().startswith("e-1 ")
    assert instance.track().status == 200


def test_a_request_may_be_answered_never(start: Callable[..., Instance]) -> None:
    instance = start()
    with closing(HTTPConnection("127.0.0.1", instance.port, timeout=0.3)) as connection:
        connection.request("POST", "/track", json.dumps(EVENT), {**JSON, "X-Fault": "hang"})
        with pytest.raises(TimeoutError):
            connection.getresponse()

    assert instance.track().status == 200


def test_a_request_may_be_answered_in_drops(start: Callable[..., Instance]) -> None:
    instance = start()
    begun = time.monotonic()

    answer = instance.track(X_Fault="slow-body")

    assert answer.json["events"] == ["e-1"]
    assert time.monotonic() - begun >= 0.8
