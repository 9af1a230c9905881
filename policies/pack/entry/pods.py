"""Ways in that lead to pods themselves, past every Service."""

from abc import ABC
from functools import cached_property

from policies.pack.entry.base import Entry
from policies.pack.entry.reach import Reach, reach_of_pods
from policies.pack.kubernetes.objects import Objects
from policies.pack.kubernetes.workloads import Workload
from policies.pack.programs.haproxy.clients import Told
from policies.pack.resources import Resource


class PodsEntry(Entry, ABC):
    """Ports of the pods of one workload, which `resource` opens; None stands for all of them."""

    def __init__(self, stack: Objects, resource: Resource, workload: Workload, ports: tuple[int | None, ...]) -> None:
        super().__init__(stack, resource)
        self._workload = workload
        self._ports = ports

    @property
    def workloads(self) -> tuple[Workload, ...]:
        return (self._workload,)

    @cached_property
    def reach(self) -> Reach:
        return reach_of_pods(self.stack, self._workload, self._ports)

    @property
    def told(self) -> Told:
        return Told.CONNECTION
