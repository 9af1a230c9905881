"""Whether Tracardi's API speaks TLS, told by the command line that starts it."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from policies.pack.kubernetes import files
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.programs.supervision import known_program
from policies.pack.unreadable import UnreadableError

_PYTHON = "python"
_SERVER = "uvicorn"
_OF_SERVER = frozenset({"--ssl-certfile", "--ssl-keyfile"})
_OF_PROGRAM = frozenset({"--certificate", "--key"})
_DOUBTFUL = ("--ssl-version", "--ssl-ciphers", "--reload", "--uds", "--fd")
"""What can weaken the TLS that uvicorn would speak, or have it listen elsewhere."""


def plain_api(workload: Workload, container: Container) -> str | None:
    """Why the API in `container` is not known to speak TLS; None where it is."""
    try:
        line = container.seen_command_line
    except UnreadableError as problem:
        return str(problem)
    if not line:
        return "it starts as its image has it, in plain text"
    program, *arguments = line
    if PurePosixPath(program).name.startswith(_PYTHON):
        if arguments[:2] == ["-m", _SERVER]:
            return _of_server(arguments[2:])
        return _of_program(workload, container, arguments)
    if PurePosixPath(program).name == _SERVER:
        return _of_server(arguments)
    return f"its command line starts {program}, which these rules do not know"


def _of_server(arguments: list[str]) -> str | None:
    if doubtful := next((word for word in arguments if word.startswith(_DOUBTFUL)), None):
        return f"its command line has {doubtful.partition('=')[0]}, which these rules do not follow"
    return None if set(_given(arguments, _OF_SERVER)) == _OF_SERVER else "uvicorn has no certificate and key"


def _of_program(workload: Workload, container: Container, arguments: list[str]) -> str | None:
    if not arguments:
        return "its command line starts no program"
    try:
        text = files.read(workload, container, PurePosixPath(arguments[0]))
    except (UnreadableError, ValueError):
        return f"it runs {arguments[0]}, which these rules cannot read"
    if text != known_program("serve.py"):
        return f"it runs {arguments[0]}, which is not the program that these rules know"
    return None if set(_given(arguments, _OF_PROGRAM)) == _OF_PROGRAM else "it has no certificate and key"


def _given(arguments: list[str], wanted: frozenset[str]) -> Iterator[str]:
    """The options of `wanted` that have a value, after an equals sign or as the next word; the last one counts."""
    last = {}
    for word, after in zip(arguments, [*arguments[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name in wanted:
            last[name] = value if equals else after
    return (name for name, value in last.items() if value and not value.startswith("-"))
