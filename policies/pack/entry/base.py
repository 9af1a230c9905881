"""A way into the stack."""

from abc import ABC, abstractmethod

from policies.pack.entry.reach import Reach
from policies.pack.kubernetes.objects import Objects
from policies.pack.kubernetes.workloads import Workload
from policies.pack.programs.haproxy.clients import Told
from policies.pack.resources import Resource


class Entry(ABC):
    """A way in, through `resource`."""

    def __init__(self, stack: Objects, resource: Resource) -> None:
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

    @property
    @abstractmethod
    def told(self) -> Told:
        """How the pods that answer first learn whom requests are from."""

    @property
    def plain_because(self) -> str | None:
        """Why what stands before the pods takes requests without TLS; None where it does not, or nothing does."""
        return None
