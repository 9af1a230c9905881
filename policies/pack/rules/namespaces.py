"""Namespaces: what may run in them, and who may connect to whom unless a policy says so."""

import re
from collections.abc import Iterator

from model.networks import too_wide
from policies.pack.connections.admission import Direction, catches_everything, ends, governs, named, policies, rules
from policies.pack.kubernetes import networks
from policies.pack.resources import Resource
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.values import Value

_ENFORCE = "pod-security.kubernetes.io/enforce"
_VERSION = f"{_ENFORCE}-version"
_COMPLETE = re.compile(r"latest|v1\.(2[5-9]|[3-9][0-9])")
"""Versions of the level that ask for everything that it asks for today."""
_LEADING = ("NetworkPolicy", "Service", "ConfigMap", "HTTPRoute", "Gateway", "BackendTLSPolicy")
"""Kinds that say who gets to pods, or what those do."""


@rule(
    "namespaces-enforce-restricted",
    severity=Severity.HIGH,
    remedy=f"Label the namespace {_ENFORCE}=restricted, without an old enforce-version, and declare it in this stack.",
)
def namespaces_enforce_restricted(stack: StackView, _: Options) -> Iterator[Finding]:
    """Pods and what leads to them are only in namespaces of the stack that enforce the level restricted."""
    namespaces = stack.of_kind("Namespace")
    for namespace in namespaces:
        if namespace.properties.at("metadata", "labels", _ENFORCE).text != "restricted":
            yield Finding(namespace, "does not enforce Pod Security's level restricted")
        version = namespace.properties.at("metadata", "labels", _VERSION)
        if version.given and not _COMPLETE.fullmatch(version.text or ""):
            yield Finding(namespace, "enforces an old version of Pod Security's level restricted")
    declared = {namespace.object_name for namespace in namespaces}
    workloads = [workload.resource for workload in stack.workloads]
    for resource in (*workloads, *(found for kind in _LEADING for found in stack.of_kind(kind))):
        if resource.properties.at("metadata", "namespace").hidden:
            yield Finding(resource, "is in a namespace that cannot be seen")
        elif resource.namespace not in declared:
            verb = "is" if resource.kind in _LEADING else "runs"
            yield Finding(resource, f"{verb} in namespace {resource.namespace}, which the stack does not declare")


@rule(
    "namespaces-deny-by-default",
    severity=Severity.HIGH,
    remedy="Add a NetworkPolicy with podSelector: {}, policyTypes: [Ingress, Egress] and no rules to the namespace.",
)
def namespaces_deny_by_default(stack: StackView, _: Options) -> Iterator[Finding]:
    """In each namespace nothing connects to anything, in either direction, unless a policy allows it."""
    for namespace in stack.of_kind("Namespace"):
        denied = {
            direction
            for policy in policies(stack)
            if policy.namespace == namespace.object_name and catches_everything(policy)
            for direction in Direction
            if governs(policy, direction) is True and not rules(policy, direction)
        }
        for direction in Direction:
            if direction not in denied:
                yield Finding(namespace, f"has no NetworkPolicy that denies {direction.rules} by default")


@rule(
    "policies-name-who-connects",
    severity=Severity.HIGH,
    remedy="Name the other end of each rule: pods by namespaceSelector with kubernetes.io/metadata.name, addresses by "
    "ipBlock, and the internet, where it is meant, by 0.0.0.0/0 and ::/0.",
)
def policies_name_who_connects(stack: StackView, _: Options) -> Iterator[Finding]:
    """No NetworkPolicy opens pods to everybody by saying too little."""
    for policy in policies(stack):
        if not isinstance(policy.spec.raw, dict):
            yield Finding(policy, "has no specification that can be seen")
        elif policy.spec["podSelector"].hidden:
            yield Finding(policy, "does not name the pods that it is about")
        for direction in Direction:
            found = policy.spec[direction.rules]
            if found.given and not isinstance(found.raw, list):
                yield Finding(policy, f"has {direction.rules} rules that cannot be seen")
            elif not all(named(peer.value) for entry in found for peer in ends(entry, direction)):
                problem = f"has an {direction.rules} rule that does not name who it is {direction.end}"
                yield Finding(policy, problem)


@rule(
    "egress-is-limited",
    severity=Severity.HIGH,
    remedy="List the networks of the services that the pods need: a pod that is taken over could otherwise send "
    "everything everywhere.",
)
def egress_is_limited(stack: StackView, _: Options) -> Iterator[Finding]:
    """Pods reach known networks only; several that add up to the internet are the internet."""
    known = policies(stack)
    for namespace in dict.fromkeys(policy.namespace for policy in known):
        found = [
            (policy, block) for policy in known if policy.namespace == namespace for block in _egress_blocks(policy)
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
