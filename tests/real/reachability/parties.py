"""Everybody who connects or is connected to: pods, nodes, networks outside, and the addresses that lead to them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from model.networks import Network
from model.roles import Role, Tier
from tests.cluster.live import JsonObject

_COMPONENT = "app.kubernetes.io/component"


class Kind(StrEnum):
    """What a party is."""

    POD = "pod"
    HOST = "host"
    OUTSIDE = "outside"


@dataclass(frozen=True)
class Party:
    """Somebody with an address of its own."""

    name: str
    kind: Kind
    address: str
    ports: frozenset[int] = frozenset()
    """TCP ports that it listens on."""
    node: str = ""
    """The node that a pod runs on; a node's own name."""
    tier: Tier | None = None
    """The installation's namespace that a pod is in, None elsewhere."""
    role: Role | None = None
    answers_names: bool = False
    """Whether it is the cluster's DNS."""

    def is_in(self, networks: Iterable[Network]) -> bool:
        """Whether its address belongs to one of them."""
        return any(ip_address(self.address) in network for network in networks)


@dataclass(frozen=True)
class Address:
    """A Service's address, or an entry's: each port leads to a port of one of several parties."""

    name: str
    address: str
    ports: Mapping[int, int]
    behind: tuple[Party, ...]
    admitted: tuple[Network, ...] | None = None
    """The only networks whose connections are taken; None means all."""
    public: bool = False
    """Whether it is for networks outside the cluster."""


def pod(item: JsonObject, tiers: Mapping[str, Tier]) -> Party:
    """The party that a pod is; `tiers` are the installation's namespaces."""
    metadata, spec = item["metadata"], item["spec"]
    labels = metadata.get("labels", {})
    tier = tiers.get(metadata["namespace"])
    ours = tier is not None and labels.get("app.kubernetes.io/name") == "tracardi"
    whole = f"{metadata['namespace']}/{metadata['name']}"
    return Party(
        name=f"{labels[_COMPONENT] if ours else whole} on {spec['nodeName']}",
        kind=Kind.POD,
        address=item["status"]["podIP"],
        ports=frozenset(_ports(spec)),
        node=spec["nodeName"],
        tier=tier,
        role=Role(labels[_COMPONENT]) if ours else None,
        answers_names=labels.get("k8s-app") == "kube-dns",
    )


def _ports(spec: JsonObject) -> Iterable[int]:
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        yield from (port["containerPort"] for port in container.get("ports", ()))
        for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
            asked = container.get(probe, {}).get("httpGet", {}).get("port")
            if isinstance(asked, int):
                yield asked


def selects(service: JsonObject, item: JsonObject) -> bool:
    """Whether a Service leads to a pod."""
    selector, metadata = service["spec"].get("selector"), item["metadata"]
    return (
        bool(selector)
        and service["metadata"]["namespace"] == metadata["namespace"]
        and selector.items() <= metadata.get("labels", {}).items()
    )
