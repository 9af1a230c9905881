"""Processes of a cluster, by everything that a process shows of itself."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.nodes import cgroups

_PROC = Path("/proc")
_SHOWN = ("cmdline", "environ", "cgroup", "mountinfo")
_LINKS = ("cwd", "exe", "root")
_NAMESPACES = ("mnt", "net", "pid")


@dataclass(frozen=True)
class Inhabitant:
    """A process, told apart from a later one of the same number by when it began."""

    pid: int
    began: str
    command: str


def mentioning(cluster: Path) -> set[Inhabitant]:
    """Processes whose command, environment, control group, mounts or open files mention the cluster's folder."""
    words = (os.fsencode(cluster), cgroups.name(cluster).encode())
    return {found for pid in _pids() if _mentions(pid, words) and (found := _inhabitant(pid))}


def inhabitants(cluster: Path) -> set[Inhabitant]:
    """These, and all that share a namespace with one of them that is not this process's own."""
    known = mentioning(cluster)
    own = _namespaces(os.getpid())
    theirs = {namespace for each in known for namespace in _namespaces(each.pid)} - own
    return known | {found for pid in _pids() if _namespaces(pid) & theirs and (found := _inhabitant(pid))}


def alive(known: Iterable[Inhabitant]) -> set[Inhabitant]:
    """Those that still live."""
    return {each for each in known if (now := _inhabitant(each.pid)) and now.began == each.began}


def _pids() -> list[int]:
    found = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal()]
    return [pid for pid in found if pid != os.getpid()]


def _mentions(pid: int, words: tuple[bytes, ...]) -> bool:
    return any(word in text for text in _texts(_PROC / str(pid)) for word in words)


def _texts(process: Path) -> Iterator[bytes]:
    # A process may end while it is looked at.
    for name in _SHOWN:
        with contextlib.suppress(OSError):
            yield (process / name).read_bytes()
    with contextlib.suppress(OSError):
        for link in [*(process / name for name in _LINKS), *(process / "fd").iterdir()]:
            with contextlib.suppress(OSError):
                yield os.fsencode(link.readlink())


def _namespaces(pid: int) -> set[str]:
    found: set[str] = set()
    for kind in _NAMESPACES:
        with contextlib.suppress(OSError):
            found.add(str((_PROC / str(pid) / "ns" / kind).readlink()))
    return found


def _inhabitant(pid: int) -> Inhabitant | None:
    with contextlib.suppress(OSError):
        # Behind the name, which may have spaces and brackets: the state, and nineteen fields later the beginning.
        state, *fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        command = (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return None if state == "Z" else Inhabitant(pid, fields[18], command[:200])
    return None
