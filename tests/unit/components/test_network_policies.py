"""Who may talk to whom."""

from ipaddress import ip_network

import pytest

from model.graph import Destination, Outside
from model.graph import edges as graph
from model.roles import Role
from tests.unit.components.networks import EXTERNAL, GIVEN, PROXIES, VARIANTS, namespaces
from tests.unit.engine import JsonObject, Recording

DATA_PORTS = {"elasticsearch": 9200, "redis": 6379, "mysql": 3306}
EXPECTED = {
    ("track-balancer", "track-api", 8080),
    ("gui-balancer", "gui", 8080),
    ("gui-api-balancer", "gui-api", 8080),
    ("installation", "gui-api", 8080),
    ("elasticsearch", "elasticsearch", 9300),
    *((api, store, port) for api in ("track-api", "gui-api") for store, port in DATA_PORTS.items()),
}
TRUSTED = {"192.0.2.0/24", "2001:db8:1::/48"}


@pytest.fixture(params=list(VARIANTS.values()), ids=list(VARIANTS))
def variant(request: pytest.FixtureRequest) -> Recording:
    """Each of the variants in turn."""
    return namespaces(**request.param)


def roles(stack: Recording) -> frozenset[Role]:
    return frozenset(Role(name) for name in stack.outputs["roles"])


def rules(stack: Recording, direction: str) -> list[tuple[str, JsonObject]]:
    """Every rule of `direction` with the name of its policy."""
    return [
        (policy.object_name, rule)
        for policy in stack.of_kind("NetworkPolicy")
        for rule in policy.spec.get(direction, [])
    ]


def inside(stack: Recording, direction: str) -> set[tuple[str, str, int]]:
    """Every permitted connection between pods of the installation, as (source, target, port)."""
    side = {"ingress": "from", "egress": "to"}[direction]
    found = set()
    for name, rule in rules(stack, direction):
        for peer in rule[side]:
            other = peer.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/component")
            if other is None:
                continue
            tier = Role(other).tier
            assert peer["namespaceSelector"]["matchLabels"] == {
                "kubernetes.io/metadata.name": f"{stack.installation}-{tier}"
            }
            pair = (name, other) if direction == "egress" else (other, name)
            found |= {(*pair, port["port"]) for port in rule["ports"]}
    return found


def from_outside(stack: Recording, role: str) -> list[tuple[set[str], set[int]]]:
    """Who may connect to pods of `role` without belonging to the installation, and on which ports."""
    return [
        ({peer["ipBlock"]["cidr"] if "ipBlock" in peer else pods(peer) for peer in rule["from"]}, ports(rule))
        for rule in stack.find("NetworkPolicy", role).spec.get("ingress", [])
        if not any("app.kubernetes.io/component" in str(peer) for peer in rule["from"])
    ]


def pods(peer: JsonObject) -> str:
    """Pods of other namespaces, as namespace/label=value."""
    namespace = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    labels = peer.get("podSelector", {}).get("matchLabels", {})
    return f"{namespace}/{','.join(f'{key}={value}' for key, value in labels.items())}"


def ports(rule: JsonObject) -> set[int]:
    return {int(port["port"]) for port in rule["ports"]}


# Between pods of the installation


def test_the_permitted_edges_are_exactly_the_drawn_ones(dev: Recording, prod: Recording) -> None:
    merging = {("apm", "elasticsearch", 9200), ("apm", "redis", 6379), ("apm", "mysql", 3306)}

    for stack, expected in ((dev, EXPECTED), (prod, EXPECTED | merging)):
        assert inside(stack, "ingress") == expected
        assert inside(stack, "egress") == expected


def test_each_edge_is_open_at_both_of_its_ends_and_nothing_else_is(variant: Recording) -> None:
    drawn = {
        (edge.source.value, edge.target.value, int(port))
        for edge in graph(roles(variant))
        if isinstance(edge.source, Role)
        for port in edge.ports
    }

    assert inside(variant, "ingress") == drawn
    assert inside(variant, "egress") == drawn


def test_no_rule_is_open_to_everybody_or_on_every_port(variant: Recording) -> None:
    """Kubernetes takes an empty list of peers, and a missing one, for all; and likewise of ports."""
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for name, rule in rules(variant, direction):
            assert rule.get(side), name
            assert rule.get("ports"), name
            assert all(port["protocol"] in {"TCP", "UDP"} and port["port"] for port in rule["ports"]), name
            for peer in rule[side]:
                assert peer, name
                if "ipBlock" not in peer:
                    assert peer["namespaceSelector"]["matchLabels"], name


def test_roles_that_nobody_plays_have_no_policy(variant: Recording) -> None:
    named = {policy.object_name for policy in variant.of_kind("NetworkPolicy")} - {"default-deny"}

    assert named == {role.value for role in roles(variant)}


def test_every_namespace_is_closed_in_both_directions(stack: Recording) -> None:
    made = {namespace.object_name for namespace in stack.of_kind("Namespace")}
    closed = {
        policy.namespace
        for policy in stack.of_kind("NetworkPolicy")
        if policy.spec["podSelector"] == {}
        and set(policy.spec["policyTypes"]) == {"Ingress", "Egress"}
        and not policy.spec.get("ingress")
        and not policy.spec.get("egress")
    }
    assert made == closed == {f"{stack.installation}-{tier}" for tier in ("track", "console", "data")}


# From outside


def test_only_the_track_balancer_is_open_to_the_internet(prod: Recording) -> None:
    assert from_outside(prod, "track-balancer") == [({"0.0.0.0/0", "::/0"}, {8443, 8081})]
    assert from_outside(prod, "gui-balancer") == [(TRUSTED, {8443, 8081})]
    assert from_outside(prod, "gui-api-balancer") == [(TRUSTED, {8443, 8081})]


def test_nobody_outside_reaches_anything_but_balancers(variant: Recording) -> None:
    reached = {role for role in roles(variant) if from_outside(variant, role.value)}

    assert reached == {Role.TRACK_BALANCER, Role.GUI_BALANCER, Role.GUI_API_BALANCER} & roles(variant)


def test_the_metrics_port_is_open_to_nobody_unless_scrapers_are_named(stack: Recording) -> None:
    for name, rule in rules(stack, "ingress"):
        assert 8404 not in ports(rule), name


def test_named_scrapers_reach_the_metrics_port_alone() -> None:
    scrapers = [{"namespace": "monitoring", "labels": {"app": "prometheus"}}, {"namespace": "agents"}]
    stack = namespaces(network__scrapers=scrapers)

    for balancer in ("track-balancer", "gui-balancer", "gui-api-balancer"):
        assert ({"monitoring/app=prometheus", "agents/"}, {8404}) in from_outside(stack, balancer)
    scraped = {name for name, rule in rules(stack, "ingress") if 8404 in ports(rule)}
    assert scraped == {edge.target.value for edge in graph(roles(stack)) if edge.source is Outside.SCRAPERS}


def test_behind_a_gateway_only_its_own_pods_reach_the_balancer() -> None:
    through = {"mode": "gateway", "gateway": {"className": "envoy", "proxies": PROXIES}}
    stack = namespaces(
        track__balancer=through, guiApi__balancer=through, network__scrapers=[{"namespace": "monitoring"}]
    )

    for balancer in ("track-balancer", "gui-api-balancer"):
        assert from_outside(stack, balancer) == [({"gateways/app=envoy"}, {8443}), ({"monitoring/"}, {8404})]
    assert ({"gateways/app=envoy"}, {8443}) not in from_outside(stack, "gui-balancer")


def test_behind_a_balancer_that_hides_clients_only_its_addresses_reach_ours() -> None:
    declared = {"proxyProtocol": ["203.0.113.0/28", "2001:db8:9::/64"]}
    stack = namespaces(track__balancer__service=declared, guiApi__balancer__service=declared)

    for balancer in ("track-balancer", "gui-api-balancer"):
        assert from_outside(stack, balancer) == [({"203.0.113.0/28", "2001:db8:9::/64"}, {8443, 8081})]
    assert from_outside(stack, "gui-balancer") == [(TRUSTED, {8443, 8081})]


# To the outside


def to_networks(stack: Recording, role: str) -> dict[str, set[int]]:
    """The networks that pods of `role` may connect to, with the ports."""
    found: dict[str, set[int]] = {}
    for rule in stack.find("NetworkPolicy", role).spec.get("egress", []):
        for peer in rule["to"]:
            if "ipBlock" in peer:
                found.setdefault(peer["ipBlock"]["cidr"], set()).update(ports(rule))
    return found


def test_nothing_connects_to_the_world_outside_unless_it_is_listed(stack: Recording) -> None:
    assert not [name for name, rule in rules(stack, "egress") if "ipBlock" in str(rule)]


def test_listed_destinations_are_open_to_their_role_alone() -> None:
    search = Destination(ip_network("10.2.0.0/16"), 9243)
    hook = Destination(ip_network("198.51.100.7/32"), 443)
    stack = namespaces({Role.TRACK_API: (search,), Role.GUI_API: (search, hook, hook)})

    assert to_networks(stack, "track-api") == {"10.2.0.0/16": {9243}}
    assert to_networks(stack, "gui-api") == {"10.2.0.0/16": {9243}, "198.51.100.7/32": {443}}
    for role in roles(stack) - {Role.TRACK_API, Role.GUI_API}:
        assert to_networks(stack, role.value) == {}, role
    to_hook = [rule for name, rule in rules(stack, "egress") if name == "gui-api" and "198.51.100.7/32" in str(rule)]
    assert len(to_hook) == 1


def test_whoever_calls_by_name_may_ask_dns(stack: Recording) -> None:
    for policy in stack.of_kind("NetworkPolicy"):
        dns = [rule for rule in policy.spec.get("egress", []) if 53 in ports(rule)]
        assert bool(dns) == bool(policy.spec.get("egress")), policy.name
        for rule in dns:
            assert {(port["protocol"], port["port"]) for port in rule["ports"]} == {("UDP", 53), ("TCP", 53)}
            assert [pods(peer) for peer in rule["to"]] == ["kube-system/k8s-app=kube-dns"]
    assert "egress" not in stack.find("NetworkPolicy", "redis").spec


def test_a_node_local_dns_cache_is_asked_as_well() -> None:
    stack = namespaces(network__nodeLocalDns="169.254.20.10")

    assert to_networks(stack, "track-api") == {"169.254.20.10/32": {53}}


def test_api_pods_ask_dns_where_every_store_is_outside() -> None:
    stack = namespaces(data=EXTERNAL, credentials=GIVEN)

    for api in ("track-api", "gui-api"):
        assert [ports(rule) for name, rule in rules(stack, "egress") if name == api] == [{53}]


def test_whatever_runs_in_a_namespace_waits_for_its_policies(stack: Recording) -> None:
    policies = stack.of_kind("NetworkPolicy")
    for workload in stack.workloads():
        assert all(
            stack.comes_after(workload, policy) for policy in policies if policy.namespace == workload.namespace
        ), workload.name
