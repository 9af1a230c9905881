"""Namespaces: what may run in them, and who may connect to whom unless a policy says so."""

from collections.abc import Iterator

from model.networks import too_wide
from policies.pack import networks
from policies.pack.admission import named, peers
from policies.pack.resources import Resource
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.values import Value

_ENFORCE = "pod-security.kubernetes.io/enforce"
_DIRECTIONS = frozenset({"Ingress", "Egress"})
_DIRECTION_ENDS = (("ingress", "from"), ("egress", "to"))


@rule(
    "namespaces-enforce-restricted",
    severity=Severity.HIGH,
    remedy=f"Label the namespace {_ENFORCE}=restricted, and declare it in this stack.",
)
def namespaces_enforce_restricted(stack: StackView, _: Options) -> Iterator[Finding]:
    """Pods run only in namespaces that enforce Pod Security's level restricted."""
    namespaces = stack.of_kind("Namespace")
    for namespace in namespaces:
        if namespace.properties.at("metadata", "labels", _ENFORCE).text != "restricted":
            yield Finding(namespace, "does not enforce Pod Security's level restricted")
    declared = {namespace.object_name for namespace in namespaces}
    for workload in stack.workloads:
        if workload.namespace not in declared:
            yield Finding(
                workload.resource, f"runs in namespace {workload.namespace}, which the stack does not declare"
            )


@rule(
    "namespaces-deny-by-default",
    severity=Severity.HIGH,
    remedy="Add a NetworkPolicy with podSelector: {}, policyTypes: [Ingress, Egress] and no rules to the namespace.",
)
def namespaces_deny_by_default(stack: StackView, _: Options) -> Iterator[Finding]:
    """In each namespace nothing connects to anything, in either direction, unless a policy allows it."""
    policies = stack.of_kind("NetworkPolicy")
    for namespace in stack.of_kind("Namespace"):
        denied = {
            direction
            for policy in policies
            if policy.namespace == namespace.object_name and _selects_everything(policy)
            for direction in _denied(policy)
        }
        for direction in sorted(_DIRECTIONS - denied):
            yield Finding(namespace, f"has no NetworkPolicy that denies {direction.lower()} by default")


def _selects_everything(policy: Resource) -> bool:
    selector = policy.spec["podSelector"]
    return not selector.hidden and not any(member.given for member in selector.fields.values())


def _denied(policy: Resource) -> frozenset[str]:
    types = frozenset(policy.spec["policyTypes"].words)
    return frozenset(
        direction
        for direction in types & _DIRECTIONS
        if not policy.spec[direction.lower()].given or policy.spec[direction.lower()].raw == []
    )


@rule(
    "policies-name-who-connects",
    severity=Severity.HIGH,
    remedy="Name the other end of each rule: pods by namespaceSelector with kubernetes.io/metadata.name, addresses by "
    "ipBlock, and the internet, where it is meant, by 0.0.0.0/0 and ::/0.",
)
def policies_name_who_connects(stack: StackView, _: Options) -> Iterator[Finding]:
    """No NetworkPolicy opens pods to everybody by saying too little."""
    for policy in stack.of_kind("NetworkPolicy"):
        for direction, end in _DIRECTION_ENDS:
            if policy.spec[direction].hidden:
                yield Finding(policy, f"has {direction} rules that cannot be seen")
            for entry in policy.spec[direction]:
                if not all(named(peer) for peer in peers(entry, end)):
                    yield Finding(policy, f"has an {direction} rule that does not name who it is {end}")


@rule(
    "egress-is-limited",
    severity=Severity.HIGH,
    remedy="List the networks of the services that the pods need: a pod that is taken over could otherwise send "
    "everything everywhere.",
)
def egress_is_limited(stack: StackView, _: Options) -> Iterator[Finding]:
    """Pods reach known networks only; several that add up to the internet are the internet."""
    policies = stack.of_kind("NetworkPolicy")
    for namespace in dict.fromkeys(policy.namespace for policy in policies):
        found = [
            (policy, block) for policy in policies if policy.namespace == namespace for block in _egress_blocks(policy)
        ]
        read = [(policy, networks.parse(block["cidr"].text or "")) for policy, block in found]
        for policy, network in read:
            if network is None:
                yield Finding(policy, "lets pods connect to a network that cannot be read")
        if wide := too_wide(network for _, network in read if network is not None):
            guilty = [policy for policy, network in read if network is not None and network.version == wide.version]
            yield Finding(guilty[-1], f"lets pods connect to {wide}, alone or with others of its namespace")


def _egress_blocks(policy: Resource) -> Iterator[Value]:
    return (peer["ipBlock"] for entry in policy.spec["egress"] for peer in entry["to"] if peer["ipBlock"].given)
