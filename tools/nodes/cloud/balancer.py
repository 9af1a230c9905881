"""Addresses for Services of type LoadBalancer, and their connections spread over the nodes that can serve them."""

import time

from tools.nodes.addresses import ENTRIES
from tools.nodes.cloud.client import Client
from tools.nodes.cloud.health import KUBE_PROXY, Check, Health
from tools.nodes.cloud.journal import Journal
from tools.nodes.cloud.router import Router
from tools.nodes.cloud.rules import Spread, text
from tools.nodes.cloud.services import Addresses, Entry, Host, assigned, entries, hosts

_Serving = dict[str, frozenset[str]]


class Balancer:
    """The part of a cloud that watches Services."""

    def __init__(self, client: Client, router: Router, health: Health, journal: Journal) -> None:
        self._client = client
        self._router = router
        self._health = health
        self._journal = journal
        self._entries: list[Entry] = []
        self._hosts: list[Host] = []
        self._given = Addresses()
        self._serving: _Serving = {}
        self._known = self._settled = False

    def step(self) -> None:
        """Look once. Raises OSError while the API server does not answer, ToolError where the kernel refuses.

        Health is watched without an API server too: a balancer outlives its control plane. Until the first answer, the
        rules of an earlier run stay.
        """
        try:
            self._read()
        finally:
            if self._known:
                self._spread()
        # Last: who sees the address finds the rules for it, and none of an earlier Service that had it.
        for entry in self._entries:
            if entry.address is None or entry.address != self._given.get(entry.uid):
                with self._journal.about(f"Service {entry}"):
                    self._give(entry)

    def _read(self) -> None:
        services, nodes = self._client.items("/api/v1/services"), self._client.items("/api/v1/nodes")
        self._entries, self._hosts, self._known = entries(services), hosts(nodes), True
        self._given = assigned(self._entries, self._given, ENTRIES)

    def _give(self, entry: Entry) -> None:
        address = self._given.get(entry.uid)
        if address is None:
            raise OSError(f"no address of {ENTRIES} is left")
        ingress = [{"ip": str(address), "ipMode": "VIP"}]
        self._client.patch(f"{entry.path}/status", {"status": {"loadBalancer": {"ingress": ingress}}})
        self._journal.tell(f"Service {entry} has the address {address}")

    def _spread(self) -> None:
        checks = {(entry.uid, host.name): _check(entry, host) for entry in self._entries for host in self._hosts}
        self._health.look(checks.values(), time.monotonic())
        if checks and not self._settled:
            # What another run has left in the kernel serves until all is known.
            self._health.settle()
            self._settled = True
        spreads, serving = [], _Serving()
        for entry in self._entries:
            able = [host for host in self._hosts if self._health.good(checks[entry.uid, host.name])]
            serving[str(entry)] = frozenset(host.name for host in able)
            if entry.uid in self._given:
                nodes = tuple(host.address for host in able)
                spreads.append(Spread(self._given[entry.uid], entry.ports, nodes))
        spreads.sort(key=lambda spread: spread.address)
        self._router.apply(text(ENTRIES, spreads), [host.address for host in self._hosts])
        self._tell(serving)

    def _tell(self, serving: _Serving) -> None:
        nothing: frozenset[str] = frozenset()
        for name in sorted(serving | self._serving):
            now, before = serving.get(name, nothing), self._serving.get(name, nothing)
            for node in sorted(now - before):
                self._journal.tell(f"{node} serves {name}")
            for node in sorted(before - now):
                self._journal.tell(f"{node} no longer serves {name}")
        self._serving = serving


def _check(entry: Entry, host: Host) -> Check:
    return Check(host.address, entry.health_port or KUBE_PROXY)
