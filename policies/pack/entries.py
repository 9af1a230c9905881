"""Ways into the stack from outside: Services, routes of Gateways, and pods that a policy opens to everybody."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from model.networks import too_wide
from policies.pack import networks
from policies.pack.admission import caught
from policies.pack.entry import Entry
from policies.pack.gateways import routes
from policies.pack.haproxy.clients import Told, client_lists, misplaced_trust
from policies.pack.objects import Objects
from policies.pack.reach import Answering, Reach, reach_of_pods, reach_of_service
from policies.pack.resources import Resource
from policies.pack.values import Value
from policies.pack.workloads import Workload

_OUTSIDE_TYPES = frozenset({"LoadBalancer", "NodePort"})


class ServiceEntry(Entry):
    """A Service that is reached from outside the cluster."""

    @property
    def workloads(self) -> tuple[Workload, ...]:
        return self.stack.selected(self.resource)

    @cached_property
    def reach(self) -> Reach:
        return reach_of_service(self.stack, self.resource)

    @cached_property
    def open_because(self) -> str | None:
        spec = self.resource.spec
        balanced = spec["type"].text == "LoadBalancer"
        if balanced and (reason := _unlisted(spec["loadBalancerSourceRanges"])):
            return reason
        if not balanced or spec["allocateLoadBalancerNodePorts"].flag is not False or spec["externalIPs"].given:
            # Source ranges guard the balancer's address alone; on these ways in, only a proxy can judge.
            return self._open_past_the_balancer()
        return None

    def _open_past_the_balancer(self) -> str | None:
        ways = "its node ports or external addresses admit everybody"
        if self.resource.spec["externalTrafficPolicy"].text != "Local":
            return f"{ways}, and hide clients' addresses from the proxy behind"
        if not self.reach.answering or self.reach.dead_ends or not all(end.proxied for end in self.reach.ends):
            return f"{ways}, and not all that it leads to is a proxy with a source allow list"
        for answering in self.reach.answering:
            if not _listed(answering):
                return f"{ways}, and frontend {answering.frontend.name} behind it has no source allow list"
        return None


def _listed(answering: Answering) -> bool:
    """Whether a proxy lets nobody pass but clients of its list, by the addresses that they really have."""
    lists = [found for found in client_lists(answering.frontend) if found.told is Told.CONNECTION]
    trusting = any(misplaced_trust(answering.frontend, answering.bind))
    return not trusting and any(found.limits for found in lists)


class OpenPods(Entry):
    """Pods that a NetworkPolicy lets everybody connect to, whoever leads strangers there."""

    def __init__(self, stack: Objects, policy: Resource, workload: Workload, ports: tuple[int | None, ...]) -> None:
        super().__init__(stack, policy)
        self._workload = workload
        self._ports = ports

    @property
    def workloads(self) -> tuple[Workload, ...]:
        return (self._workload,)

    @cached_property
    def reach(self) -> Reach:
        return reach_of_pods(self.stack, self._workload, self._ports)

    @property
    def open_because(self) -> str:
        return "it lets everybody connect"


@dataclass(frozen=True)
class _Opening:
    """An ingress rule that admits everybody; no port means every port."""

    policy: Resource
    ports: tuple[Value, ...]

    def ports_of(self, workload: Workload) -> tuple[int | None, ...]:
        """The ports of `workload` that the rule opens; None stands for all of them."""
        return tuple(workload.port(entry["port"]) if not entry["endPort"].given else None for entry in self.ports)


def entries(stack: Objects) -> tuple[Entry, ...]:
    """Every way into `stack`."""
    services = [ServiceEntry(stack, resource) for resource in stack.of_kind("Service") if _is_outside(resource)]
    known: list[Entry] = [*services, *routes(stack)]
    public = {port for entry in known if entry.open_because for port in _answering_ports(entry)}
    opened = []
    for opening in _openings(stack):
        for workload in caught(stack, opening.policy):
            ports = opening.ports_of(workload) or (None,)
            # The others are on the list already, with the entry that is the reason for the policy.
            if further := tuple(port for port in ports if (workload.resource.urn, port) not in public):
                opened.append(OpenPods(stack, opening.policy, workload, further))
    return (*known, *opened)


def _answering_ports(entry: Entry) -> Iterator[tuple[str, int | None]]:
    """The ports of the pods that answer `entry` first."""
    first = {workload.resource.urn for workload in entry.workloads}
    for answering in entry.reach.answering:
        if (urn := answering.workload.resource.urn) in first:
            yield from ((urn, port) for port in answering.bind.ports or ())


def _is_outside(service: Resource) -> bool:
    kind = service.spec["type"]
    return kind.text in _OUTSIDE_TYPES or kind.hidden or service.spec["externalIPs"].given


def _unlisted(ranges: Value) -> str | None:
    found = [networks.parse(entry.text or "") for entry in ranges]
    listed = [network for network in found if network is not None]
    if not listed or len(listed) < len(found):
        return "it has no readable loadBalancerSourceRanges"
    wide = too_wide(listed)
    return f"its loadBalancerSourceRanges add up to {wide}" if wide else None


def _openings(stack: Objects) -> Iterator[_Opening]:
    for policy in stack.of_kind("NetworkPolicy"):
        for ingress in policy.spec["ingress"]:
            if _admits_everybody(ingress):
                yield _Opening(policy, tuple(ingress["ports"]))


def _admits_everybody(ingress: Value) -> bool:
    blocks = [peer["ipBlock"] for peer in ingress["from"]]
    if not blocks:
        return True
    found = [networks.parse(block["cidr"].text or "") for block in blocks if block.given]
    named = [network for network in found if network is not None]
    return len(named) < len(found) or too_wide(named) is not None
