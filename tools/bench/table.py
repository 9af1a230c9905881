"""Lines of the table, and how they are measured."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError
from tools.layout import repository

CLUSTER = "bench"
_LOOK_SECONDS = 0.1
_PROC = Path("/proc")
_SESSION = 3
"""Place of the session in `stat`, counted from behind the program's name."""


@dataclass(frozen=True)
class Row:
    """A line of the table; `budget` is what the value may be, in the same unit."""

    what: str
    value: float
    unit: str
    budget: float | None = None

    def __str__(self) -> str:
        told = f"{self.what:<58}{self.value:>8.2f} {self.unit}"
        if self.budget is None:
            return told
        return f"{told}   budget {self.budget:g} {self.unit}  {'kept' if self.value <= self.budget else 'MISSED'}"


@dataclass(frozen=True)
class Taken:
    """What a command took: seconds, and the bytes of memory that it and its children held together at the most."""

    seconds: float
    memory: int


def say(line: str) -> None:
    """Tell what is being measured, beside the table."""
    print(f"bench: {line}", file=sys.stderr, flush=True)


def seconds(command: Sequence[str | Path], environment: Mapping[str, str] | None, folder: Path | None = None) -> float:
    """Seconds that a command takes. Raises ToolError where it fails."""
    return taken(command, environment, folder, memory=False).seconds


def taken(
    command: Sequence[str | Path],
    environment: Mapping[str, str] | None,
    folder: Path | None = None,
    *,
    memory: bool = True,
) -> Taken:
    """What a command takes. Memory is looked at ten times a second, for which there must be /proc. Raises ToolError."""
    began = time.monotonic()
    with subprocess.Popen(
        command,
        env=None if environment is None else dict(environment),
        cwd=folder or repository(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=memory,
    ) as process:
        looks = [0]
        done = threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, looks, done), daemon=True)
        if memory:
            watch.start()
        said, _ = process.communicate()
        took = time.monotonic() - began
        done.set()
        if memory:
            watch.join()
    if process.returncode != 0:
        raise ToolError(f"bench: `{' '.join(map(str, command[:3]))}` failed:\n{said[-3000:]}")
    return Taken(took, max(looks))


def _watch(session: int, looks: list[int], done: threading.Event) -> None:
    while not done.wait(_LOOK_SECONDS):
        looks.append(sum(_resident(session)))


def _resident(session: int) -> Iterator[int]:
    """Bytes of each process of a session; pages that several share count for each."""
    for entry in _PROC.glob("[0-9]*"):
        try:
            if int((entry / "stat").read_text().rpartition(") ")[2].split()[_SESSION]) == session:
                lines = (entry / "status").read_text().splitlines()
                yield sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
        except (OSError, IndexError):  # it has ended meanwhile
            continue
