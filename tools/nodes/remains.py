"""What there is of a cluster's nodes on this machine, found by what can be seen: command lines and control groups."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from tools.errors import ToolError
from tools.nodes import cgroups

_PROC = Path("/proc")
_PATIENCE_SECONDS = 15.0
_MODULE = "tools.nodes.machine"
_STARTERS = frozenset({"setsid", "unshare"})


def machine(cluster: Path) -> int | None:
    """The process id of the first process in the cluster's namespaces, where it lives."""
    return next((pid for pid, command in _machines(cluster) if Path(command[0]).name not in _STARTERS), None)


def left(cluster: Path) -> list[str]:
    """What of the cluster is there, in words."""
    processes = [f"process {pid}" for pid, _ in _machines(cluster)]
    return [*processes, *(f"control group {group}" for group in cgroups.left(cluster))]


def remove(cluster: Path) -> int:
    """End the machine, and with it all that is in its namespaces, and remove its groups; how many it ended.

    Harmless where there is nothing. Raises ToolError where something stays.
    """
    ended: set[int] = set()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while alive := [pid for pid, _ in _machines(cluster)]:
        if time.monotonic() > deadline:
            raise ToolError(f"these processes do not end: {', '.join(map(str, alive))}. End them as their owner.")
        for pid in alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            ended.add(pid)
        time.sleep(0.02)
    cgroups.remove(cluster)
    return len(ended)


def clusters() -> set[Path]:
    """The folders of all clusters on this machine whose nodes run, whether the folder is there or not."""
    return {folder for _, _, folder in _all()}


def _machines(cluster: Path) -> Iterator[tuple[int, list[str]]]:
    """The machine and what started it."""
    return ((pid, command) for pid, command, folder in _all() if folder == cluster)


def _all() -> Iterator[tuple[int, list[str], Path]]:
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if entry.name.isdecimal():
            # A process may end while we look.
            with contextlib.suppress(OSError):
                command = os.fsdecode((entry / "cmdline").read_bytes()).rstrip("\0").split("\0")
                if _MODULE in command[:-1]:
                    yield int(entry.name), command, Path(command[command.index(_MODULE) + 1])
