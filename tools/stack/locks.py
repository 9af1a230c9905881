"""Who else is changing a stack: the locks that Pulumi leaves in a state folder.

Pulumi refuses a locked stack by itself. What it does not do is look whether the process that holds the lock still
lives: after a kill or a crash its lock would stay until somebody runs `pulumi cancel`.
"""

import json
import os
import platform
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError


@dataclass(frozen=True)
class Lock:
    """A lock on a stack."""

    file: Path
    pid: int | None
    """The process that holds it, or None where the lock's file cannot be read: its writer was cut off."""
    user: str
    host: str
    since: str

    def __str__(self) -> str:
        if self.pid is None:
            return f"the unreadable {self.file}"
        return f"{self.user}@{self.host}, process {self.pid}, since {self.since}"

    @property
    def here(self) -> bool:
        """Whether the holder runs, or ran, on this machine, so that we can tell whether it lives."""
        return self.pid is None or self.host == platform.node()

    @property
    def alive(self) -> bool:
        """Whether the holder is a live Pulumi process of this machine."""
        return self.pid is not None and self.here and _is_pulumi(self.pid)


def held(state: Path, project: str, stack: str) -> Iterator[Lock]:
    """Every lock on the stack in a state folder."""
    for file in sorted((state / ".pulumi" / "locks" / "organization" / project / stack).glob("*.json")):
        try:
            yield _parse(file)
        except FileNotFoundError:
            continue  # released while we looked


def open_or_refuse(locks: Iterator[Lock], stack: str, cancel: str, tell: Callable[[str], None] | None) -> bool:
    """Let the command go on only where nobody else is changing the stack.

    With `tell`, locks of dead processes are removed, and said so; this is for state that only this machine reaches.
    `cancel` is the shell command that a person would have to give. Returns whether there was one.

    Raises:
        ToolError: somebody holds, or may hold, the stack.
    """
    interrupted = False
    for lock in locks:
        if lock.alive:
            raise ToolError(f"stack {stack} is being changed by another command ({lock}); wait until it is done.")
        if not lock.here or tell is None:
            ended = "whose process has ended" if lock.here else "and whether that still runs cannot be seen from here"
            raise ToolError(f"stack {stack} is locked ({lock}), {ended}. If nobody is changing it:\n  {cancel}")
        tell(f"stack {stack}: an earlier command was cut off ({lock}); its lock is removed")
        for file in (lock.file, lock.file.with_name(f"{lock.file.name}.attrs")):
            file.unlink(missing_ok=True)
        interrupted = True
    return interrupted


def _parse(file: Path) -> Lock:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        since = re.sub(r"\.[0-9]+", "", content["timestamp"])
        return Lock(file, int(content["pid"]), content["username"], content["hostname"], since)
    except (KeyError, TypeError, ValueError):
        return Lock(file, None, "", "", "")


def _is_pulumi(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's process; which program it is cannot be told
    if not Path("/proc/self").exists():
        return True
    try:
        # The number may be a stranger's by now.
        return b"pulumi" in Path("/proc", str(pid), "cmdline").read_bytes()
    except OSError:
        return False
