"""Who may connect to pods, as NetworkPolicies say."""

from collections.abc import Iterator

from policies.pack.objects import Objects
from policies.pack.resources import Resource, selects
from policies.pack.values import NOTHING, Value
from policies.pack.workloads import Workload

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""Label that Kubernetes itself gives every namespace, and that nobody else can."""


def caught(stack: Objects, policy: Resource) -> tuple[Workload, ...]:
    """The workloads whose pods `policy` is about, and perhaps some more: only its labels are compared."""
    labels = policy.spec.at("podSelector", "matchLabels").texts
    return tuple(
        workload
        for workload in stack.workloads
        if workload.namespace == policy.namespace and selects(labels, workload.labels)
    )


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


def namespace_of(peer: Value) -> str | None:
    """The one namespace that a peer's pods are in, where it says so in a way that nobody can get around."""
    if peer["ipBlock"].given:
        return None
    return peer.at("namespaceSelector", "matchLabels", NAMESPACE_NAME).text


def named(peer: Value) -> bool:
    """Whether a peer is limited to addresses, to one namespace, or to pods of the policy's own namespace."""
    if peer["ipBlock"].given or namespace_of(peer):
        return True
    return not peer["namespaceSelector"].given and peer["podSelector"].given and not peer["podSelector"].hidden
