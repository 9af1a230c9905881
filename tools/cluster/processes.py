"""A cluster's processes, found by what can be seen: each was started through a link in the cluster's folder.

kwokctl's own records are process ids in files. After a reboot, or when records are lost, those name strangers or
nobody, and `kwokctl delete` would kill the strangers. A command line cannot go stale.
"""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.cluster.model import COMPONENTS, SIMULATOR, Cluster
from tools.errors import ToolError
from tools.nodes import lifecycle as nodes
from tools.nodes import remains

_PROC = Path("/proc")
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Process:
    """A process of a cluster."""

    pid: int
    program: str
    """`etcd`, `kube-apiserver` and so on; `kwokctl` or `kubectl` while the cluster is being set up."""


def of(cluster: Cluster) -> list[Process]:
    """The cluster's processes that are alive now."""
    return [
        Process(pid, program)
        for pid, command in _command_lines()
        if (program := _program(command, cluster.folder)) is not None
    ]


def clusters(folder: Path) -> set[str]:
    """Names of the clusters under a folder that have a process alive, whether their own folders are there or not."""
    started = re.compile(rf"{re.escape(str(folder))}/([^/ ]+)/bin/")
    programs = {found[1] for _, command in _command_lines() if (found := started.match(command))}
    return programs | {each.name for each in remains.clusters() if each.parent == folder}


def components(cluster: Cluster) -> tuple[str, ...]:
    """The programs that run while the cluster does: nobody simulates where nodes are real."""
    return tuple(name for name in COMPONENTS if name != SIMULATOR) if nodes.is_real(cluster) else COMPONENTS


def complete(cluster: Cluster) -> bool:
    """Whether every component has a live process, and the machine of real nodes as well."""
    alive = {process.program for process in of(cluster)} >= set(components(cluster))
    return alive and (not nodes.is_real(cluster) or remains.machine(cluster.folder) is not None)


def end(cluster: Cluster, *, only: str | None = None) -> int:
    """End the cluster's processes (or one component) and wait until they are gone; the number of processes ended.

    They are killed: the data is either thrown away next, or etcd's, which is written to survive that. Raises ToolError
    where a process cannot be ended.
    """
    ended: set[int] = set()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    # Again and again, because a kwokctl that is being ended may have started one more meanwhile.
    while alive := [process for process in of(cluster) if only in (None, process.program)]:
        if time.monotonic() > deadline:
            listed = ", ".join(f"{process.program} ({process.pid})" for process in alive)
            raise ToolError(f"cluster {cluster.name}: these processes do not end: {listed}. End them as their owner.")
        for process in sorted(alive, key=lambda process: process.program != "kwokctl"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, signal.SIGKILL)
            ended.add(process.pid)
        time.sleep(0.02)
    return len(ended)


def _program(command: str, folder: Path) -> str | None:
    """Name of the program, where the command was started through the cluster's folder."""
    inside = command.removeprefix(f"{folder}/bin/")
    return inside.partition(" ")[0] if inside != command else None


def _command_lines() -> Iterator[tuple[int, str]]:
    if (_PROC / "self" / "cmdline").exists():
        for entry in _PROC.iterdir():
            if entry.name.isdecimal():
                # A process may end while we look.
                with contextlib.suppress(OSError):
                    arguments = (entry / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
                    yield int(entry.name), os.fsdecode(b" ".join(arguments))
        return
    listing = subprocess.run(["/bin/ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=True)
    for line in listing.stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        yield int(pid), command
