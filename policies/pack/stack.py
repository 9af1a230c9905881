"""The index of a stack that every rule reads: its objects, and the ways into it."""

from collections.abc import Mapping
from functools import cached_property

from policies.pack.connections.edges import Edges
from policies.pack.credentials.lookup import Credentials
from policies.pack.entry.base import Entry
from policies.pack.entry.entries import entries
from policies.pack.kubernetes.objects import Objects, Proxy
from policies.pack.kubernetes.workloads import Workload
from policies.pack.roles import Role, roles


class StackView(Objects):
    """Everything that a stack consists of, and how it is reached. Each question is answered once."""

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Every way into the stack."""
        return entries(self)

    @cached_property
    def internet_entries(self) -> tuple[Entry, ...]:
        """The entries that strangers can use."""
        return tuple(entry for entry in self.entries if entry.open_because)

    @cached_property
    def edges(self) -> Edges:
        """The connections that NetworkPolicies allow."""
        return Edges(self)

    @cached_property
    def balancers(self) -> tuple[Proxy, ...]:
        """Proxies between others: those that an entry leads to, and those that have pods of their own."""
        answering = {
            found.workload.resource.urn
            for entry in self.entries
            for found in entry.reach.answering
            # One that listens nobody knows where is not known to answer an entry.
            if found.bind.ports is not None
        }
        return tuple(proxy for proxy in self.proxies if proxy.alone or proxy.workload.resource.urn in answering)

    @property
    def tunnels(self) -> tuple[Proxy, ...]:
        """Proxies that are there for the pod that they are in."""
        return tuple(proxy for proxy in self.proxies if proxy not in self.balancers)

    @cached_property
    def _roles(self) -> Mapping[str, Role]:
        return roles(self, self.entries)

    def role(self, workload: Workload) -> Role:
        """What the pods of `workload` are for."""
        return self._roles[workload.resource.urn]

    def in_role(self, *wanted: Role) -> tuple[Workload, ...]:
        """The workloads whose pods are for one of `wanted`."""
        return tuple(workload for workload in self.workloads if self.role(workload) in wanted)

    @cached_property
    def credentials(self) -> Credentials:
        """The Secrets, and who finds them where."""
        return Credentials(self, self.role)
