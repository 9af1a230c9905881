"""Load is sent as it should be, and everything that goes wrong is counted."""

import socket
import threading
import time

import pytest

from tests.dataplane.clients.load import Load
from tests.dataplane.neighbours.scripted import OK, answering, request_on, server
from tests.dataplane.sandbox import Place
from tests.dataplane.test_clients.proxy import HOST


def load(place: Place, port: int, ca: str | None = None, **options: object) -> Load:
    return Load(place=place, addresses=(place.address,), host=HOST, ca=ca, port=port, **options)  # type: ignore[arg-type] # Load's own


@pytest.mark.parametrize("http2", [True, False])
@pytest.mark.usefixtures("haproxy")
def test_load_is_sent_by_the_clock_each_event_once(place: Place, ca: str, *, http2: bool) -> None:
    with load(place, 443, ca, http2=http2, connections=4).running(200) as run:
        time.sleep(1)
    outcome = run.outcome()

    assert 180 <= outcome.sent <= 240
    assert outcome.statuses == {200: outcome.sent}
    assert outcome.instances == {"haproxy": outcome.sent}
    assert [each.event for each in outcome.records] == [f"event-{number}" for number in range(outcome.sent)]
    assert 0 < outcome.p50 <= outcome.p99 < 1


@pytest.mark.usefixtures("haproxy")
def test_load_that_trusts_another_authority_is_never_answered(place: Place, foreign: str) -> None:
    with load(place, 443, foreign).running(50) as run:
        time.sleep(0.2)
    outcome = run.outcome()

    assert outcome.sent
    assert all("connect: SSLCertVerificationError" in error for _, error in outcome.errors)
    assert len(outcome.errors) == outcome.sent


def test_load_does_not_wait_for_answers_and_skips_what_is_too_much(place: Place) -> None:
    release = threading.Event()
    connections: list[int] = []

    def slow(connection: socket.socket, number: int) -> None:
        connections.append(number)
        release.wait(10)
        answering(connection, number)

    with server(place, slow) as port:
        with load(place, port, outstanding=20).running(100) as run:
            while not run.outcome().skipped:
                time.sleep(0.01)
            at_once = len(connections)
            release.set()
        outcome = run.outcome()

    assert at_once == 20
    assert outcome.statuses == {200: outcome.sent}
    assert outcome.percentile(0) < 0.1 < outcome.percentile(1)


def test_a_connection_that_closes_under_a_request_is_a_failure_and_one_that_closed_before_is_not(place: Place) -> None:
    """The second connection swallows its second request, and all but that one close after each answer."""

    def closes(connection: socket.socket, number: int) -> None:
        request_on(connection)
        connection.sendall(OK)
        if number == 1:
            request_on(connection)

    with server(place, closes) as port:
        with load(place, port, connections=1).running(50) as run:
            while run.outcome().sent < 10:
                time.sleep(0.01)
        outcome = run.outcome()

    assert [record.event for record in outcome.failed] == ["event-2"]
    assert outcome.errors[0][1].startswith("answer: IncompleteReadError")
    assert outcome.statuses == {200: outcome.sent - 1}


def test_an_answer_that_comes_too_late_is_nobodys(place: Place) -> None:
    """The first connection answers its request when the second request is there."""
    late = threading.Event()

    def answers_late(connection: socket.socket, number: int) -> None:
        request_on(connection)
        if not number:
            late.wait(10)
            connection.sendall(OK.replace(b"scripted", b"late"))
        late.set()
        connection.sendall(OK)
        request_on(connection)

    with server(place, answers_late) as port:
        with load(place, port, connections=1, seconds=0.3).running(2.5) as run:
            while run.outcome().sent < 2:
                time.sleep(0.01)
        first, second, *_ = run.outcome().records

    assert (first.error[:21], second.instance) == ("answer: TimeoutError:", "scripted")


def test_a_connection_that_says_nothing_at_all_carries_no_request_after_the_first_that_had_no_answer(
    place: Place,
) -> None:
    connections: list[int] = []

    def silent(connection: socket.socket, number: int) -> None:
        connections.append(number)
        while connection.recv(65536):
            pass

    with server(place, silent) as port:
        with load(place, port, http2=True, connections=1, seconds=0.2).running(2.5) as run:
            while run.outcome().sent < 3:
                time.sleep(0.01)
        outcome = run.outcome()

    assert len(outcome.failed) == outcome.sent == len(connections)


def test_an_announced_close_is_heeded_and_without_reuse_every_request_has_a_connection(place: Place) -> None:
    connections: list[int] = []

    def announces(connection: socket.socket, number: int) -> None:
        connections.append(number)
        request_on(connection)
        connection.sendall(OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        # Still open: a client that sends again would be left without an answer.
        request_on(connection)

    with server(place, announces) as port:
        announced = load(place, port, seconds=2).closed_loop(1, 0.1)
    with server(place, answering) as port, load(place, port, reuse=False).running(50) as run:
        time.sleep(0.2)

    assert announced.statuses == {200: announced.sent} == {200: len(connections)}
    assert run.outcome().statuses == {200: run.outcome().sent}


def test_a_closed_loop_has_no_more_requests_at_once_than_workers(place: Place) -> None:
    with server(place, answering) as port:
        outcome = load(place, port).closed_loop(3, 0.3)

    spans = sorted((record.at, record.until) for record in outcome.records)
    assert outcome.statuses == {200: outcome.sent}
    assert all(
        spans[index + 3][0] >= min(end for _, end in spans[index : index + 3]) for index in range(len(spans) - 3)
    )
