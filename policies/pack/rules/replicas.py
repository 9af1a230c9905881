"""Replicas: enough instances of everything."""

from collections.abc import Iterable, Iterator

from model.limits import (
    MIN_API_INSTANCES,
    MIN_BALANCERS,
    MIN_ELASTICSEARCH_NODES,
    MIN_GUI_INSTANCES,
    MIN_TRACK_INSTANCES,
)
from policies.pack import clusters
from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.workloads import Workload
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView

_RAISE = (
    "Raise replicas, or minReplicas of the one autoscaler, which counts where there is one; with replicas: 0, "
    "paused: true or a scheduling gate there are no instances at all."
)


def _minimum(default: int) -> tuple[Option, ...]:
    return (Option("minimum", default, "How many instances are enough.", least=1),)


def _together(stack: StackView, workloads: Iterable[Workload], what: str, minimum: int) -> Iterator[Finding]:
    found = list(workloads)
    total = sum(stack.instances(workload) for workload in found)
    if total < minimum and stack.workloads:
        names = ", ".join(workload.label for workload in found) or "no workload of the stack runs any"
        resource = found[0].resource if len(found) == 1 else None
        problem = f"{'has' if resource else 'The stack has'} {total} of at least {minimum} instances of {what}"
        yield Finding(resource, problem if resource else f"{problem} ({names})")


@rule("api-instances", severity=Severity.HIGH, remedy=_RAISE, options=_minimum(MIN_API_INSTANCES), relaxable=True)
def api_instances(stack: StackView, options: Options) -> Iterator[Finding]:
    """Both API clusters together have as many instances as Tracardi's production guide asks for, and both are there."""
    yield from _together(stack, stack.running(Program.API), "Tracardi's API", options.number("minimum"))
    if stack.running(Program.API):
        yield from _together(stack, clusters.console_apis(stack), "the GUI API", 1)


@rule("track-instances", severity=Severity.HIGH, remedy=_RAISE, options=_minimum(MIN_TRACK_INSTANCES), relaxable=True)
def track_instances(stack: StackView, options: Options) -> Iterator[Finding]:
    """The track cluster goes on when a server is lost."""
    yield from _together(stack, clusters.collectors(stack), "the track API", options.number("minimum"))


@rule(
    "gui-instances",
    severity=Severity.MEDIUM,
    remedy=_RAISE,
    options=(
        *_minimum(MIN_GUI_INSTANCES),
        Option("required", default=True, description="Whether a stack without any console is refused."),
    ),
    relaxable=True,
)
def gui_instances(stack: StackView, options: Options) -> Iterator[Finding]:
    """The console goes on when a server is lost."""
    consoles = clusters.consoles(stack)
    if consoles or options.switch("required"):
        yield from _together(stack, consoles, "the console", options.number("minimum"))


@rule(
    "elasticsearch-nodes",
    severity=Severity.HIGH,
    remedy=_RAISE,
    options=_minimum(MIN_ELASTICSEARCH_NODES),
    relaxable=True,
)
def elasticsearch_nodes(stack: StackView, options: Options) -> Iterator[Finding]:
    """Elasticsearch, where it runs in the cluster, keeps its quorum and its data when a server is lost."""
    if nodes := clusters.searches(stack):
        yield from _together(stack, nodes, "Elasticsearch", options.number("minimum"))


@rule("balancer-instances", severity=Severity.HIGH, remedy=_RAISE, options=_minimum(MIN_BALANCERS), relaxable=True)
def balancer_instances(stack: StackView, options: Options) -> Iterator[Finding]:
    """No balancer is a single point of failure; a proxy that only serves the pod it is in is no balancer."""
    for workload in clusters.balancers(stack):
        yield from _together(stack, [workload], "the balancer", options.number("minimum"))
