"""The wiretap: nothing that reaches an instance goes by it unnoticed."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.dataplane.evidence.wiretap import MissedError, Stream, Wiretap
from tests.dataplane.sandbox import World

_PORT = 8080
_REQUEST = b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n"
_CHECK = b"GET /healthcheck HTTP/1.1\r\nHost: a\r\n\r\n"


class Listener:
    """A place where somebody listens, and another to connect from."""

    def __init__(self, world: World, running: ExitStack) -> None:
        network = world.network("pods", "10.244.0.0/16")
        self.place, self._other = world.place("listener", network), world.place("other", network)
        self._running = running
        self._socket = running.enter_context(
            self.place.call(socket.create_server, (self.place.address, _PORT), backlog=16)
        )

    def connect(self) -> "Connection":
        """A connection from the other place."""
        ours = self._other.call(socket.create_connection, (self.place.address, _PORT), 10)
        return Connection(self._running.enter_context(ours), self._running.enter_context(self._socket.accept()[0]))


class Connection:
    """Both ends of a connection."""

    def __init__(self, ours: socket.socket, theirs: socket.socket) -> None:
        self._ours, self._theirs = ours, theirs

    def send(self, data: bytes) -> None:
        """Send `data`, which has come when this returns."""
        self._ours.sendall(data)
        left = len(data)
        while left:
            left -= len(self._theirs.recv(left))


@pytest.fixture
def listener(debian: Path) -> Iterator[Listener]:
    with World(debian) as world, ExitStack() as running:
        yield Listener(world, running)


def test_requests_are_told_apart_from_what_is_not_finished(listener: Listener) -> None:
    with Wiretap(listener.place) as tap:
        connection = listener.connect()
        connection.send(_REQUEST + b"POST /rest")

        assert [str(request) for request in tap.requests()] == ["GET /first"]
        assert tap.unfinished == [b"POST /rest"]


def test_what_comes_on_connections_from_before_is_not_passed_over(listener: Listener) -> None:
    old, checked = listener.connect(), listener.connect()
    with Wiretap(listener.place) as tap:
        old.send(_REQUEST)
        checked.send(_CHECK)

        assert not tap.requests()
        assert tap.unfinished == [_REQUEST]


def test_packets_that_there_was_no_room_for_are_an_error(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.dataplane.evidence.wiretap._BUFFER", 1)
    with Wiretap(listener.place) as tap:
        connection = listener.connect()
        for _ in range(50):
            connection.send(_REQUEST)

        with pytest.raises(MissedError, match="dropped"):
            tap.requests()


@pytest.mark.parametrize("first", [7, (1 << 32) - 2])
def test_segments_may_come_again_and_overlap_and_in_any_order(first: int) -> None:
    stream = Stream(("10.0.0.1", 1), first)

    for start, payload in [(3, b"defg"), (0, b"ab"), (0, b"ab"), (1, b"bcde"), (2, b"c"), (7, b"h")]:
        stream.add((first + start) % (1 << 32), payload)

    assert stream.left == [b"abcdefgh"]


def test_a_gap_is_not_forgotten() -> None:
    stream = Stream(("10.0.0.1", 1), 0)

    stream.add(5, b"late")

    assert stream.left == [b"late"]
