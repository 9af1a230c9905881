"""The networks of a cluster of real nodes. All of them exist only inside the machine's network namespace."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

NODES = IPv4Network("10.89.0.0/24")
"""The link between the nodes, and between them and the control plane, which has the first address."""
PODS = IPv4Network("10.244.0.0/16")
SERVICES = IPv4Network("10.96.0.0/16")
DNS = SERVICES[10]
ENTRIES = IPv4Network("203.0.113.0/24")
"""Addresses for Services of type LoadBalancer."""
ROUTER = NODES[1]

ZONES = ("zone-a", "zone-b", "zone-c")

_FIRST_NODE = 11


@dataclass(frozen=True)
class Node:
    """One node: where it is, and which pods are its own."""

    name: str
    zone: str
    address: IPv4Address
    pods: IPv4Network


@dataclass(frozen=True)
class Outside:
    """A network outside the cluster, with one client in it, that knows the way to the entries."""

    name: str
    network: IPv4Network

    @property
    def router(self) -> IPv4Address:
        """The router's address in it."""
        return self.network[1]

    @property
    def client(self) -> IPv4Address:
        """The client's address in it."""
        return self.network[10]


INTERNET = Outside("internet", IPv4Network("198.51.100.0/24"))
TRUSTED = Outside("trusted", IPv4Network("192.0.2.0/24"))
OUTSIDES = (INTERNET, TRUSTED)


def nodes(count: int) -> tuple[Node, ...]:
    """The nodes of a cluster, one zone after the other."""
    subnets = list(PODS.subnets(new_prefix=24))
    return tuple(
        Node(_name(number), ZONES[number % len(ZONES)], NODES[_FIRST_NODE + number], subnets[number + 1])
        for number in range(count)
    )


def _name(number: int) -> str:
    row, zone = divmod(number, len(ZONES))
    return f"node-{'abc'[zone]}{row + 1 if row else ''}"
