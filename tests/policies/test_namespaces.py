"""Namespaces: the pack refuses whatever opens them."""

from collections.abc import Callable

import pytest

from tests.policies.analysis import analyse, configuration
from tests.policies.refusals import refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State
from tests.unit.engine import JsonObject

TRACK = "Namespace tracardi-track"
CLOUD = "a cloud's network"
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
    also=("api-environment-can-be-read", "one-index-shape"),
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
    also=("policies-name-who-connects",),
)
def test_a_default_that_allows_something(state: State) -> None:
    state.spec("NetworkPolicy", "default-deny", "tracardi-track")["egress"] = [{}]


@refused("namespaces-deny-by-default", TRACK)
def test_a_default_for_some_pods_only(state: State) -> None:
    policy = state.spec("NetworkPolicy", "default-deny", "tracardi-track")
    policy["podSelector"] = {"matchLabels": {"app": "track"}}


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


@refused(NAMED, SCRAPED, stack=CLOUD)
def test_scrapers_that_are_nobody_in_particular(state: State) -> None:
    scraper(state).clear()


@refused(NAMED, SCRAPED, also=("entries-serve-tls",), stack=CLOUD)
def test_a_rule_for_scrapers_without_any(state: State) -> None:
    rules = state.spec("NetworkPolicy", "track-balancer")["ingress"]
    next(rule for rule in rules if any("namespaceSelector" in peer for peer in rule["from"]))["from"] = []


@refused(NAMED, "NetworkPolicy tracardi-data/redis has ingress rules that cannot be seen")
def test_ingress_that_cannot_be_seen(state: State) -> None:
    state.spec("NetworkPolicy", "redis")["ingress"] = UNDECRYPTED


@refused(NAMED, "NetworkPolicy tracardi-track/track-api has an egress rule that does not name who it is to")
def test_egress_to_everybody(state: State) -> None:
    state.spec("NetworkPolicy", "track-api")["egress"].append({"ports": [{"protocol": "TCP", "port": 443}]})


@refused(NAMED, "has an egress rule that does not name who it is to")
def test_egress_to_pods_of_every_namespace(state: State) -> None:
    state.spec("NetworkPolicy", "track-api")["egress"].append({"to": [{"namespaceSelector": {}}]})


@refused(LIMITED, "NetworkPolicy tracardi-track/track-api lets pods connect to 0.0.0.0/0")
def test_egress_to_the_internet(state: State) -> None:
    allow_egress(state, "track-api", "0.0.0.0/0")


@refused(LIMITED, "lets pods connect to ::/0")
def test_egress_to_the_internet_by_ipv6(state: State) -> None:
    allow_egress(state, "gui-api", "::/0")


@refused(LIMITED, "lets pods connect to 0.0.0.0/0, alone or with others of its namespace")
def test_egress_to_networks_that_add_up_to_the_internet(state: State) -> None:
    allow_egress(state, "track-api", "0.0.0.0/1")
    allow_egress(state, "track-balancer", "128.0.0.0/1")


@refused(LIMITED, "NetworkPolicy tracardi-track/track-api lets pods connect to a network that cannot be read")
def test_egress_to_a_network_that_cannot_be_read(state: State) -> None:
    allow_egress(state, "track-api", UNKNOWN)


@refused(LIMITED, "lets pods connect to 0.0.0.0/0", stack="external data")
def test_an_external_store_that_could_be_anywhere(state: State) -> None:
    rules = state.spec("NetworkPolicy", "gui-api")["egress"]
    next(peer for rule in rules for peer in rule["to"] if "ipBlock" in peer)["ipBlock"]["cidr"] = "0.0.0.0/0"


def allow_egress(state: State, policy: str, cidr: str) -> None:
    """Let pods connect to `cidr`."""
    state.spec("NetworkPolicy", policy)["egress"].append({"to": [{"ipBlock": {"cidr": cidr}}]})
