"""Shells that run a text."""

from collections.abc import Sequence
from pathlib import PurePosixPath

_SHELLS = frozenset({"ash", "bash", "dash", "sh"})


def script(words: Sequence[str]) -> str | None:
    """The text that a shell runs which `words` start with -c; None where they start something else."""
    program, *rest = (*words, "")
    if PurePosixPath(program).name not in _SHELLS or "-c" not in rest[:-2]:
        return None
    return rest[rest.index("-c") + 1]
