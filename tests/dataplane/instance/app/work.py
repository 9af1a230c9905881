"""The time that an event takes, and where it is stored."""

import asyncio
import os
import time
from collections.abc import Iterable

from .behaviour import Behaviour, Moment

_SLICES = 4


async def work(behaviour: Behaviour, events: Iterable[str]) -> None:
    """Takes the time of one request, and stores its `events`.

    Requests that are in flight share the only thread in slices: all of them wait for each other, and nothing is
    refused. A probe waits with them, for about as long as all that are in flight take: a new connection is served
    after five turns of the event loop. Tracardi's slices are smaller, so its probes wait for less.
    """
    _store(behaviour, events, "begin")
    await asyncio.sleep(behaviour.latency)
    for _ in range(_SLICES):
        # Blocks all others, as Tracardi's own work does; but takes no processor from those who measure.
        time.sleep(behaviour.cost / _SLICES)  # noqa: ASYNC251 - that the event loop stands still is the point
        await asyncio.sleep(0)
    _store(behaviour, events, "end")


def _store(behaviour: Behaviour, events: Iterable[str], moment: Moment) -> None:
    if behaviour.stored is None or behaviour.store_at != moment:
        return
    lines = "".join(f"{event} {behaviour.instance}\n" for event in events)
    # One write at the end of a file is whole, whoever else writes and whenever this process is killed.
    descriptor = os.open(behaviour.stored, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, lines.encode())
    finally:
        os.close(descriptor)
