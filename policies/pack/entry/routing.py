"""Ways in through somebody else's proxy, which takes requests from everybody and sends them to Services."""

from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property

from policies.pack.entry.base import Entry
from policies.pack.entry.guards import unguarded
from policies.pack.entry.reach import Reach, reach_of_services
from policies.pack.kubernetes.workloads import Workload
from policies.pack.programs.haproxy.clients import Told
from policies.pack.resources import Resource


class RoutedEntry(Entry):
    """Requests that a proxy of another stack sends to Services of this one."""

    @property
    @abstractmethod
    def services(self) -> tuple[tuple[Resource, int | None], ...]:
        """The Services that requests go to, each with the port; None stands for all of them."""

    @property
    @abstractmethod
    def admits(self) -> str:
        """Who lets strangers in."""

    @abstractmethod
    def not_followed(self) -> Iterator[str]:
        """What cannot be followed, or leads elsewhere."""

    @property
    def tells_clients(self) -> bool:
        """Whether the proxies behind can know whom the requests are from."""
        return True

    @property
    def told(self) -> Told:
        return Told.HEADER

    @property
    def workloads(self) -> tuple[Workload, ...]:
        found = (workload for service, _ in self.services for workload in self.stack.selected(service))
        return tuple({workload.resource.urn: workload for workload in found}.values())

    @cached_property
    def reach(self) -> Reach:
        reach = reach_of_services(self.stack, self.services)
        reach.dead_ends.extend((self.resource, reason) for reason in self.not_followed())
        return reach

    @cached_property
    def open_because(self) -> str | None:
        if not self.leads_anywhere:
            return None
        if not self.tells_clients:
            return f"{self.admits}, and tells nobody who asks"
        past = unguarded(self.reach, self.told)
        return f"{self.admits}, and {past}" if past else None

    @property
    def leads_anywhere(self) -> bool:
        """Whether requests go to anything but a redirect."""
        return bool(self.services) or any(self.not_followed())
