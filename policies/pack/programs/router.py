"""The configuration that MySQL Router will read: what listens, and how it verifies where it leads to."""

import configparser
from dataclasses import dataclass
from pathlib import PurePosixPath

from policies.pack.kubernetes import files
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.unreadable import UnreadableError

_PROGRAM = "mysqlrouter"
_SILENT = frozenset({"logger", "io"})
"""Sections that open no port."""
_CALL = 3
"""Words of a command line that names a configuration: the program, the option and the file."""


@dataclass(frozen=True)
class Route:
    """A section that listens and leads somewhere, with its options."""

    name: str
    options: dict[str, str]

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that it leads to."""
        told = [part.strip().rpartition(":")[0] for part in self.options.get("destinations", "").split(",")]
        return tuple(host for host in told if host)


def routes(workload: Workload, container: Container) -> tuple[Route, ...]:
    """What MySQL Router in `container` leads where.

    Raises:
        UnreadableError: its command line is not understood, or its file cannot be found or read.
    """
    line = container.seen_command_line
    if len(line) != _CALL or line[:2] not in {(_PROGRAM, "--config"), (_PROGRAM, "-c")}:
        raise UnreadableError("its command line is not mysqlrouter with one configuration")
    return _parse(files.read(workload, container, PurePosixPath(line[2])))


def _parse(text: str) -> tuple[Route, ...]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, empty_lines_in_values=False)
    try:
        parser.read_string(text)
    except configparser.Error as problem:
        raise UnreadableError(str(problem).splitlines()[0]) from problem
    for name in parser.sections():
        if not name.startswith("routing") and name not in _SILENT:
            raise UnreadableError(f"section {name} is not known to these rules")
    found = tuple(Route(name, dict(parser[name])) for name in parser.sections() if name.startswith("routing"))
    if any("\n" in value for route in found for value in route.options.values()):
        raise UnreadableError("a value of several lines")
    return found
