"""Ways into the stack from outside: Services that are reached from there, and pods that a policy opens to everybody."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from model.networks import too_wide
from policies.pack import networks
from policies.pack.haproxy.conditions import source_lists
from policies.pack.reach import Reach, reach_of_pods, reach_of_service
from policies.pack.resources import Resource, selects
from policies.pack.values import Value
from policies.pack.workloads import Workload

if TYPE_CHECKING:
    from policies.pack.stack import StackView

_OUTSIDE_TYPES = frozenset({"LoadBalancer", "NodePort"})


class Entry(ABC):
    """A way in, through `resource`."""

    def __init__(self, stack: "StackView", resource: Resource) -> None:
        self.stack = stack
        self.resource = resource

    @property
    def label(self) -> str:
        """What a person calls the entry."""
        return self.resource.label

    @property
    @abstractmethod
    def workloads(self) -> tuple[Workload, ...]:
        """The pods that answer first."""

    @property
    @abstractmethod
    def reach(self) -> Reach:
        """Everything that a client of the entry reaches."""

    @property
    @abstractmethod
    def open_because(self) -> str | None:
        """Why strangers can use the entry; None where every way in is for known networks only."""


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
            lists = [members for members in source_lists(answering.frontend) if members]
            claimed = "accept-proxy" in answering.bind.parameters
            if claimed or not any(too_wide(members) is None for members in lists):
                return f"{ways}, and frontend {answering.frontend.name} behind it has no source allow list"
        return None


class OpenPods(Entry):
    """Pods that a NetworkPolicy lets everybody connect to, whoever leads strangers there."""

    def __init__(self, stack: "StackView", policy: Resource, workload: Workload, ports: tuple[int | None, ...]) -> None:
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


def entries(stack: "StackView") -> tuple[Entry, ...]:
    """Every way into `stack`."""
    services = [ServiceEntry(stack, resource) for resource in stack.of_kind("Service") if _is_outside(resource)]
    public = {workload.resource.urn for entry in services if entry.open_because for workload in entry.workloads}
    opened = [
        OpenPods(stack, opening.policy, workload, opening.ports_of(workload) or (None,))
        for opening in _openings(stack)
        for workload in _caught(stack, opening.policy)
        # Those are on the list already, with the entry that is the reason for the policy.
        if workload.resource.urn not in public
    ]
    return (*services, *opened)


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


def _openings(stack: "StackView") -> Iterator[_Opening]:
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


def _caught(stack: "StackView", policy: Resource) -> tuple[Workload, ...]:
    labels = policy.spec.at("podSelector", "matchLabels").texts
    return tuple(
        workload
        for workload in stack.workloads
        if workload.namespace == policy.namespace and selects(labels, workload.labels)
    )
