"""How far a request gets: from a Service to pods, through proxies, to the pods behind them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.objects import Objects, Proxy
from policies.pack.kubernetes.workloads import Workload
from policies.pack.programs.haproxy.configuration import Bind, Configuration, Section, Target
from policies.pack.resources import Resource


@dataclass(frozen=True)
class Answering:
    """The part of a proxy that answers requests, in the pods of `workload`."""

    workload: Workload
    configuration: Configuration
    frontend: Section
    bind: Bind


@dataclass(frozen=True)
class End:
    """Where requests arrive: pods, and which programs in them may take the requests."""

    workload: Workload
    programs: frozenset[Program]
    proxied: bool
    """Whether a proxy stands in between."""


@dataclass
class Reach:
    """What can be reached."""

    answering: list[Answering] = field(default_factory=list)
    """Proxies, by the frontends that requests pass."""
    ends: list[End] = field(default_factory=list)
    """Where requests arrive, proxies aside."""
    dead_ends: list[tuple[Resource, str]] = field(default_factory=list)
    """Where the way cannot be followed, and why."""


def reach_of_service(stack: Objects, service: Resource) -> Reach:
    """Everything that a client of `service` reaches."""
    return reach_of_services(stack, [(service, None)])


def reach_of_services(stack: Objects, services: Iterable[tuple[Resource, int | None]]) -> Reach:
    """Everything that a client of Services reaches through a port of each, or through all of its ports."""
    walk = _Walk(stack)
    for service, port in services:
        walk.into_service(service, port)
    return walk.reach


def reach_of_pods(stack: Objects, workload: Workload, ports: Iterable[int | None]) -> Reach:
    """Everything that a client of the pods of `workload` reaches through `ports`; None stands for all of them."""
    walk = _Walk(stack)
    for port in ports:
        walk.into_pods(workload, port)
    return walk.reach


class _Walk:
    """A walk along all ways at once; a proxy's frontend is followed only once, whichever of its ports leads there."""

    def __init__(self, stack: Objects) -> None:
        self.stack = stack
        self.reach = Reach()
        self.seen: set[tuple[str, str, str, str]] = set()

    def into_service(self, service: Resource, port: int | None, *, proxied: bool = False) -> None:
        """Follow requests to `port` of `service`, or to any of its ports."""
        if service.spec["type"].text == "ExternalName":
            self.reach.dead_ends.append((service, "is an alias of a name that is not in the stack"))
            return
        pods = self.stack.selected(service)
        if not pods:
            self.reach.dead_ends.append((service, "selects no pods of the stack, so anything can be behind it"))
        for workload in pods:
            for pod_port in _pod_ports(service, workload, port):
                self.into_pods(workload, pod_port, proxied=proxied)

    def into_pods(self, workload: Workload, port: int | None, *, proxied: bool = False) -> None:
        """Follow requests to `port` of the pods of `workload`, or to any of their ports."""
        others = _answering_on(workload, port) - {Program.PROXY}
        if not proxied and Program.PROXY in workload.programs:
            # What is not known may listen beside a proxy, whatever ports it declares.
            others |= workload.programs & {Program.OTHER}
        if others:
            self.reach.ends.append(End(workload, others, proxied))
        for proxy in self.stack.proxies_of(workload):
            self._into_proxy(proxy, port)

    def _into_proxy(self, proxy: Proxy, port: int | None) -> None:
        workload, configuration = proxy.workload, proxy.configuration
        if configuration is None:
            self._dead_end(workload.resource, unjudged(proxy))
            return
        for frontend, bind in configuration.listening_on(port):
            answering = Answering(workload, configuration, frontend, bind)
            if answering not in self.reach.answering:
                self.reach.answering.append(answering)
            key = (workload.resource.urn, proxy.container.name, frontend.keyword, frontend.name)
            if key in self.seen:
                continue
            self.seen.add(key)
            for section in configuration.behind(frontend):
                for target in section.targets:
                    self._into_target(workload, target)

    def _into_target(self, workload: Workload, target: Target) -> None:
        service = self.stack.service_at(target.host, workload.namespace)
        if service is None:
            where = f"its HAProxy sends requests to {target.host}, which is no Service of the stack"
            self._dead_end(workload.resource, where)
        else:
            self.into_service(service, target.port, proxied=True)

    def _dead_end(self, resource: Resource, reason: str) -> None:
        if (resource, reason) not in self.reach.dead_ends:
            self.reach.dead_ends.append((resource, reason))


def unjudged(proxy: Proxy) -> str:
    """What is wrong with a proxy whose configuration cannot be judged."""
    return f"its HAProxy configuration cannot be judged: {proxy.problem}"


def _answering_on(workload: Workload, port: int | None) -> frozenset[Program]:
    """What may answer on `port`: whoever declares it, or everybody where nobody does."""
    declared = frozenset(
        container.program for container in workload.serving if port is not None and port in container.ports.values()
    )
    return declared or workload.programs


def _pod_ports(service: Resource, workload: Workload, port: int | None) -> Iterator[int | None]:
    """The pods' ports that requests to `port` of `service` arrive at; None where that cannot be told."""
    if port is not None and service.spec["clusterIP"].text == "None":
        # DNS gives the pods' own addresses, so nothing translates the port.
        yield port
        return
    ports = [entry for entry in service.spec["ports"] if port is None or entry["port"].number == port]
    if not ports:
        yield None
    for entry in ports:
        target = entry["targetPort"]
        if not target.given:
            target = entry["port"]
        yield workload.port(target)
