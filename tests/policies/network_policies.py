"""Rules of NetworkPolicies, for tests to add and to change."""

from tests.policies.state import State
from tests.unit.engine import JsonObject

NAME = "kubernetes.io/metadata.name"
COMPONENT = "app.kubernetes.io/component"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def pods(tier: str, component: str | None = None) -> JsonObject:
    """A peer: pods of a tier."""
    peer: JsonObject = {"namespaceSelector": {"matchLabels": {NAME: f"tracardi-{tier}"}}}
    if component:
        peer["podSelector"] = {"matchLabels": {COMPONENT: component}}
    return peer


def block(cidr: str, *excluded: str) -> JsonObject:
    """A peer: addresses."""
    return {"ipBlock": {"cidr": cidr, **({"except": list(excluded)} if excluded else {})}}


def tcp(*numbers: int | str) -> list[JsonObject]:
    """Ports of a rule."""
    return [{"protocol": "TCP", "port": number} for number in numbers]


def allow(state: State, policy: str, direction: str, peer: JsonObject, ports: list[JsonObject] | None = None) -> None:
    """Append a rule to a policy."""
    rule: JsonObject = {"from" if direction == "ingress" else "to": [peer]}
    if ports is not None:
        rule["ports"] = ports
    state.spec("NetworkPolicy", policy).setdefault(direction, []).append(rule)


def connect(
    state: State, source: str, target: str, port: int = 8080, tiers: tuple[str, str] = ("track", "console")
) -> None:
    """Let pods of a component connect to those of another."""
    allow(state, source, "egress", pods(tiers[1], target), tcp(port))
    allow(state, target, "ingress", pods(tiers[0], source), tcp(port))


def rule_to(state: State, policy: str, component: str) -> JsonObject:
    """The egress rule of a policy whose first peer is the pods of `component`."""
    return _rule(state, policy, "egress", "to", component)


def rule_from(state: State, policy: str, component: str) -> JsonObject:
    """The ingress rule of a policy whose first peer is the pods of `component`."""
    return _rule(state, policy, "ingress", "from", component)


def _rule(state: State, policy: str, direction: str, end: str, component: str) -> JsonObject:
    rules: list[JsonObject] = state.spec("NetworkPolicy", policy)[direction]
    return next(
        rule for rule in rules if rule[end][0].get("podSelector", {}).get("matchLabels", {}).get(COMPONENT) == component
    )
