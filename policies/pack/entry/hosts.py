"""Pods that are reached at the addresses of the machines that they run on."""

from collections.abc import Iterator
from functools import cached_property

from policies.pack.entry.guards import unguarded
from policies.pack.entry.pods import PodsEntry
from policies.pack.kubernetes.objects import Objects
from policies.pack.kubernetes.workloads import Workload


def host_entries(stack: Objects) -> Iterator["HostEntry"]:
    """Every workload whose pods answer at their hosts' addresses, or might."""
    for workload in stack.workloads:
        if ports := tuple(dict.fromkeys(_ports(workload))):
            yield HostEntry(stack, workload.resource, workload, ports)


class HostEntry(PodsEntry):
    """Pods with ports of their hosts."""

    @cached_property
    def open_because(self) -> str | None:
        past = unguarded(self.reach, self.told)
        return f"its pods answer at their hosts' addresses, and {past}" if past else None


def _ports(workload: Workload) -> Iterator[int | None]:
    if workload.pod["hostNetwork"].on:
        yield None
    for container in workload.containers:
        declared = container.properties["ports"]
        if declared.given and not isinstance(declared.raw, list):
            yield None
        for port in declared:
            if port.hidden or (port["hostPort"].given and port["hostPort"].number != 0):
                number = port["containerPort"].number
                yield int(number) if number else None
