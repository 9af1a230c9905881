"""Ways into the stack from outside, of every sort, and pods that a policy opens to everybody."""

from collections.abc import Iterator
from dataclasses import dataclass

from model.networks import Network, too_wide
from policies.pack.connections.admission import Direction, caught, ends, rules
from policies.pack.entry.base import Entry
from policies.pack.entry.gateways import routes
from policies.pack.entry.hosts import host_entries
from policies.pack.entry.ingresses import ingresses
from policies.pack.entry.pods import PodsEntry
from policies.pack.entry.services import outside_services
from policies.pack.kubernetes.objects import Objects
from policies.pack.kubernetes.workloads import Workload
from policies.pack.resources import Resource
from policies.pack.values import Value


class OpenPods(PodsEntry):
    """Pods that a NetworkPolicy lets everybody connect to, whoever leads strangers there."""

    @property
    def open_because(self) -> str:
        return "it lets everybody connect"


@dataclass(frozen=True)
class _Opening:
    """A policy's rule that admits addresses to pods; `networks` is None where it admits everybody."""

    policy: Resource
    ports: frozenset[int | None]
    """None stands for all of them."""
    networks: tuple[Network, ...] | None

    @property
    def wide(self) -> bool:
        """Whether it alone admits everybody."""
        return self.networks is None or too_wide(self.networks) is not None


def entries(stack: Objects) -> tuple[Entry, ...]:
    """Every way into `stack`."""
    known: list[Entry] = [*outside_services(stack), *routes(stack), *ingresses(stack), *host_entries(stack)]
    public = {port for entry in known if entry.open_because for port in _answering_ports(entry)}
    opened = []
    openings = _openings(stack)
    for workload in stack.workloads:
        for policy, ports in _opened(openings.get(workload.resource.urn, [])):
            # The others are on the list already, with the entry that is the reason for the policy.
            if further := tuple(port for port in ports if (workload.resource.urn, port) not in public):
                opened.append(OpenPods(stack, policy, workload, further))
    return (*known, *opened)


def _answering_ports(entry: Entry) -> Iterator[tuple[str, int | None]]:
    """The ports of the pods that answer `entry` first."""
    first = {workload.resource.urn for workload in entry.workloads}
    for answering in entry.reach.answering:
        if (urn := answering.workload.resource.urn) in first:
            yield from ((urn, port) for port in answering.bind.ports or ())


def _opened(openings: list[_Opening]) -> Iterator[tuple[Resource, list[int | None]]]:
    """The policies that open ports to everybody, each with the ports; the last of several that do so together."""
    found: dict[str, tuple[Resource, list[int | None]]] = {}
    every = {port for opening in openings for port in opening.ports}
    for port in sorted(every, key=lambda number: number or 0):
        about = [opening for opening in openings if opening.ports & {port, None}]
        guilty = [opening for opening in about if opening.wide]
        if not guilty and too_wide(network for opening in about for network in opening.networks or ()):
            guilty = about[-1:]
        for opening in guilty:
            ports = found.setdefault(opening.policy.urn, (opening.policy, []))[1]
            # Where all are open, one of them is nothing more.
            if port not in ports and None not in ports:
                ports.append(port)
    yield from found.values()


def _openings(stack: Objects) -> dict[str, list[_Opening]]:
    found: dict[str, list[_Opening]] = {}
    for policy in stack.of_kind("NetworkPolicy"):
        admitting = [(rule, _networks(rule)) for rule in rules(policy, Direction.INGRESS)]
        for workload in caught(stack, policy) if admitting else ():
            for rule, networks in admitting:
                if networks is None or networks:
                    opening = _Opening(policy, frozenset(_ports(rule, workload)), networks)
                    found.setdefault(workload.resource.urn, []).append(opening)
    return found


def _ports(rule: Value, workload: Workload) -> Iterator[int | None]:
    opened = tuple(rule["ports"])
    for entry in opened:
        yield workload.port(entry["port"]) if not entry["endPort"].given else None
    if not opened:
        yield None


def _networks(rule: Value) -> tuple[Network, ...] | None:
    """The addresses that `rule` admits; None where it admits all, or where they cannot be read."""
    blocks = [block for peer in ends(rule, Direction.INGRESS) if (block := peer.block)]
    networks = [block.network for block in blocks if block.network is not None]
    return tuple(networks) if len(networks) == len(blocks) else None
