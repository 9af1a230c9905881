"""What commands say on standard output, and how much of what Pulumi says is worth a line."""

import os
import re
import sys

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# " +  kubernetes:core/v1:Secret name creating (0s) what it waits for": a mark, a type, a name and what happens to it.
_RESOURCE = re.compile(r" [-+~=<>! ]{2} [\w.-]+:[\w./-]+:[\w./-]+ \S+(?: (?P<step>.*))?")
_UNDER_WAY = re.compile(r"(?:[a-z ]*ing(?: \([0-9.a-z]+\))?)?\s*(?:Skipping await logic)?\s*")
_SECONDS = re.compile(r"\([0-9.a-z]+\)")


def say(line: str) -> None:
    """Print a line at once; Pulumi's lines go past the buffer that it would stay in. Harmless if nobody reads."""
    show(f"{line}\n".encode())


def show(text: bytes) -> None:
    """Write to standard output at once. Where that fails, this and what follows is dropped.

    Pulumi goes on all the same: that a reader, a terminal or the room for a log has gone is no reason to leave a change
    half made.
    """
    try:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        sys.stdout.buffer.flush()


def plain(text: str) -> str:
    """The text without colours."""
    return _COLOURS.sub("", text)


class Digest:
    """Leaves out of Pulumi's lines those that tell nothing: steps that merely began, and what has been said before."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def keeps(self, line: str) -> bool:
        """Whether the line, without colours, is to be shown. Whatever is not about a resource's progress is."""
        resource = _RESOURCE.fullmatch(line.rstrip())
        if resource is None:
            return True
        if _UNDER_WAY.fullmatch(resource["step"] or ""):
            return False
        essence = _SECONDS.sub("", line).strip()
        new = essence not in self._said
        self._said.add(essence)
        return new
