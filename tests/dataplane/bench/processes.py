"""CPU time of processes, as the kernel counts it."""

import os
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_USER, _SYSTEM = 11, 12
"""Places in /proc/PID/stat after the name: proc(5) counts them from 14 and 15, and the name ends at 2."""


def cpu_seconds(pid: int) -> float:
    """What a process and all that live below it have used, in user mode and in the kernel."""
    return sum(_seconds(each) for each in _family(pid))


def seconds_in(stat: str) -> float:
    """The CPU time that a text of /proc/PID/stat tells. The name in it may hold anything, brackets too."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS


def _seconds(pid: int) -> float:
    try:
        return seconds_in(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text(encoding="ascii").split():
            yield from _family(int(child))
