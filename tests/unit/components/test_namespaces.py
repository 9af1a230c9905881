"""Who may talk to whom."""

from tests.unit.engine import JsonObject, Recording

DATA_PORTS = {"elasticsearch": 9200, "redis": 6379, "mysql": 3306}


def component(peer: JsonObject) -> str:
    return str(peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"])


def edges(stack: Recording, direction: str) -> set[tuple[str, str, int]]:
    """Every permitted connection between pods, as (source, target, port)."""
    found = set()
    for policy in stack.of_kind("NetworkPolicy"):
        if policy.object_name == "default-deny":
            continue
        rules, side = (
            (policy.spec.get("ingress", []), "from") if direction == "in" else (policy.spec.get("egress", []), "to")
        )
        for rule in rules:
            for peer in rule[side]:
                if "k8s-app" in peer.get("podSelector", {}).get("matchLabels", {}) or "ipBlock" in peer:
                    continue
                assert peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"].startswith("tracardi-")
                pair = (policy.object_name, component(peer))
                found |= {(*(pair if direction == "out" else pair[::-1]), port["port"]) for port in rule["ports"]}
    return found


EXPECTED = {
    ("track-balancer", "track-api", 8080),
    ("gui-balancer", "gui", 8080),
    ("gui-api-balancer", "gui-api", 8080),
    ("installation", "gui-api", 8080),
    ("elasticsearch", "elasticsearch", 9300),
    *((api, store, port) for api in ("track-api", "gui-api") for store, port in DATA_PORTS.items()),
}


def test_the_permitted_edges_are_exactly_the_drawn_ones(stack: Recording) -> None:
    assert edges(stack, "in") == EXPECTED
    assert edges(stack, "out") == EXPECTED


def test_every_namespace_is_closed_in_both_directions(stack: Recording) -> None:
    namespaces = {namespace.object_name for namespace in stack.of_kind("Namespace")}
    closed = {
        policy.namespace
        for policy in stack.of_kind("NetworkPolicy")
        if policy.spec["podSelector"] == {} and set(policy.spec["policyTypes"]) == {"Ingress", "Egress"}
    }
    assert namespaces == closed == {f"{stack.installation}-{tier}" for tier in ("track", "console", "data")}


def test_every_namespace_enforces_pod_security_restricted(stack: Recording) -> None:
    for namespace in stack.of_kind("Namespace"):
        labels = namespace.inputs["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def entry_networks(stack: Recording, role: str) -> set[str]:
    (rule,) = stack.find("NetworkPolicy", role).spec["ingress"]
    return {peer["ipBlock"]["cidr"] for peer in rule["from"]}


def test_only_the_track_balancer_is_open_to_the_internet(prod: Recording) -> None:
    trusted = {"192.0.2.0/24", "2001:db8:1::/48"}

    assert entry_networks(prod, "track-balancer") == {"0.0.0.0/0", "::/0"}
    assert entry_networks(prod, "gui-balancer") == trusted
    assert entry_networks(prod, "gui-api-balancer") == trusted


def test_the_metrics_port_is_open_to_nobody(stack: Recording) -> None:
    for policy in stack.of_kind("NetworkPolicy"):
        ports = {port["port"] for rule in policy.spec.get("ingress", []) for port in rule["ports"]}
        assert 8404 not in ports, policy.name


def test_whoever_calls_by_name_may_ask_dns(stack: Recording) -> None:
    for policy in stack.of_kind("NetworkPolicy"):
        rules = policy.spec.get("egress", [])
        asks_dns = any({"protocol": "UDP", "port": 53} in rule["ports"] for rule in rules)
        assert asks_dns == bool(rules), policy.name
    assert "egress" not in stack.find("NetworkPolicy", "redis").spec


def test_whatever_runs_in_a_namespace_waits_for_its_policies(stack: Recording) -> None:
    policies = stack.of_kind("NetworkPolicy")
    for workload in stack.workloads():
        assert all(
            stack.comes_after(workload, policy) for policy in policies if policy.namespace == workload.namespace
        ), workload.name
