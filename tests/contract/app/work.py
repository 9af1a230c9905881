"""CPU time, of the thread that answers everything."""

import asyncio
import time

_SLICES = 4


def burn(seconds: float) -> None:
    """Takes real CPU: what the autoscaler sees, and what a limit of CPU slows down."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


async def work(seconds: float) -> None:
    """Takes CPU in slices, between which others go on."""
    for _ in range(_SLICES):
        burn(seconds / _SLICES)
        await asyncio.sleep(0)
