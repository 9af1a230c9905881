"""The configuration that a proxy will read: found through its command line, its mounts and ConfigMaps."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from policies.pack.kubernetes import files
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.programs import surroundings
from policies.pack.programs.haproxy import keywords
from policies.pack.programs.haproxy.configuration import Configuration, parse
from policies.pack.programs.supervision import unsupervised
from policies.pack.unreadable import UnreadableError

_DEFAULT_FILE = "/usr/local/etc/haproxy/haproxy.cfg"
"""What the image reads when its command line names no file."""

_PROGRAMS = frozenset({"haproxy", "/usr/local/sbin/haproxy"})
_FLAGS = frozenset({"-W", "-Ws", "-db", "-q", "-V"})


def configuration(workload: Workload, container: Container) -> Configuration:
    """The configuration of the HAProxy in `container`, which reads several files as if they were one.

    Raises:
        UnreadableError: its command line is not understood, a file of it cannot be found or read, or something else
            decides what it does.
    """
    surroundings.check(workload, container)
    paths = list(_files(_arguments(workload, container))) or [_DEFAULT_FILE]
    read = parse("\n".join(text for path in paths for text in _contents(workload, container, PurePosixPath(path))))
    keywords.check(read)
    return read


def _arguments(workload: Workload, container: Container) -> tuple[str, ...]:
    """The arguments of HAProxy itself, whoever starts it."""
    line = container.seen_command_line
    if line and line[0].startswith("-") and not container.properties["command"].given:
        # The image's own entry point puts the program's name before options.
        return line
    program = unsupervised(workload, container)
    if line and not program:
        raise UnreadableError("its supervisor starts nothing")
    if program and program[0] not in _PROGRAMS:
        raise UnreadableError(f"its command line starts {program[0]}, not haproxy")
    return program[1:]


def _files(arguments: tuple[str, ...]) -> Iterator[str]:
    words = iter(arguments)
    for word in words:
        if word == "--":
            yield from words
        elif word == "-f":
            yield next(words, "")
        elif word.startswith("-f"):
            yield word.removeprefix("-f")
        elif word not in _FLAGS:
            raise UnreadableError(f"its command line has {word}, which these rules do not know")


def _contents(workload: Workload, container: Container, path: PurePosixPath) -> Iterator[str]:
    # Of a folder, HAProxy reads what ends like this, and no hidden files.
    inside = [file for file in files.inside(workload, container, path) if file.match("[!.]*.cfg")]
    for file in inside or [path]:
        yield files.read(workload, container, file)
