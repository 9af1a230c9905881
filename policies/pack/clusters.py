"""Clusters: workloads that do the same together, told by what they run, by what leads to them and by who uses them."""

from collections.abc import Iterator

from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.workloads import Workload
from policies.pack.roles import Role, collects_only, store_addresses
from policies.pack.stack import StackView

Cluster = tuple[Workload, ...]


def collectors(stack: StackView) -> Cluster:
    """The workloads that collect events."""
    return _met(_collecting(stack), _entered(stack))


def console_apis(stack: StackView) -> Cluster:
    """The workloads that serve the console's API, whether or not they should."""
    return tuple(workload for workload in stack.running(Program.API) if not collects_only(workload))


def consoles(stack: StackView) -> Cluster:
    """The workloads that serve the console."""
    return _met(stack.running(Program.GUI), _entered(stack))


def searches(stack: StackView) -> Cluster:
    """The workloads that are nodes of Elasticsearch."""
    running = {workload.resource.urn for workload in stack.running(Program.ELASTICSEARCH)}
    found = (
        workload
        for workload in stack.workloads
        if workload.resource.urn in running or stack.role(workload) is Role.ELASTICSEARCH
    )
    return _met(tuple(found), frozenset(_searched(stack)))


def balancers(stack: StackView) -> Cluster:
    """The workloads that spread requests; a proxy that only serves the pod it is in is none of them."""
    return tuple({proxy.workload.resource.urn: proxy.workload for proxy in stack.balancers}.values())


def _met(found: Cluster, met: frozenset[str]) -> Cluster:
    """Those of `found` that somebody comes to: others help nobody, unless nobody is seen to come to any."""
    return tuple(workload for workload in found if workload.resource.urn in met) or found


def _entered(stack: StackView) -> frozenset[str]:
    return frozenset(end.workload.resource.urn for entry in stack.entries for end in entry.reach.ends)


def _searched(stack: StackView) -> Iterator[str]:
    for workload in stack.workloads:
        for container in workload.containers:
            for role, host, _ in store_addresses(container):
                service = stack.service_at(host, workload.namespace) if role is Role.ELASTICSEARCH else None
                yield from (store.resource.urn for store in stack.selected(service)) if service else ()


def _collecting(stack: StackView) -> Cluster:
    public = {end.workload.resource.urn for entry in stack.internet_entries for end in entry.reach.ends}
    return tuple(
        workload
        for workload in stack.running(Program.API)
        if workload.resource.urn in public or collects_only(workload)
    )
