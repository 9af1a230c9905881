"""Termination: pods serve on until nobody sends them requests, and finish those that they have."""

import re
from collections.abc import Iterator

from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.programs import arguments, shells
from policies.pack.roles import Role
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.values import Value

_ON_THE_WAY = frozenset({Role.BALANCER, Role.COLLECTOR, Role.GUI_API, Role.CONSOLE})
_SERVERS = frozenset({Program.API, Program.GUI, Program.PROXY})
_USUAL_GRACE = 30
"""Kubernetes' own, in seconds."""

_LEAVES = "--leave-seconds"
"""Tells components/programs/serve.py how long to serve on by itself."""

_SLEEP = re.compile(r"(?:^|;|&&|\n)\s*(?:exec\s+)?(?:/bin/|/usr/bin/)?sleep\s+(\d+)s?\s*(?=$|;|&&|\n)")


@rule(
    "pods-drain-before-they-end",
    severity=Severity.MEDIUM,
    remedy="Let balancers, APIs and consoles wait in a preStop hook, by sleep, and give the pod a "
    "terminationGracePeriodSeconds for that and for the longest request; times are options of this rule in the pack's "
    "configuration.",
    options=(
        Option("serveSeconds", 5, "How long a container must serve on once its pod is to end."),
        Option("requestSeconds", 13, "How long the longest request may take that is to be finished."),
    ),
)
def pods_drain_before_they_end(stack: StackView, options: Options) -> Iterator[Finding]:
    """No request is lost when a pod is replaced: it serves on until all know that it leaves, and finishes its work."""
    least, request = options.number("serveSeconds"), options.number("requestSeconds")
    for workload in stack.workloads:
        if workload.ends or stack.role(workload) not in _ON_THE_WAY:
            continue
        grace = _grace(workload)
        for container in workload.serving:
            # What starts before the others also ends after them.
            if container.sidecar or container.program not in _SERVERS:
                continue
            if problem := _problem(_serves_on(container), grace, least, request):
                yield Finding(workload.resource, f"{problem} in container {container.name}")


def _problem(serves: int | None, grace: int | None, least: int, request: int) -> str | None:
    if least and (serves is None or serves < least):
        return f"serves on for {_seconds(serves)} once it is to end, not {least} s,"
    needed = (serves or 0) + request
    if grace is None or grace < needed:
        return f"is killed {_seconds(grace)} after it is to end, and may need {needed} s"
    return None


def _seconds(number: int | None) -> str:
    return "an unknown time" if number is None else f"{number} s"


def _grace(workload: Workload) -> int | None:
    grace = workload.pod["terminationGracePeriodSeconds"]
    if grace.number is None:
        return None if grace.given else _USUAL_GRACE
    return int(grace.number)


def _serves_on(container: Container) -> int | None:
    """Seconds for which the container serves on; None where nobody can tell."""
    waits = _waits(container.properties["lifecycle"])
    leaves = arguments.told(container.command_line, _LEAVES) or "0"
    return waits + int(leaves) if waits is not None and leaves.isdecimal() else None


def _waits(lifecycle: Value) -> int | None:
    """Seconds of the preStop hook; what it does besides waiting takes no time here."""
    hook = lifecycle["preStop"]
    if not hook.given:
        return None if lifecycle.hidden else 0
    if hook["sleep"].given:
        seconds = hook.at("sleep", "seconds").number
        return None if seconds is None else int(seconds)
    words = hook.at("exec", "command").seen_words
    if not words:
        return None
    text = shells.script(words)
    return sum(map(int, _SLEEP.findall(" ".join(words) if text is None else text)))
