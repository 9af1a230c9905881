"""Services that are reached from outside the cluster."""

from collections.abc import Iterator
from functools import cached_property

from model.networks import Network, too_wide
from policies.pack.entry.base import Entry
from policies.pack.entry.guards import unguarded
from policies.pack.entry.reach import Reach, reach_of_service
from policies.pack.kubernetes import networks
from policies.pack.kubernetes.objects import Objects
from policies.pack.kubernetes.workloads import Workload
from policies.pack.programs.haproxy.clients import Told
from policies.pack.resources import Resource
from policies.pack.values import Value

_INSIDE_TYPES = frozenset({"ClusterIP", "ExternalName"})
_ANNOTATION = "service.beta.kubernetes.io/load-balancer-source-ranges"


def outside_services(stack: Objects) -> Iterator["ServiceEntry"]:
    """Every Service that is reached from outside, or might be."""
    return (ServiceEntry(stack, resource) for resource in stack.of_kind("Service") if _is_outside(resource))


class ServiceEntry(Entry):
    """A Service that is reached from outside the cluster."""

    @property
    def workloads(self) -> tuple[Workload, ...]:
        return self.stack.selected(self.resource)

    @cached_property
    def reach(self) -> Reach:
        return reach_of_service(self.stack, self.resource)

    @property
    def balanced(self) -> bool:
        """Whether a cloud's balancer stands before it."""
        return self.resource.spec["type"].text == "LoadBalancer"

    @cached_property
    def open_because(self) -> str | None:
        if self.balanced and (reason := _unlisted(self.resource)):
            return reason
        if not self.balanced or _has_node_ports(self.resource.spec) or self.has_addresses:
            # Source ranges guard the balancer's address alone; on these ways in, only a proxy can judge.
            return self._open_past_the_balancer()
        return None

    @property
    def has_addresses(self) -> bool:
        """Whether nodes take connections for it at addresses that no cloud's balancer guards."""
        return _there(self.resource.spec["externalIPs"])

    @property
    def hides_clients(self) -> bool:
        """Whether connections come to the pods from the addresses of nodes, unless somebody tells the clients'."""
        return self.resource.spec["externalTrafficPolicy"].text != "Local"

    def _open_past_the_balancer(self) -> str | None:
        ways = "its node ports or external addresses admit everybody"
        if self.hides_clients:
            return f"{ways}, and hide clients' addresses from the proxy behind"
        past = unguarded(self.reach, self.told)
        return f"{ways}, and {past}" if past else None

    @property
    def told(self) -> Told:
        return Told.CONNECTION


def source_ranges(service: Resource) -> tuple[Network, ...] | None:
    """The networks that the balancer before `service` lets in; None where it lets in others, or nobody can tell."""
    ranges = service.spec["loadBalancerSourceRanges"]
    found = [networks.parse(entry.text or "") for entry in ranges]
    listed = tuple(network for network in found if network is not None)
    return listed if listed and len(listed) == len(found) else None


def _is_outside(service: Resource) -> bool:
    kind = service.spec["type"]
    inside = not service.spec.hidden and (not kind.given or kind.text in _INSIDE_TYPES)
    return not inside or _there(service.spec["externalIPs"])


def _there(several: Value) -> bool:
    return several.given and several.raw != []


def _has_node_ports(spec: Value) -> bool:
    # One that is asked for is given, even where none are given by default.
    chosen = any(entry.hidden or (entry["nodePort"].given and entry["nodePort"].number != 0) for entry in spec["ports"])
    return chosen or spec["ports"].hidden or spec["allocateLoadBalancerNodePorts"].flag is not False


def _unlisted(service: Resource) -> str | None:
    listed = source_ranges(service)
    if listed is None:
        annotated = service.properties.at("metadata", "annotations", _ANNOTATION).given
        # kube-proxy reads the field alone, and not every cloud the annotation.
        read = " (its annotation is read by some clouds only)" if annotated else ""
        return f"it has no readable loadBalancerSourceRanges{read}"
    wide = too_wide(listed)
    return f"its loadBalancerSourceRanges add up to {wide}" if wide else None
