"""Connections that are opened, and then nothing."""

import contextlib
import resource
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from tests.dataplane.clients.http1 import Peer
from tests.dataplane.sandbox import Place

_CONNECT_SECONDS = 5.0


@contextmanager
def idle(place: Place, peer: Peer, number: int) -> Iterator[list[socket.socket]]:
    """So many TCP connections without a word on them, but for those that are reset at once."""
    with as_many_files_as_allowed(), ExitStack() as opened:

        def connect() -> list[socket.socket]:
            found = []
            for _ in range(number):
                with contextlib.suppress(ConnectionResetError):
                    found.append(opened.enter_context(_connected(peer)))
            return found

        yield place.call(connect)


@contextmanager
def handshaken(place: Place, peer: Peer, seconds: float) -> Iterator[list[ssl.SSLSocket]]:
    """As many connections as can shake hands within so many seconds, and no request on any of them."""
    assert peer.tls is not None
    context = peer.tls
    deadline = time.monotonic() + seconds
    with as_many_files_as_allowed(), ExitStack() as opened:

        def shake() -> list[ssl.SSLSocket]:
            found = []
            while time.monotonic() < deadline:
                secured = context.wrap_socket(_connected(peer), server_hostname=peer.server_name)
                found.append(opened.enter_context(secured))
            return found

        yield place.call(shake)


def still_open(connections: Sequence[socket.socket]) -> int:
    """How many of them the server has not closed."""
    return sum(map(_open, connections))


def _open(connection: socket.socket) -> bool:
    connection.setblocking(False)  # noqa: FBT003 - its only argument
    try:
        return bool(connection.recv(1))
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False


def _connected(peer: Peer) -> socket.socket:
    return socket.create_connection((peer.addresses[0], peer.port), _CONNECT_SECONDS)


@contextlib.contextmanager
def as_many_files_as_allowed() -> Iterator[None]:
    """As many open files as the machine allows, which is more than processes usually get."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
