"""How Tracardi runs: one worker for each pod, and each role in the context that it works in."""

import re
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath

from policies.pack.kubernetes import files
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.programs import arguments
from policies.pack.programs.supervision import known_program
from policies.pack.roles import Role
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.rules.releases import api_containers, worker_containers
from policies.pack.stack import StackView
from policies.pack.unreadable import UnreadableError

_CONTEXTS = {Role.COLLECTOR: ("yes",), Role.GUI_API: ("no", None), Role.WORKER: ("yes", None)}
"""What PRODUCTION may be; None is the variable's absence, which means no."""

_OF_GUNICORN = ("GUNICORN_CMD_ARGS",)
_SWITCHES = ("WEB_CONCURRENCY", "UVICORN_WORKERS", *_OF_GUNICORN)
"""Variables that may start several workers."""

_LEADING_ASTRAY = ("--app-dir", "--chdir", "--env-file", "--factory", "--reload", "--config", "-c")
"""Flags by which a server starts something else, or something beside it."""

_SHELLS = frozenset({"sh", "bash", "/bin/sh", "/bin/bash"})
_OPERATORS = re.compile(r"[;&|<>`\n]|\$\(")
_PYTHON = re.compile(r"(.*/)?python[0-9.]*")


@rule(
    "production-context-fits-the-role",
    severity=Severity.HIGH,
    remedy="Set PRODUCTION to yes on collectors and to no on the GUI API, exactly so, and on workers to yes or not at "
    "all: other events land in staging, users can only be managed from staging, and profiles of production must be "
    "merged.",
)
def production_context_fits_the_role(stack: StackView, _: Options) -> Iterator[Finding]:
    """Collectors and workers work in the production context, and the GUI API chooses one for each request."""
    for workload, container in (*api_containers(stack), *worker_containers(stack)):
        role, variable = stack.role(workload), container.environment.get("PRODUCTION")
        hidden = variable is not None and variable.value is None
        if role in _CONTEXTS and (hidden or (variable.value if variable else None) not in _CONTEXTS[role]):
            wanted = _CONTEXTS[role][0]
            yield Finding(
                workload.resource, f"is {role.value} and has no PRODUCTION={wanted} in container {container.name}"
            )


@rule(
    "one-worker-per-pod",
    severity=Severity.HIGH,
    remedy="Start uvicorn with --workers=1 or set WEB_CONCURRENCY=1, and add pods instead: the image of 0.8 starts a "
    "worker for each core of the node, which no memory limit allows for.",
)
def one_worker_per_pod(stack: StackView, _: Options) -> Iterator[Finding]:
    """An API pod is one worker, as resources, probes and replicas count it."""
    for workload, container in api_containers(stack):
        try:
            problem = _workers(workload, container)
        except UnreadableError as unreadable:
            problem = f"may start several workers: {unreadable}"
        if problem:
            yield Finding(workload.resource, f"{problem} in container {container.name}")
    for workload, container in worker_containers(stack):
        if problem := _processes(container.command_line):
            yield Finding(workload.resource, f"{problem} in container {container.name}")


def _processes(line: tuple[str, ...]) -> str | None:
    """How a worker may take more than one process; Celery takes one for each core of the node."""
    if not any(PurePosixPath(word).name == "celery" for word in line):
        return None
    told = arguments.told(line, "--concurrency", short="-c")
    if told == "1":
        return None
    return "starts a process for each core of the node" if told is None else "starts several processes"


def _workers(workload: Workload, container: Container) -> str | None:
    line = _unwrapped(container.seen_command_line)
    program = next((PurePosixPath(word).name for word in line if not _PYTHON.fullmatch(word) and word != "-m"), "")
    if program in {"uvicorn", "gunicorn"}:
        return _served(container, line, program)
    if not line:
        one = [container.environment.get(name) for name in ("WEB_CONCURRENCY", "MAX_WORKERS")]
        if any(variable is not None and variable.value == "1" for variable in one):
            return _switched(container, _SWITCHES)
        return "starts as its image decides and has no WEB_CONCURRENCY=1"
    path = next((word for word in line if word.endswith(".py")), None)
    if path is None or not _PYTHON.fullmatch(line[0]) or line[1] != path:
        raise UnreadableError(f"{program or line[0]} is no program that these rules know")
    if files.read(workload, container, PurePosixPath(path)) != known_program("serve.py"):
        raise UnreadableError(f"{path} is not the program that these rules know")
    return None


def _served(container: Container, line: tuple[str, ...], program: str) -> str | None:
    if astray := [word for word in line if word.partition("=")[0] in _LEADING_ASTRAY]:
        return f"starts more than the application, by {astray[0].partition('=')[0]}"
    told = arguments.told(line, "--workers", short="-w" if program == "gunicorn" else None)
    if told is not None and told != "1":
        return "starts several workers"
    if program == "gunicorn" and told is None:
        return "starts as many workers as a file of gunicorn says"
    return _switched(container, _OF_GUNICORN if told else _SWITCHES)


def _switched(container: Container, names: tuple[str, ...]) -> str | None:
    """The variable that may start several workers."""
    for name in names:
        variable = container.environment.get(name)
        if variable is None or variable.value == "1":
            continue
        if name in _OF_GUNICORN and variable.value is not None and not re.search(r"-w|--wo|-c", variable.value):
            continue
        return f"may start several workers by {name}"
    return None


def _unwrapped(line: tuple[str, ...]) -> tuple[str, ...]:
    """The command line of the program itself, where a shell starts it."""
    if not line or line[0] not in _SHELLS:
        return line
    if len(line) != 3 or line[1] not in {"-c", "-ec", "-euc"} or _OPERATORS.search(line[2]):  # noqa: PLR2004 - sh -c text
        raise UnreadableError("a shell starts more than one program")
    try:
        words = shlex.split(line[2])
    except ValueError as problem:
        raise UnreadableError("a shell starts something") from problem
    return tuple(words[1:] if words[:1] == ["exec"] else words)
