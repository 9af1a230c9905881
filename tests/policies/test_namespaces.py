"""Namespaces: the pack refuses whatever opens them."""

from tests.policies.refusals import refused
from tests.policies.state import UNDECRYPTED, State

TRACK = "Namespace tracardi-track"
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


@refused("namespaces-deny-by-default", f"{TRACK} has no NetworkPolicy that denies egress by default")
def test_a_default_that_allows_something(state: State) -> None:
    state.spec("NetworkPolicy", "default-deny", "tracardi-track")["egress"] = [{}]


@refused("namespaces-deny-by-default", TRACK)
def test_a_default_for_some_pods_only(state: State) -> None:
    policy = state.spec("NetworkPolicy", "default-deny", "tracardi-track")
    policy["podSelector"] = {"matchLabels": {"app": "track"}}
