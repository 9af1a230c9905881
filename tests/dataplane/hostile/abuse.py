"""What clients who are in the way of others need, what the others get meanwhile, and what it costs the balancer."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

from tests.dataplane.clients.http1 import Peer
from tests.dataplane.clients.raw import exchange
from tests.dataplane.cluster import Pod
from tests.dataplane.installation.entries import Entry, metrics
from tests.dataplane.sandbox import Place
from tests.measured import Measured

_OTHERS_SECONDS = 2.0
"""What others may have to wait for on a busy machine of two cores."""
_CONNECT_SECONDS = 5.0
_LAG_SECONDS = 2.0
"""A load generator that is later than this with its requests tells nothing about the balancer."""
_MOST_SESSIONS = re.compile(r'^haproxy_frontend_max_sessions\{proxy="entry"\} (\d+)$', re.MULTILINE)


@contextmanager
def others(
    entry: Entry, crowd: Place, measured: Measured, during: str, patience: float = _OTHERS_SECONDS
) -> Iterator[None]:
    """Others send events meanwhile, on kept connections and on new ones; all are answered, 99 % within `patience`."""
    kept = entry.load(crowd, name=f"kept during {during}", connections=20)
    new = entry.load(crowd, name=f"new during {during}", reuse=False)
    with kept.running(rate=30) as one, new.running(rate=10) as other:
        time.sleep(1)
        yield
        time.sleep(1)
    for outcome in (one.outcome(), other.outcome()):
        assert set(outcome.statuses) == {HTTPStatus.OK}, f"{during}: {outcome}"
        assert not outcome.failed, f"{during}: {outcome}"
        assert not outcome.skipped, f"{during}: {outcome}"
        assert outcome.lag < _LAG_SECONDS, f"{during}: {outcome.lag:.1f} s late"
        # A load generator that is late with its requests is late with their answers as well.
        assert outcome.p99 < patience + outcome.lag, f"{during}: {outcome}"
    times = f"p99 {one.outcome().p99 * 1000:.0f} ms, on new connections {other.outcome().p99 * 1000:.0f} ms"
    measured(f"others during {during}", f"{one.outcome().sent + other.outcome().sent} of them, {times}")


def head(entry: Entry, length: int, *more: str) -> bytes:
    """All of a POST to /track but its body, with further headers."""
    lines = ("POST /track HTTP/1.1", f"Host: {entry.site.host(entry.role)}", "Content-Type: application/json", *more)
    return "".join(f"{line}\r\n" for line in (*lines, f"Content-Length: {length}", "")).encode()


def asked(entry: Entry, place: Place, data: bytes) -> list[int]:
    """The answers to these bytes."""
    return exchange(place, entry.address, 443, data, entry.peer().tls, entry.site.host(entry.role)).statuses


@contextmanager
def one_from_each(place: Place, to: Peer) -> Iterator[list[socket.socket]]:
    """A connection from each address of `place`, with TLS where `to` has it; without those that are reset at once."""
    with ExitStack() as opened:

        def connect() -> list[socket.socket]:
            found = []
            for address in place.addresses:
                with suppress(ConnectionResetError):
                    plain = socket.create_connection((to.addresses[0], to.port), _CONNECT_SECONDS, (address, 0))
                    opened.enter_context(plain)
                    secured = to.tls.wrap_socket(plain, server_hostname=to.server_name) if to.tls else plain
                    found.append(opened.enter_context(secured))
            return found

        yield place.call(connect)


def most_sessions(balancer: Pod) -> int:
    """How many connections of clients a balancer has had at a time, at most."""
    found = _MOST_SESSIONS.search(metrics(balancer))
    return int(found[1]) if found else 0


def memory(entry: Entry) -> tuple[int, int]:
    """Bytes of resident memory that the processes of the balancer have now, and have had at most.

    The kernel charges a container for more than that: what it holds for its sockets above all.
    """
    (balancer,) = entry.balancers.pods
    found = [_memory(pid) for pid in _descendants(balancer.pid)]
    return sum(now for now, _ in found), sum(most for _, most in found)


def _descendants(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
        yield from _descendants(int(child))


def _memory(pid: int) -> tuple[int, int]:
    told = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    now, most = (re.search(rf"^{name}:\s*(\d+) kB$", told, re.MULTILINE) for name in ("VmRSS", "VmHWM"))
    assert now
    assert most
    return int(now[1]) * 1024, int(most[1]) * 1024


def memory_limit(entry: Entry) -> int:
    """Of the balancer's container, in bytes."""
    deployment = next(
        each for each in entry.site.objects.of_kind("Deployment") if each["metadata"]["name"] == entry.role.value
    )
    limit: str = deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
    assert limit.endswith("Mi")
    return int(limit.removesuffix("Mi")) * 2**20
