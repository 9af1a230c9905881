"""The configuration that a proxy will read: found through its command line, its mounts and ConfigMaps."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from policies.pack import files
from policies.pack.haproxy.configuration import Configuration, parse
from policies.pack.unreadable import UnreadableError
from policies.pack.workloads import Container, Workload

_DEFAULT_FILE = "/usr/local/etc/haproxy/haproxy.cfg"
"""What the image reads when its command line names no file."""

_PROGRAMS = frozenset({"haproxy", "/usr/local/sbin/haproxy"})
_FLAGS = frozenset({"-W", "-Ws", "-db", "-q", "-V"})
_SHELLS = frozenset({"sh", "/bin/sh"})


def configuration(workload: Workload, container: Container) -> Configuration:
    """The configuration of the HAProxy in `container`, which reads several files as if they were one.

    Raises:
        UnreadableError: its command line is not understood, or a file of it cannot be found or read.
    """
    paths = list(_files(_unsupervised(workload, container))) or [_DEFAULT_FILE]
    return parse("\n".join(text for path in paths for text in _contents(workload, container, PurePosixPath(path))))


def _unsupervised(workload: Workload, container: Container) -> tuple[str, ...]:
    """The arguments of HAProxy itself, whoever starts it."""
    line = container.seen_command_line
    if line and line[0].startswith("-") and not container.properties["command"].given:
        # The image's own entry point puts the program's name before options.
        return line
    if line and line[0] in _SHELLS and "--" in line:
        end = line.index("--")
        _check_supervisor(workload, container, line[1:end])
        line = line[end + 1 :]
        if not line:
            raise UnreadableError("its supervisor starts nothing")
    if line and line[0] not in _PROGRAMS:
        raise UnreadableError(f"its command line starts {line[0]}, not haproxy")
    return line[1:]


def _check_supervisor(workload: Workload, container: Container, arguments: tuple[str, ...]) -> None:
    # The script, two signals, and the folders that it watches.
    if len(arguments) != 4:  # noqa: PLR2004 - the four of the comment
        raise UnreadableError("its supervisor is started in a way that these rules do not know")
    if files.read(workload, container, PurePosixPath(arguments[0])) != _supervisor():
        raise UnreadableError(f"{arguments[0]} is not the supervisor that these rules know")


@cache
def _supervisor() -> str:
    programs = Path(__file__).resolve().parents[2] / "components" / "programs"
    return (programs / "supervise.sh").read_text(encoding="utf-8")


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
