"""Clients who send a little from time to time, and hold what they can hold by it."""

import asyncio
import contextlib
import re
import time
from collections import Counter
from dataclasses import dataclass

from tests.dataplane.clients.http1 import Peer

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_READ = 65536


@dataclass(frozen=True)
class Drops:
    """What one such client says."""

    first: bytes
    """At once."""
    then: bytes
    """Again and again."""
    pause: float = 1.0
    """Seconds between two drops."""


@dataclass(frozen=True)
class Held:
    """What became of all of them."""

    answers: Counter[str]
    """How many got each status; `none` is the end of a connection without an answer, `held` one that was kept."""
    longest: float
    """Seconds that a client took at most to be answered or closed."""


def drip(peer: Peer, drops: Drops, number: int, seconds: float) -> Held:
    """Let `number` clients drip on connections of their own, for at most so many seconds."""
    return asyncio.run(_all(peer, drops, number, seconds))


async def _all(peer: Peer, drops: Drops, number: int, seconds: float) -> Held:
    found = await asyncio.gather(*(_one(peer, drops, seconds) for _ in range(number)))
    ended = [seconds for answer, seconds in found if answer != "held"]
    return Held(Counter(answer for answer, _ in found), max(ended, default=0.0))


async def _one(peer: Peer, drops: Drops, seconds: float) -> tuple[str, float]:
    reader, writer = await asyncio.open_connection(
        peer.addresses[0], peer.port, ssl=peer.tls, server_hostname=peer.server_name
    )
    began = time.monotonic()
    writer.write(drops.first)
    dripping = asyncio.create_task(_drip(writer, drops))
    try:
        async with asyncio.timeout(seconds):
            # Whatever ends the connection ends the client's hold as well.
            with contextlib.suppress(OSError):
                if found := _STATUS.match(await reader.read(_READ)):
                    return found[1].decode(), time.monotonic() - began
            return "none", time.monotonic() - began
    except TimeoutError:
        return "held", seconds
    finally:
        dripping.cancel()
        writer.transport.abort()


async def _drip(writer: asyncio.StreamWriter, drops: Drops) -> None:
    while True:
        await asyncio.sleep(drops.pause)
        writer.write(drops.then)
