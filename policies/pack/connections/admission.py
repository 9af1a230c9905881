"""What NetworkPolicies say: whom each is about, which directions it closes, and whom its rules name."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from model.networks import Network
from policies.pack.kubernetes import networks
from policies.pack.kubernetes.objects import Objects
from policies.pack.kubernetes.selectors import Labels, Verdict, conjunction, is_empty, matches
from policies.pack.kubernetes.workloads import Workload
from policies.pack.resources import Resource
from policies.pack.values import NOTHING, Value

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""Label that Kubernetes itself gives every namespace, and that nobody else can."""

_KIND = "networking.k8s.io/NetworkPolicy"
_PEER = frozenset({"ipBlock", "namespaceSelector", "podSelector"})


class Direction(Enum):
    """Which connections a rule is about; the value is its name in `policyTypes`."""

    INGRESS = "Ingress"
    EGRESS = "Egress"

    @property
    def rules(self) -> str:
        """Where a policy keeps its rules."""
        return self.value.lower()

    @property
    def end(self) -> str:
        """Where a rule says who is at the other end."""
        return "from" if self is Direction.INGRESS else "to"


def policies(stack: Objects) -> tuple[Resource, ...]:
    """Kubernetes' own NetworkPolicies; those that others call so are something else."""
    return tuple(policy for policy in stack.of_kind("NetworkPolicy") if policy.group_kind == _KIND)


def catches(policy: Resource, workload: Workload) -> Verdict:
    """Whether `policy` is about the pods of `workload`."""
    # One that is nowhere for certain could be anywhere.
    place = None if policy.properties.at("metadata", "namespace").hidden else policy.namespace == workload.namespace
    spec = policy.spec
    about = matches(spec["podSelector"], workload.known_labels) if isinstance(spec.raw, dict) else None
    return conjunction((place, about))


def caught(stack: Objects, policy: Resource) -> tuple[Workload, ...]:
    """The workloads whose pods `policy` is about, or might be."""
    return tuple(workload for workload in stack.workloads if catches(policy, workload) is not False)


def catches_everything(policy: Resource) -> bool:
    """Whether `policy` is certainly about all pods of its namespace."""
    return isinstance(policy.spec.raw, dict) and is_empty(policy.spec["podSelector"])


def governs(policy: Resource, direction: Direction) -> Verdict:
    """Whether `policy` closes `direction` to all that its rules do not name; Kubernetes' default where it is silent."""
    if not isinstance(policy.spec.raw, dict):
        return None
    types = policy.spec["policyTypes"]
    if not types.given or types.raw == []:
        rules = policy.spec[direction.rules]
        if direction is Direction.INGRESS:
            return True
        return None if rules.hidden else rules.given and rules.raw != []
    if direction.value in types.words:
        return True
    return False if isinstance(types.raw, list) and len(types.words) == len(types.raw) else None


@dataclass(frozen=True)
class Peer:
    """Who is at the other end of a rule."""

    value: Value
    certain: bool
    """Whether what stands there is all that there is; otherwise it could be anybody."""

    @property
    def everybody(self) -> bool:
        """Whether it names nobody, so that everybody is meant."""
        return not any(self.value[name].given for name in _PEER)

    @property
    def block(self) -> "Block | None":
        """The addresses that it names."""
        block = self.value["ipBlock"]
        if not block.given:
            return Block(None) if self.everybody else None
        return Block(networks.parse(block["cidr"].text or ""), tuple(_excluded(block)))

    def pods(self, policy: Resource | None, workload: Workload, namespace: Labels) -> Verdict:
        """Whether it names the pods of `workload`, which are in a namespace with the labels `namespace`."""
        if self.everybody or policy is None:
            return True if self.certain else None
        if self.value["ipBlock"].given:
            return None if self.value["ipBlock"].hidden else False
        selector, pods = self.value["namespaceSelector"], self.value["podSelector"]
        place = matches(selector, namespace) if selector.given else policy.namespace == workload.namespace
        return conjunction((place, matches(pods, workload.known_labels)))

    def elsewhere(self, declared: frozenset[str]) -> frozenset[str] | None:
        """Namespaces other than the `declared` ones that its pods may be in; None where that can be any."""
        if self.everybody:
            return None
        selector = self.value["namespaceSelector"]
        if not selector.given:
            return frozenset()
        pinned = namespaces_of(self.value)
        return None if pinned is None else pinned - declared


@dataclass(frozen=True)
class Block:
    """Addresses: those of a network, without some of them. All where the network is None, unknown or not."""

    network: Network | None
    excluded: tuple[Network, ...] = ()

    def __str__(self) -> str:
        return str(self.network) if self.network else "any address"


def _excluded(block: Value) -> Iterator[Network]:
    found = (networks.parse(entry.text or "") for entry in block["except"])
    return (network for network in found if network is not None)


def rules(policy: Resource, direction: Direction) -> tuple[Value, ...]:
    """The rules of `policy`; one that cannot be seen where they cannot."""
    found = policy.spec[direction.rules]
    if not isinstance(policy.spec.raw, dict) or (found.given and not isinstance(found.raw, list)):
        return (NOTHING,)
    return tuple(found)


def ends(rule: Value, direction: Direction) -> tuple[Peer, ...]:
    """Who is at the other end of `rule`; everybody where it names nobody, or where that cannot be seen."""
    named = rule[direction.end]
    if not isinstance(rule.raw, dict) or (named.given and not isinstance(named.raw, list)):
        return (Peer(NOTHING, certain=False),)
    found = tuple(Peer(entry, certain=isinstance(entry.raw, dict)) for entry in named)
    return found or (Peer(NOTHING, certain=True),)


def peers(rule: Value, direction: str) -> tuple[Value, ...]:
    """Who is at the other end of `rule`; where it names nobody, or cannot be seen, everybody is: `NOTHING`."""
    return tuple(rule[direction]) or (NOTHING,)


def admitted(stack: Objects, workload: Workload, ports: range | None) -> Iterator[tuple[Resource, Value]]:
    """Who may connect to one of `ports` of `workload`, with the policy that says so; None stands for any port."""
    for policy in stack.of_kind("NetworkPolicy"):
        if workload not in caught(stack, policy):
            continue
        for rule in policy.spec["ingress"]:
            if _opens(rule, workload, ports):
                yield from ((policy, peer) for peer in peers(rule, "from"))


def _opens(rule: Value, workload: Workload, ports: range | None) -> bool:
    opened = list(rule["ports"])
    if ports is None or not opened:
        return True
    found = (workload.port(entry["port"]) if not entry["endPort"].given else None for entry in opened)
    return any(port is None or port in ports for port in found)


def namespaces_of(peer: Value) -> frozenset[str] | None:
    """The namespaces that a peer's pods are in, where it says so in a way that nobody can get around."""
    selector = peer["namespaceSelector"]
    pins = []
    if (name := selector.at("matchLabels", NAMESPACE_NAME).text) is not None:
        pins.append(frozenset({name}))
    for expression in selector["matchExpressions"]:
        values = expression["values"]
        seen = isinstance(values.raw, list) and len(values.words) == len(values.raw)
        if (expression["key"].text, expression["operator"].text, seen) == (NAMESPACE_NAME, "In", True):
            pins.append(frozenset(values.words))
    return frozenset.intersection(*pins) if pins else None


def namespace_of(peer: Value) -> str | None:
    """The one namespace that a peer's pods are in, where it says so in a way that nobody can get around."""
    if peer["ipBlock"].given:
        return None
    found = namespaces_of(peer)
    return next(iter(found)) if found is not None and len(found) == 1 else None


def named(peer: Value) -> bool:
    """Whether a peer is limited to addresses, to namespaces by name, or to pods of the policy's own namespace."""
    if peer["ipBlock"].given:
        return networks.parse(peer.at("ipBlock", "cidr").text or "") is not None
    if namespaces_of(peer) is not None:
        return True
    return not peer["namespaceSelector"].given and peer["podSelector"].given and not peer["podSelector"].hidden
