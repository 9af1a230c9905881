"""The control groups of a cluster's nodes: the only thing that the kernel does not take away with the namespaces."""

import contextlib
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

from tools.errors import ToolError

_ROOT = Path("/sys/fs/cgroup")
_PATIENCE_SECONDS = 10.0
_SHARES, _WEIGHT = 8192, 800
"""Eight times the usual one, as the two versions of control groups count."""


def name(cluster: Path) -> str:
    """The group of a cluster: told apart by its folder, so that clones with clusters of one name do not meet."""
    return f"tracardi-{hashlib.sha256(str(cluster).encode()).hexdigest()[:12]}"


def make(cluster: Path, node: str) -> None:
    """Make the node's group in every hierarchy, where it is not there yet."""
    for hierarchy in _hierarchies():
        group = hierarchy / name(cluster) / node
        group.mkdir(parents=True, exist_ok=True)
        if (hierarchy / "cgroup.controllers").exists():
            for parent in (hierarchy, group.parent, group):
                _delegate(parent)
        for each in (group.parent, group):
            _weigh(each)


def left(cluster: Path) -> list[Path]:
    """The cluster's groups that are there, the innermost first."""
    tops = [top for hierarchy in _hierarchies() if (top := hierarchy / name(cluster)).is_dir()]
    return [group for top in tops for group in _innermost_first(top)]


def remove(cluster: Path) -> None:
    """Remove the cluster's groups; their processes have been ended. Raises ToolError where one stays in use."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    # A process that was killed keeps its group for as long as it takes to go.
    while groups := left(cluster):
        for group in groups:
            with contextlib.suppress(OSError):
                group.rmdir()
        if time.monotonic() > deadline:
            raise ToolError(f"control group {groups[0]} is still in use; its file cgroup.procs names the processes.")
        time.sleep(0.02)


def _hierarchies() -> list[Path]:
    """The one of version 2, or those of version 1, of which several may be names of one."""
    if (_ROOT / "cgroup.controllers").exists():
        return [_ROOT]
    return sorted(entry for entry in _ROOT.iterdir() if entry.is_dir() and not entry.is_symlink())


def _weigh(group: Path) -> None:
    """Give a group the weight of many processes: by itself, all pods together weigh as much as one process beside."""
    for file, weight in (("cpu.shares", _SHARES), ("cpu.weight", _WEIGHT)):
        if (group / file).exists():
            (group / file).write_text(f"{weight}\n", encoding="ascii")


def _delegate(group: Path) -> None:
    available = (group / "cgroup.controllers").read_text(encoding="ascii").split()
    (group / "cgroup.subtree_control").write_text(" ".join(f"+{each}" for each in available), encoding="ascii")


def _innermost_first(top: Path) -> Iterator[Path]:
    for entry in top.iterdir():
        if entry.is_dir():
            yield from _innermost_first(entry)
    yield top
