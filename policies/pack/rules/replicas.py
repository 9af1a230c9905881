"""Replicas: enough instances of everything, on hosts of their own, and no client bound to one of them."""

from collections.abc import Iterable, Iterator

from model.limits import (
    MIN_API_INSTANCES,
    MIN_BALANCERS,
    MIN_ELASTICSEARCH_NODES,
    MIN_GUI_INSTANCES,
    MIN_TRACK_INSTANCES,
)
from policies.pack.images import Program
from policies.pack.resources import selects
from policies.pack.roles import collects_only
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.values import Value
from policies.pack.workloads import Workload

_HOST = "kubernetes.io/hostname"
_RAISE = "Raise replicas, or minReplicas of the autoscaler, which counts where there is one."
_STICKY_BALANCING = frozenset({"hash", "hdr", "rdp-cookie", "source", "uri", "url_param"})


def _minimum(default: int) -> tuple[Option, ...]:
    return (Option("minimum", default, "How many instances are enough."),)


def _together(stack: StackView, workloads: Iterable[Workload], what: str, minimum: int) -> Iterator[Finding]:
    found = list(workloads)
    total = sum(stack.instances(workload) for workload in found)
    if total < minimum and stack.workloads:
        names = ", ".join(workload.label for workload in found) or "no workload of the stack runs any"
        resource = found[0].resource if len(found) == 1 else None
        problem = f"{'has' if resource else 'The stack has'} {total} of at least {minimum} instances of {what}"
        yield Finding(resource, problem if resource else f"{problem} ({names})")


@rule("api-instances", severity=Severity.HIGH, remedy=_RAISE, options=_minimum(MIN_API_INSTANCES))
def api_instances(stack: StackView, options: Options) -> Iterator[Finding]:
    """Both API clusters together have as many instances as Tracardi's production guide asks for."""
    yield from _together(stack, stack.running(Program.API), "Tracardi's API", options.number("minimum"))


@rule("track-instances", severity=Severity.HIGH, remedy=_RAISE, options=_minimum(MIN_TRACK_INSTANCES))
def track_instances(stack: StackView, options: Options) -> Iterator[Finding]:
    """The track cluster goes on when a server is lost."""
    reached = {end.workload.resource.urn for entry in stack.internet_entries for end in entry.reach.ends}
    track = [
        workload
        for workload in stack.running(Program.API)
        if workload.resource.urn in reached or collects_only(workload)
    ]
    yield from _together(stack, track, "the track API", options.number("minimum"))


@rule(
    "gui-instances",
    severity=Severity.MEDIUM,
    remedy=_RAISE,
    options=(
        *_minimum(MIN_GUI_INSTANCES),
        Option("required", default=True, description="Whether a stack without any console is refused."),
    ),
)
def gui_instances(stack: StackView, options: Options) -> Iterator[Finding]:
    """The console goes on when a server is lost."""
    consoles = stack.running(Program.GUI)
    if consoles or options.switch("required"):
        yield from _together(stack, consoles, "the console", options.number("minimum"))


@rule("elasticsearch-nodes", severity=Severity.HIGH, remedy=_RAISE, options=_minimum(MIN_ELASTICSEARCH_NODES))
def elasticsearch_nodes(stack: StackView, options: Options) -> Iterator[Finding]:
    """Elasticsearch, where it runs in the cluster, keeps its quorum and its data when a server is lost."""
    if nodes := stack.running(Program.ELASTICSEARCH):
        yield from _together(stack, nodes, "Elasticsearch", options.number("minimum"))


@rule("balancer-instances", severity=Severity.HIGH, remedy=_RAISE, options=_minimum(MIN_BALANCERS))
def balancer_instances(stack: StackView, options: Options) -> Iterator[Finding]:
    """No balancer is a single point of failure; a proxy that only serves the pod it is in is no balancer."""
    balancers = {proxy.workload.resource.urn: proxy.workload for proxy in stack.balancers}
    for workload in balancers.values():
        yield from _together(stack, [workload], "the balancer", options.number("minimum"))


@rule(
    "no-session-affinity",
    severity=Severity.MEDIUM,
    remedy="Remove it: Tracardi's API keeps no state, and requests must spread over all instances.",
)
def no_session_affinity(stack: StackView, _: Options) -> Iterator[Finding]:
    """Requests are spread over all instances, whoever sends them."""
    for service in stack.of_kind("Service"):
        affinity = service.spec["sessionAffinity"]
        if affinity.given and affinity.text != "None":
            yield Finding(service, "has session affinity")
    for proxy in stack.proxies:
        for section in proxy.configuration.sections if proxy.configuration else ():
            for keyword, *rest in section.lines:
                method = rest[0].partition("(")[0] if rest else ""
                if keyword in {"cookie", "stick"} or (keyword == "balance" and method in _STICKY_BALANCING):
                    where = f"{section.keyword} {section.name}".strip()
                    problem = f"binds clients to an instance: {keyword} {method} in {where}"
                    yield Finding(proxy.workload.resource, problem)


@rule(
    "instances-on-hosts-of-their-own",
    severity=Severity.HIGH,
    remedy=f"Add a topology spread constraint on {_HOST} that selects the pods, with maxSkew 1, minDomains of at least "
    "the instances and whenUnsatisfiable: DoNotSchedule, or a required anti-affinity on the same key.",
    options=(Option("required", default=True, description="Whether a preference for other hosts is not enough."),),
)
def instances_on_hosts_of_their_own(stack: StackView, options: Options) -> Iterator[Finding]:
    """A lost host takes one instance of a cluster with it, and no more."""
    for workload in stack.workloads:
        instances = stack.instances(workload)
        if workload.ends or instances < 2:  # noqa: PLR2004 - one instance needs no second host
            continue
        required = options.switch("required")
        if not _spread(workload, instances, required=required) and not _kept_apart(workload):
            what = "does not require" if required else "does not even prefer"
            yield Finding(workload.resource, f"{what} hosts of their own for its {instances} instances")


def _spread(workload: Workload, instances: int, *, required: bool) -> bool:
    return any(
        constraint["topologyKey"].text == _HOST
        and constraint["maxSkew"].number == 1
        and _selects(constraint["labelSelector"], workload)
        and (
            not required
            or (
                constraint["whenUnsatisfiable"].text == "DoNotSchedule"
                and (constraint["minDomains"].number or 1) >= instances
            )
        )
        for constraint in workload.pod["topologySpreadConstraints"]
    )


def _kept_apart(workload: Workload) -> bool:
    path = ("affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    return any(
        term["topologyKey"].text == _HOST and _selects(term["labelSelector"], workload)
        for term in workload.pod.at(*path)
    )


def _selects(selector: Value, workload: Workload) -> bool:
    labels = selector["matchLabels"].texts
    return bool(labels) and not selector["matchExpressions"].given and selects(labels, workload.labels)
