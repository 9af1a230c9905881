"""Namespaces: what may run in them, and who may connect to whom unless a policy says so."""

from collections.abc import Iterator

from policies.pack.resources import Resource
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView

_ENFORCE = "pod-security.kubernetes.io/enforce"
_DIRECTIONS = frozenset({"Ingress", "Egress"})


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
