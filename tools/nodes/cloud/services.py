"""What a cloud looks at: Services of type LoadBalancer and nodes, out of the API server's lists."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from tools.nodes.cloud.client import Object

Addresses = dict[str, IPv4Address]
"""Who has which, by the Service's uid."""

_EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"


@dataclass(frozen=True)
class Entry:
    """A Service of type LoadBalancer that leaves its balancer to the cluster's default."""

    namespace: str
    name: str
    uid: str
    address: IPv4Address | None
    """What its status says."""
    ports: tuple[tuple[str, int], ...]
    """Protocol (`tcp`) and number of each."""
    health_port: int | None
    """Where nodes say whether they have endpoints of it; None where every node serves it."""

    @property
    def path(self) -> str:
        """Where the API server has it."""
        return f"/api/v1/namespaces/{self.namespace}/services/{self.name}"

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Host:
    """A node that balancers may send to."""

    name: str
    address: IPv4Address


def entries(services: Iterable[Object]) -> list[Entry]:
    """The Services that get an address here."""
    return [
        _entry(service)
        for service in services
        if service["spec"].get("type") == "LoadBalancer" and not service["spec"].get("loadBalancerClass")
    ]


def hosts(nodes: Iterable[Object]) -> list[Host]:
    """The nodes that have an address and are not excluded by label."""
    return [
        Host(node["metadata"]["name"], IPv4Address(address["address"]))
        for node in nodes
        if _EXCLUDED not in node["metadata"].get("labels", {})
        for address in node.get("status", {}).get("addresses", [])
        if address["type"] == "InternalIP" and ":" not in address["address"]
    ]


def assigned(found: Iterable[Entry], given: Addresses, network: IPv4Network) -> Addresses:
    """An address of `network` for each Service, as long as there are any.

    A Service keeps what its status says, or what it was `given` before its status could say so.
    """
    known = list(found)
    chosen = Addresses()
    for said in ({entry.uid: entry.address for entry in known}, given):
        for entry in known:
            address = said.get(entry.uid)
            if address is None or entry.uid in chosen or address in chosen.values():
                continue
            if address in network:
                chosen[entry.uid] = address
    taken = set(chosen.values())
    free = [address for address in network.hosts() if address not in taken]
    new = [entry.uid for entry in known if entry.uid not in chosen]
    return chosen | dict(zip(new, free, strict=False))


def _entry(service: Object) -> Entry:
    meta, spec = service["metadata"], service["spec"]
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
    address = ingress[0].get("ip")
    return Entry(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        address=IPv4Address(address) if address and ":" not in address else None,
        ports=tuple((port.get("protocol", "TCP").lower(), port["port"]) for port in spec.get("ports", [])),
        health_port=spec.get("healthCheckNodePort") if spec.get("externalTrafficPolicy") == "Local" else None,
    )
