"""Visitors who all send at the same beat: every connection on the way is idle from one beat to the next."""

import asyncio
import random
from dataclasses import dataclass

from h2.exceptions import ProtocolError

from tests.dataplane.clients.events import event
from tests.dataplane.clients.http1 import Http1, Peer
from tests.dataplane.clients.http2 import Http2
from tests.dataplane.clients.outcome import Record
from tests.dataplane.clients.run import Run

_ANSWER_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """When visitors send: at each beat, more or less, each on a connection of its own that it keeps.

    Visitors with times of their own would keep each other's connections behind a balancer busy. At the same time, each
    of them needs one of its own there as well, as long as an answer takes longer than `spread` both ways.
    """

    interval: float
    """Seconds from beat to beat."""
    spread: float
    """Each request begins up to so many seconds before or after its beat."""
    beats: int

    @property
    def seconds(self) -> float:
        """How long it goes on."""
        return (self.beats + 1) * self.interval


def follow(rhythm: Rhythm, peers: tuple[Peer, ...], run: Run) -> None:
    """Have a visitor for each of `peers`, until the last beat or until `run` is stopped. Nothing is sent twice.

    A connection that the server has closed in between is replaced, which is what a client has to expect. One that ends
    with a request on it fails the request.
    """
    asyncio.run(_all(rhythm, peers, run))


async def _all(rhythm: Rhythm, peers: tuple[Peer, ...], run: Run) -> None:
    visitors = [_Visitor(peer, run, number) for number, peer in enumerate(peers)]
    # Not for secrets; and the same at every run.
    dice = random.Random(len(peers))  # noqa: S311
    run.begin()
    for beat in range(1, rhythm.beats + 1):
        earliest = beat * rhythm.interval - rhythm.spread
        if not await run.reach(earliest):
            break
        await asyncio.gather(*(each.send(beat, earliest + dice.uniform(0, 2 * rhythm.spread)) for each in visitors))
    for visitor in visitors:
        visitor.leave()
    # Transports free their sockets in the loop's next turns.
    await asyncio.sleep(0.01)


class _Visitor:
    def __init__(self, peer: Peer, run: Run, number: int) -> None:
        self._peer = peer
        self._run = run
        self._number = number
        self._connection: Http1 | Http2 | None = None

    async def send(self, beat: int, due: float) -> None:
        await asyncio.sleep(due - self._run.now())
        identity, at = f"visitor-{self._number}-{beat}", self._run.now()
        status, instance, error = None, "", ""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                if self._connection is None or self._connection.ended:
                    self.leave()
                    self._connection = await self._open()
                reply = await self._connection.ask(event(identity))
            status, instance = reply.status, reply.instance
        except (OSError, EOFError, ValueError, ProtocolError) as failure:
            error = f"{type(failure).__name__}: {failure}"
            self.leave()
        self._run.note(Record(identity, at, self._run.now() - at, status, error, instance))

    def leave(self) -> None:
        if self._connection:
            self._connection.drop()
        self._connection = None

    async def _open(self) -> Http1 | Http2:
        kind = Http2 if self._peer.http2 else Http1
        return await kind.open(self._peer, self._peer.addresses[0])
