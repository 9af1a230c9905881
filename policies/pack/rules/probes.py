"""Probes: Kubernetes learns whether a container works, and soon enough."""

import re
from collections.abc import Iterator

from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.programs import shells
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.values import Value

_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
_PORTS = ("grpc", "httpGet", "tcpSocket")
_ASKS_NOTHING = re.compile(r"\s*(([/\w]*/)?(true|echo|printf|sleep|exit)\b[^|&;]*|:)?\s*")
_ALWAYS_TRUE = re.compile(r"(\|\||;)\s*(true|:|exit(\s+0)?)\s*;?\s*$")


@rule(
    "containers-are-probed",
    severity=Severity.MEDIUM,
    remedy="Add a readiness probe and a liveness probe, to a worker of Tracardi's without ports a startup probe and a "
    "liveness probe, or to a sidecar without ports a startup probe, that ask the container something and give up in "
    "time; times are options of this rule in the pack's configuration.",
    options=(
        Option("readinessSeconds", 60, "After how long without an answer requests must go elsewhere.", least=1),
        Option("livenessSeconds", 900, "After how long without an answer a container must be started anew.", least=1),
        Option("startupSeconds", 1800, "How long a start may take.", least=1),
    ),
)
def containers_are_probed(stack: StackView, options: Options) -> Iterator[Finding]:
    """Requests reach only pods that answer, and pods that never will again are replaced."""
    patience = {
        "readinessProbe": options.number("readinessSeconds"),
        "livenessProbe": options.number("livenessSeconds"),
        "startupProbe": options.number("startupSeconds"),
    }
    for workload in stack.workloads:
        for container in workload.containers:
            if workload.ends or (container.initial and not container.properties["restartPolicy"].hidden):
                continue
            for name, most in patience.items():
                problem = _problem(container, name, most, _wanted(stack, workload, container))
                if problem:
                    yield Finding(workload.resource, f"{problem} in container {container.name}")


def _problem(container: Container, name: str, most: int, wanted: tuple[str, ...]) -> str | None:
    probe = container.properties[name]
    if not probe.given:
        return f"has no {name}" if name in wanted else None
    handlers = [kind for kind in _HANDLERS if probe[kind].given]
    if len(handlers) != 1 or _asks_nothing(probe):
        return f"has a {name} that asks nothing"
    seconds = _seconds(probe, waits=name == "livenessProbe")
    if seconds is None or seconds > most:
        return (
            f"has a {name} that gives up after {'an unknown time' if seconds is None else f'{seconds} s'}, not {most} s"
        )
    return None


def _wanted(stack: StackView, workload: Workload, container: Container) -> tuple[str, ...]:
    if not list(container.properties["ports"]) and not container.properties["ports"].hidden:
        if container.sidecar:
            # Nobody sends requests to it; it need only be up before those that it serves.
            return ("startupProbe",)
        if container.program is Program.WORKER and not _served(stack, workload):
            # Nor to this one: an update need only know that it has begun.
            return ("startupProbe", "livenessProbe")
    return ("readinessProbe", "livenessProbe")


def _served(stack: StackView, workload: Workload) -> bool:
    """Whether a Service may lead to the pods."""
    return any(workload in stack.selected(service) for service in stack.of_kind("Service"))


def _asks_nothing(probe: Value) -> bool:
    if any(probe[kind].given and not _seen(probe[kind]["port"]) for kind in _PORTS):
        return True
    if not probe["exec"].given:
        return False
    words = probe.at("exec", "command").seen_words
    if not words:
        return True
    text = shells.script(words)
    if text is None:
        return _ASKS_NOTHING.fullmatch(words[0]) is not None
    return _ASKS_NOTHING.fullmatch(text) is not None or _ALWAYS_TRUE.search(text) is not None


def _seen(port: Value) -> bool:
    return bool(port.text or port.number)


def _seconds(probe: Value, *, waits: bool) -> int | None:
    """How long a container may give no answer; `waits` if the time before the first question counts as well."""
    numbers = [
        _number(probe[name], usual)
        for name, usual in (
            ("initialDelaySeconds", 0),
            ("periodSeconds", 10),
            ("timeoutSeconds", 1),
            ("failureThreshold", 3),
        )
    ]
    if any(number is None for number in numbers):
        return None
    delay, period, timeout, failures = (number or 0 for number in numbers)
    return (delay if waits else 0) + max(period, timeout) * failures


def _number(value: Value, usual: int) -> int | None:
    """The number at `value`; Kubernetes takes its own default in place of a zero."""
    if value.number is None:
        return None if value.given else usual
    return int(value.number) or usual
