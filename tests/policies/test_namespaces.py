"""Namespaces: the pack refuses whatever opens them."""

from collections.abc import Callable

import pytest

from tests.policies.analysis import analyse, configuration
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State
from tests.unit.engine import JsonObject

TRACK = "Namespace tracardi-track"
CLOUD = "a cloud's network"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
ENFORCE = "pod-security.kubernetes.io/enforce"


@refused("namespaces-enforce-restricted", f"{TRACK} does not enforce Pod Security's level restricted")
def test_a_namespace_that_enforces_nothing(state: State) -> None:
    del state.inputs("Namespace", "tracardi-track")["metadata"]["labels"][ENFORCE]


@refused("namespaces-enforce-restricted", TRACK)
def test_a_namespace_that_enforces_less(state: State) -> None:
    state.inputs("Namespace", "tracardi-track")["metadata"]["labels"][ENFORCE] = "baseline"


@refused("namespaces-enforce-restricted", TRACK)
def test_a_namespace_whose_labels_cannot_be_seen(state: State) -> None:
    state.inputs("Namespace", "tracardi-track")["metadata"]["labels"] = UNDECRYPTED


@refused(
    "namespaces-enforce-restricted",
    "Deployment kube-system/worker runs in namespace kube-system, which the stack does not declare",
    also=(
        "api-environment-can-be-read",
        "clusters-have-one-budget",
        "connections-are-intended",
        "elasticsearch-is-verified",
        "intended-connections-are-open",
        "one-index-shape",
        "one-worker-per-pod",
        "secrets-can-be-found",
        "services-lead-where-users-mean",
    ),
)
def test_a_workload_outside_the_namespaces(state: State) -> None:
    state.duplicate("Deployment", "gui-api", "worker")["metadata"]["namespace"] = "kube-system"


@refused(
    "namespaces-deny-by-default", f"{TRACK} has no NetworkPolicy that denies egress", "that denies ingress by default"
)
def test_a_namespace_without_a_default(state: State) -> None:
    state.remove("NetworkPolicy", "default-deny", "tracardi-track")


@refused("namespaces-deny-by-default", f"{TRACK} has no NetworkPolicy that denies egress by default")
def test_a_default_in_one_direction_only(state: State) -> None:
    state.spec("NetworkPolicy", "default-deny", "tracardi-track")["policyTypes"] = ["Ingress"]


@refused(
    "namespaces-deny-by-default",
    f"{TRACK} has no NetworkPolicy that denies egress by default",
    also=("collectors-reach-no-console", "connections-are-intended", "policies-name-who-connects"),
)
def test_a_default_that_allows_something(state: State) -> None:
    state.spec("NetworkPolicy", "default-deny", "tracardi-track")["egress"] = [{}]


@refused("namespaces-deny-by-default", TRACK)
def test_a_default_for_some_pods_only(state: State) -> None:
    policy = state.spec("NetworkPolicy", "default-deny", "tracardi-track")
    policy["podSelector"] = {"matchLabels": {"app": "track"}}


@refused("namespaces-deny-by-default", TRACK)
def test_a_default_for_pods_that_cannot_be_seen(state: State) -> None:
    state.spec("NetworkPolicy", "default-deny", "tracardi-track")["podSelector"] = {"matchExpressions": UNKNOWN}


@refused("namespaces-deny-by-default", TRACK, also=("only-kinds-that-are-judged",))
def test_a_default_of_another_kind_of_policy(state: State) -> None:
    metadata = state.inputs("NetworkPolicy", "default-deny", "tracardi-track")["metadata"]
    spec = state.spec("NetworkPolicy", "default-deny", "tracardi-track")
    state.remove("NetworkPolicy", "default-deny", "tracardi-track")
    state.add("kubernetes:crd.projectcalico.org/v1:NetworkPolicy", {"metadata": metadata, "spec": spec})


@accepted("namespaces-deny-by-default")
def test_a_default_in_two_policies_that_say_less(state: State) -> None:
    policy = state.spec("NetworkPolicy", "default-deny", "tracardi-track")
    policy.clear()
    policy.update(podSelector={"matchLabels": {}, "matchExpressions": []}, ingress=[])
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": []}
    state.add(POLICY, {"metadata": {"name": "deny-egress", "namespace": "tracardi-track"}, "spec": spec})


@refused(
    "namespaces-enforce-restricted", "NetworkPolicy default/open is in namespace default, which the stack does not"
)
def test_a_policy_outside_the_namespaces(state: State) -> None:
    spec = {"podSelector": {}, "policyTypes": ["Egress"]}
    state.add(POLICY, {"metadata": {"name": "open", "namespace": "default"}, "spec": spec})


@refused(
    "namespaces-enforce-restricted",
    "Service redis-nodes is in namespace default, which the stack does not declare",
    also=("services-lead-to-pods-of-the-stack",),
)
def test_a_service_without_a_namespace(state: State) -> None:
    del state.inputs("Service", "redis-nodes")["metadata"]["namespace"]


@refused(
    "namespaces-enforce-restricted",
    "NetworkPolicy default/redis is in a namespace that cannot be seen",
    also=(
        "intended-connections-are-open",
        "objects-are-declared-once",
    ),
)
def test_a_policy_whose_namespace_cannot_be_seen(state: State) -> None:
    state.inputs("NetworkPolicy", "redis")["metadata"]["namespace"] = UNKNOWN


@accepted("namespaces-enforce-restricted")
def test_a_namespace_that_enforces_the_level_of_a_version(state: State) -> None:
    labels = state.inputs("Namespace", "tracardi-track")["metadata"]["labels"]
    labels["pod-security.kubernetes.io/enforce-version"] = "v1.31"
    del labels["pod-security.kubernetes.io/warn"]


SCRAPED = "NetworkPolicy tracardi-track/track-balancer"
NAMED = "policies-name-who-connects"
LIMITED = "egress-is-limited"


def scraper(state: State) -> JsonObject:
    """Who may read the public balancer's metrics."""
    rules = state.spec("NetworkPolicy", "track-balancer")["ingress"]
    return next(peer for rule in rules for peer in rule["from"] if "namespaceSelector" in peer)


@pytest.mark.parametrize(
    "selector",
    [
        {"namespaceSelector": {}},
        {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "prometheus"}}},
        {"namespaceSelector": {"matchLabels": {"monitoring": "yes"}}},
        {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}},
        {"namespaceSelector": UNKNOWN},
        {"namespaceSelector": None, "podSelector": UNDECRYPTED},
    ],
)
def test_scrapers_that_could_be_anybody(variant: Callable[[str], State], selector: JsonObject) -> None:
    state = variant(CLOUD)
    scraper(state).update(selector)

    (message,) = analyse(state, configuration("prod"))[NAMED]
    assert f"{SCRAPED} has an ingress rule that does not name who it is from" in message


@refused(
    NAMED,
    SCRAPED,
    also=(
        "connections-are-intended",
        "entries-can-be-followed",
        "entries-serve-tls",
    ),
    stack=CLOUD,
)
def test_scrapers_that_are_nobody_in_particular(state: State) -> None:
    scraper(state).clear()


@refused(
    NAMED,
    SCRAPED,
    also=(
        "connections-are-intended",
        "entries-can-be-followed",
        "entries-serve-tls",
    ),
    stack=CLOUD,
)
def test_a_rule_for_scrapers_without_any(state: State) -> None:
    rules = state.spec("NetworkPolicy", "track-balancer")["ingress"]
    next(rule for rule in rules if any("namespaceSelector" in peer for peer in rule["from"]))["from"] = []


@refused(
    NAMED,
    "NetworkPolicy tracardi-data/redis has ingress rules that cannot be seen",
    also=(
        "entries-serve-tls",
        "intended-connections-are-open",
        "internet-finds-only-collection-routes",
        "internet-reaches-only-the-api",
        "stores-are-closed-to-outside",
    ),
)
def test_ingress_that_cannot_be_seen(state: State) -> None:
    state.spec("NetworkPolicy", "redis")["ingress"] = UNDECRYPTED


@refused(
    NAMED,
    "NetworkPolicy tracardi-track/track-api has an egress rule that does not name who it is to",
    also=("connections-are-intended",),
)
def test_egress_to_everybody(state: State) -> None:
    state.spec("NetworkPolicy", "track-api")["egress"].append({"ports": [{"protocol": "TCP", "port": 443}]})


@refused(
    NAMED,
    "has an egress rule that does not name who it is to",
    also=(
        "collectors-reach-no-console",
        "connections-are-intended",
    ),
)
def test_egress_to_pods_of_every_namespace(state: State) -> None:
    state.spec("NetworkPolicy", "track-api")["egress"].append({"to": [{"namespaceSelector": {}}]})


@refused(
    LIMITED, "NetworkPolicy tracardi-track/track-api lets pods connect to 0.0.0.0/0", also=("connections-are-intended",)
)
def test_egress_to_the_internet(state: State) -> None:
    allow_egress(state, "track-api", "0.0.0.0/0")


@refused(LIMITED, "lets pods connect to ::/0", also=("connections-are-intended",))
def test_egress_to_the_internet_by_ipv6(state: State) -> None:
    allow_egress(state, "gui-api", "::/0")


@refused(
    LIMITED, "lets pods connect to 0.0.0.0/0, alone or with others of its namespace", also=("connections-are-intended",)
)
def test_egress_to_networks_that_add_up_to_the_internet(state: State) -> None:
    allow_egress(state, "track-api", "0.0.0.0/1")
    allow_egress(state, "track-balancer", "128.0.0.0/1")


@refused(
    LIMITED,
    "NetworkPolicy tracardi-track/track-api lets pods connect to a network that cannot be read",
    also=(
        "connections-are-intended",
        NAMED,
    ),
)
def test_egress_to_a_network_that_cannot_be_read(state: State) -> None:
    allow_egress(state, "track-api", UNKNOWN)


@refused(LIMITED, "lets pods connect to 0.0.0.0/0", also=("connections-are-intended",), stack="external data")
def test_an_external_store_that_could_be_anywhere(state: State) -> None:
    rules = state.spec("NetworkPolicy", "gui-api")["egress"]
    next(peer for rule in rules for peer in rule["to"] if "ipBlock" in peer)["ipBlock"]["cidr"] = "0.0.0.0/0"


def allow_egress(state: State, policy: str, cidr: str) -> None:
    """Let pods connect to `cidr`."""
    rule = {"to": [{"ipBlock": {"cidr": cidr}}], "ports": [{"protocol": "TCP", "port": 443}]}
    state.spec("NetworkPolicy", policy)["egress"].append(rule)


@accepted(LIMITED)
def test_egress_to_a_network_of_ones_own(state: State) -> None:
    allow_egress(state, "track-api", "10.0.0.0/8")
    allow_egress(state, "gui-api", "192.168.0.0/16")


@refused(
    NAMED,
    f"{SCRAPED} has an ingress rule that does not name who it is from",
    also=(),
    stack=CLOUD,
)
def test_addresses_that_cannot_be_seen(state: State) -> None:
    for rule in state.spec("NetworkPolicy", "track-balancer")["ingress"]:
        for peer in rule["from"]:
            if "ipBlock" in peer:
                peer["ipBlock"] = {"cidr": UNKNOWN}


@refused(
    NAMED,
    "NetworkPolicy tracardi-track/further has no specification that can be seen",
    also=(
        "collectors-reach-no-console",
        "connections-are-intended",
        "entries-can-be-followed",
        "entries-serve-tls",
        "intended-connections-are-open",
        "internet-finds-only-collection-routes",
    ),
)
def test_a_policy_that_cannot_be_seen(state: State) -> None:
    state.add(POLICY, {"metadata": {"name": "further", "namespace": "tracardi-track"}, "spec": UNDECRYPTED})


@accepted(NAMED, stack=CLOUD)
def test_scrapers_by_an_expression(state: State) -> None:
    name = "kubernetes.io/metadata.name"
    expression = {"key": name, "operator": "In", "values": ["monitoring", "observability"]}
    scraper(state)["namespaceSelector"] = {"matchExpressions": [expression]}


@accepted(NAMED)
def test_pods_of_the_same_namespace(state: State) -> None:
    for rule in state.spec("NetworkPolicy", "track-api")["ingress"]:
        for peer in rule["from"]:
            del peer["namespaceSelector"]


@refused("namespaces-enforce-restricted", f"{TRACK} enforces an old version of Pod Security's level restricted")
def test_a_namespace_that_enforces_what_was_restricted_once(state: State) -> None:
    state.inputs("Namespace", "tracardi-track")["metadata"]["labels"][f"{ENFORCE}-version"] = "v1.18"


@accepted("namespaces-enforce-restricted")
def test_a_namespace_that_enforces_a_recent_version(state: State) -> None:
    state.inputs("Namespace", "tracardi-track")["metadata"]["labels"][f"{ENFORCE}-version"] = "v1.31"
