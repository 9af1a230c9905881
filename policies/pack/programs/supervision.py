"""Programs of this repository that other programs are started by, known by their text."""

from functools import cache
from pathlib import Path, PurePosixPath

from policies.pack.kubernetes import files
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.unreadable import UnreadableError

_SHELLS = frozenset({"sh", "/bin/sh"})
_ARGUMENTS = 4
"""The script, two signals, and the folders that it watches."""


def unsupervised(workload: Workload, container: Container) -> tuple[str, ...]:
    """The command line of what `container` runs, without the supervisor that starts it.

    Raises:
        UnreadableError: it cannot be seen, or the supervisor is not the one that is known.
    """
    line = container.seen_command_line
    if not line or line[0] not in _SHELLS or "--" not in line:
        return line
    end = line.index("--")
    arguments = line[1:end]
    if len(arguments) != _ARGUMENTS:
        raise UnreadableError("its supervisor is started in a way that these rules do not know")
    if files.read(workload, container, PurePosixPath(arguments[0])) != known_program("supervise.sh"):
        raise UnreadableError(f"{arguments[0]} is not the supervisor that these rules know")
    return line[end + 1 :]


@cache
def known_program(name: str) -> str:
    """The text of the program `name` that this repository's pods run."""
    programs = Path(__file__).resolve().parents[3] / "components" / "programs"
    return (programs / name).read_text(encoding="utf-8")
