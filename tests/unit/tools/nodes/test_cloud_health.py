"""When a node counts as able to serve."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Address
from threading import Thread
from typing import ParamSpec, TypeVar

import pytest

from tools.nodes.cloud.health import Check, Health, answers

_P = ParamSpec("_P")
_T = TypeVar("_T")
_CHECK = Check(IPv4Address("10.89.0.11"), 10256)
_OTHER = Check(IPv4Address("10.89.0.12"), 10256)


class _AtOnce(Executor):
    """Runs what it is given before it returns."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> "Future[_T]":
        done: Future[_T] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class _Never(Executor):
    """Has not run what it was given, and counts it."""

    def __init__(self) -> None:
        self.given = 0

    def submit(self, _fn: Callable[_P, _T], /, *_: _P.args, **__: _P.kwargs) -> "Future[_T]":
        self.given += 1
        return Future()


class _Node:
    """Answers as told, and counts the questions."""

    def __init__(self) -> None:
        self.answer = True
        self.asked = 0

    def __call__(self, _check: Check) -> bool:
        self.asked += 1
        return self.answer


def _seen(health: Health, seconds: float) -> bool:
    health.look([_CHECK], seconds)
    health.look([_CHECK], seconds)
    return health.good(_CHECK)


def test_one_good_answer_is_enough() -> None:
    health = Health(_Node(), _AtOnce())

    assert not health.good(_CHECK)
    assert _seen(health, 0)


def test_a_node_is_out_at_its_second_failure_in_a_row_and_in_at_its_first_success() -> None:
    health = Health(node := _Node(), _AtOnce())
    seen = []
    for second, node.answer in enumerate([True, False, True, False, False, False, True]):
        seen.append(_seen(health, second))

    assert seen == [True, True, True, True, False, False, True]


def test_a_node_that_has_never_answered_is_out_after_its_first_failure() -> None:
    health = Health(node := _Node(), _AtOnce())
    node.answer = False

    assert not _seen(health, 0)


def test_nodes_are_asked_once_a_second_however_often_we_look() -> None:
    health = Health(node := _Node(), _AtOnce())
    for tenth in range(31):
        _seen(health, tenth / 10)

    assert node.asked == 4


def test_after_a_pause_nodes_are_not_asked_for_the_time_in_it() -> None:
    health = Health(node := _Node(), _AtOnce())
    for second in (0.0, 60.0, 60.1, 60.2, 60.3):
        _seen(health, second)

    assert node.asked == 3


@pytest.mark.parametrize(("given", "good"), [([True], True), ([False, True], True), ([False, False], False)])
def test_who_settles_asks_until_a_node_is_well_or_has_failed_twice(given: list[bool], *, good: bool) -> None:
    left = iter(given)
    health = Health(lambda _: next(left), _AtOnce())
    health.look([_CHECK], 0)
    health.settle()

    assert health.good(_CHECK) == good
    assert list(left) == []


def test_a_slow_node_keeps_nobody_waiting_and_is_not_asked_twice() -> None:
    health = Health(_Node(), threads := _Never())
    health.look([_CHECK], 0)
    health.look([_CHECK], 5)

    assert not health.good(_CHECK)
    assert threads.given == 1


def test_what_is_no_longer_asked_is_forgotten() -> None:
    health = Health(_Node(), _AtOnce())
    assert _seen(health, 0)
    health.look([_OTHER], 1)

    assert not health.good(_CHECK)


@pytest.mark.parametrize(("status", "good"), [(200, True), (503, False), (404, False)])
def test_only_200_is_a_good_answer(status: int, *, good: bool) -> None:
    paths = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        answered = answers(Check(IPv4Address("127.0.0.1"), server.server_port))
        thread.join()

    assert answered == good
    assert paths == ["/healthz"]


def test_nobody_there_is_no_good_answer() -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_port

    assert not answers(Check(IPv4Address("127.0.0.1"), port))
