"""Many connections at once from one place, and what became of each."""

import contextlib
import errno
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.dataplane.sandbox import Place

_AT_ONCE = 512
_IP_RECVERR = 11
_FROM_ICMP = 2
_RATE_MASK = Path("/proc/sys/net/ipv4/icmp_ratemask")
_NAME = (b"kubernetes", b"default", b"svc", b"cluster", b"local")
_ERROR = struct.Struct("=IBBBB")


class Outcome(StrEnum):
    """What became of an attempt to reach an address and port."""

    OPEN = "open"
    CLOSED = "closed"
    """It arrived, and nobody listens there."""
    REFUSED = "refused"
    """Somebody on the way said no."""
    SILENT = "silent"


class Protocol(StrEnum):
    """How it is tried."""

    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True, order=True)
class Probe:
    """An address and a port to try."""

    address: str
    port: int
    protocol: Protocol = Protocol.TCP


def tried(probes: Sequence[Probe], seconds: float) -> dict[Probe, Outcome]:
    """What becomes of each probe, tried by the calling thread; what has not been answered after `seconds` is silent."""
    found: dict[Probe, Outcome] = {}
    for first in range(0, len(probes), _AT_ONCE):
        found |= _together(probes[first : first + _AT_ONCE], seconds)
    return found


def _together(probes: Sequence[Probe], seconds: float) -> dict[Probe, Outcome]:
    found: dict[Probe, Outcome] = {}
    waiting: dict[int, tuple[Probe, socket.socket]] = {}
    with contextlib.ExitStack() as opened:
        poll = select.poll()
        for probe in probes:
            connection = opened.enter_context(_socket(probe.protocol))
            if (outcome := _begun(probe, connection)) is not None:
                found[probe] = outcome
                continue
            waiting[connection.fileno()] = probe, connection
            poll.register(connection, select.POLLIN if probe.protocol is Protocol.UDP else select.POLLOUT)
        deadline = time.monotonic() + seconds
        while waiting and (left := deadline - time.monotonic()) > 0:
            for number, _ in poll.poll(left * 1000):
                probe, connection = waiting.pop(number)
                poll.unregister(number)
                error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                found[probe] = _outcome(connection, error)
    return found | {probe: Outcome.SILENT for probe, _ in waiting.values()}


def _socket(protocol: Protocol) -> socket.socket:
    kind = socket.SOCK_DGRAM if protocol is Protocol.UDP else socket.SOCK_STREAM
    connection = socket.socket(socket.AF_INET, kind)
    connection.settimeout(0)
    # Without it nobody can tell a port where nobody listens from a rule that refuses: both are ECONNREFUSED.
    connection.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
    return connection


def _begun(probe: Probe, connection: socket.socket) -> Outcome | None:
    """What is known at once, if anything."""
    error = connection.connect_ex((probe.address, probe.port))
    if error not in {0, errno.EINPROGRESS}:
        return _outcome(connection, error)
    if probe.protocol is Protocol.UDP:
        try:
            connection.send(question())
        except OSError as failed:
            return _outcome(connection, failed.errno or 0)
    return None


def _outcome(connection: socket.socket, error: int) -> Outcome:
    match error:
        # Reset is what a connection can be only once it was there: an allow list looks at who has connected.
        case 0 | errno.ECONNRESET:
            return Outcome.OPEN
        case errno.ECONNREFUSED:
            return Outcome.REFUSED if _told_by_icmp(connection) else Outcome.CLOSED
        case errno.EHOSTUNREACH | errno.ENETUNREACH | errno.EACCES | errno.EPERM | errno.ENOPROTOOPT:
            return Outcome.REFUSED
        case errno.ETIMEDOUT:
            return Outcome.SILENT
    raise OSError(error, "no way to connect that is known here")


def _told_by_icmp(connection: socket.socket) -> bool:
    try:
        _, told, _, _ = connection.recvmsg(0, 512, socket.MSG_ERRQUEUE)
    except BlockingIOError:
        return False
    return any(_ERROR.unpack_from(data)[1] == _FROM_ICMP for _, _, data in told if len(data) >= _ERROR.size)


def question() -> bytes:
    """A DNS query for the address of the API server."""
    labels = b"".join(bytes([len(each)]) + each for each in _NAME)
    return struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)


@contextlib.contextmanager
def listening(place: Place, ports: Sequence[int], udp: int) -> Iterator[None]:
    """Somebody who listens on each of the ports in `place`, and answers datagrams on port `udp`, for a `with` block."""
    with contextlib.ExitStack() as opened:
        for port in ports:
            listener = opened.enter_context(place.call(socket.socket, socket.AF_INET, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((place.address, port))
            # Connections wait to be accepted, which nobody does: to whoever connects, that is an open port.
            listener.listen(1024)
        datagrams = opened.enter_context(place.call(socket.socket, socket.AF_INET, socket.SOCK_DGRAM))
        datagrams.bind((place.address, udp))
        datagrams.settimeout(0.1)
        stop = threading.Event()
        echo = threading.Thread(target=_echo, args=(datagrams, stop))
        echo.start()
        try:
            yield
        finally:
            stop.set()
            echo.join()


def _echo(datagrams: socket.socket, stop: threading.Event) -> None:
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            data, sender = datagrams.recvfrom(2048)
            datagrams.sendto(data, sender)


@contextlib.contextmanager
def refusals_at_once(nodes: Sequence[Place]) -> Iterator[None]:
    """Have nodes answer whatever they refuse: usually they say so once a second, which takes long to try much."""
    before = [node.call(_RATE_MASK.read_text, "ascii") for node in nodes]
    for node in nodes:
        node.call(_RATE_MASK.write_text, "0", "ascii")
    try:
        yield
    finally:
        for node, mask in zip(nodes, before, strict=True):
            node.call(_RATE_MASK.write_text, mask, "ascii")
