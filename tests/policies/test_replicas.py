"""Replicas: the pack refuses fewer instances than the guides ask for."""

from collections.abc import Callable

import pytest

from tests.policies.analysis import analyse, configuration
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNKNOWN, State

SPREAD = "instances-on-hosts-of-their-own"
"""Needs to know for how many instances."""


@refused("api-instances", "The stack has 4 of at least 5 instances of Tracardi's API", "gui-api", "track-api")
def test_too_few_api_instances_together(state: State) -> None:
    state.spec("Deployment", "gui-api")["replicas"] = 1


@refused(
    "track-instances",
    "Deployment tracardi-track/track-api has 2 of at least 3 instances of the track API",
    also=("api-instances",),
)
def test_an_autoscaler_that_goes_too_low(state: State) -> None:
    state.spec("HorizontalPodAutoscaler", "track-api")["minReplicas"] = 2


@refused("track-instances", "has 1 of at least 3 instances", also=("api-instances",))
def test_an_autoscaler_without_a_minimum(state: State) -> None:
    del state.spec("HorizontalPodAutoscaler", "track-api")["minReplicas"]


@refused("track-instances", "has 0 of at least 3 instances", also=("api-instances", SPREAD))
def test_a_number_that_cannot_be_seen(state: State) -> None:
    state.remove("HorizontalPodAutoscaler", "track-api")
    state.spec("Deployment", "track-api")["replicas"] = UNKNOWN


def test_a_stack_without_a_track_cluster(prod: State) -> None:
    prod.remove("Deployment", "track-api")

    (message,) = analyse(prod)["track-instances"]
    assert "The stack has 0 of at least 3 instances of the track API (no workload of the stack runs any)" in message


@refused("gui-instances", "Deployment tracardi-console/gui has 1 of at least 2 instances of the console")
def test_a_console_with_one_instance(state: State) -> None:
    state.spec("Deployment", "gui")["replicas"] = 1


@refused(
    "elasticsearch-nodes", "StatefulSet tracardi-data/elasticsearch has 2 of at least 3 instances of Elasticsearch"
)
def test_an_elasticsearch_without_a_quorum(state: State) -> None:
    state.spec("StatefulSet", "elasticsearch")["replicas"] = 2


@refused("balancer-instances", "Deployment tracardi-track/track-balancer has 1 of at least 2 instances of the balancer")
def test_a_balancer_that_is_a_single_point_of_failure(state: State) -> None:
    state.spec("Deployment", "track-balancer")["replicas"] = 1


def test_a_stack_without_a_console_is_refused_unless_it_may_do_without(variant: Callable[[str], State]) -> None:
    state = variant("no GUI")

    (message,) = analyse(state, {**configuration("dev"), "gui-instances": {"required": True}})["gui-instances"]

    assert "The stack has 0 of at least 2 instances of the console" in message
    assert analyse(state, configuration("dev")) == {}


@refused("balancer-instances", "Deployment tracardi-console/gui-balancer has 1 of at least 2", stack="gateway")
def test_a_single_balancer_behind_a_gateway(state: State) -> None:
    state.spec("Deployment", "gui-balancer")["replicas"] = 1


@refused(
    "balancer-instances",
    "Deployment tracardi-track/track-balancer has 1 of at least 2 instances of the balancer",
    also=("entries-serve-tls", "internet-finds-only-collection-routes", "internet-reaches-only-the-api"),
)
def test_a_single_balancer_with_company(state: State) -> None:
    state.spec("Deployment", "track-balancer")["replicas"] = 1
    company = {
        **state.container("track-balancer"),
        "name": "company",
        "image": "docker.io/library/busybox:1",
        "ports": [],
    }
    state.pod("track-balancer")["containers"].append(company)


@refused("track-instances", "has 0 of at least 3 instances", also=("api-instances",))
def test_an_autoscaled_deployment_that_was_switched_off(state: State) -> None:
    state.spec("Deployment", "track-api")["replicas"] = 0


@refused("balancer-instances", "track-balancer has 0 of at least 2", also=(SPREAD,))
def test_a_deployment_that_is_paused_before_it_has_any_pods(state: State) -> None:
    state.spec("Deployment", "track-balancer")["paused"] = True


@refused("balancer-instances", "track-balancer has 0 of at least 2", also=(SPREAD,))
def test_pods_that_wait_for_somebody(state: State) -> None:
    state.pod("track-balancer")["schedulingGates"] = [{"name": "example.com/wait"}]


@refused("track-instances", "has 2 of at least 3 instances", also=("api-instances",))
def test_the_lowest_of_two_autoscalers(state: State) -> None:
    state.duplicate("HorizontalPodAutoscaler", "track-api", "another")["spec"]["minReplicas"] = 2


@refused("track-instances", "has 2 of at least 3 instances", also=("api-instances",))
def test_two_autoscalers_of_which_kubernetes_lets_none_work(state: State) -> None:
    state.duplicate("HorizontalPodAutoscaler", "track-api", "another")
    state.spec("Deployment", "track-api")["replicas"] = 2


@refused("track-instances", "has 0 of at least 3 instances", also=("api-instances", SPREAD))
def test_an_autoscaler_that_kubernetes_refuses(state: State) -> None:
    state.spec("HorizontalPodAutoscaler", "track-api").update(minReplicas=5, maxReplicas=4)


@refused("track-instances", "has 2 of at least 3 instances", also=("api-instances",))
def test_an_autoscaler_that_finds_nothing_to_scale(state: State) -> None:
    state.spec("HorizontalPodAutoscaler", "track-api")["scaleTargetRef"]["apiVersion"] = "extensions/v1beta1"
    state.spec("Deployment", "track-api")["replicas"] = 2


@refused("track-instances", "has 2 of at least 3 instances", also=("api-instances",))
def test_an_autoscaler_that_names_no_version(state: State) -> None:
    state.spec("HorizontalPodAutoscaler", "track-api")["scaleTargetRef"]["apiVersion"] = "apps"
    state.spec("Deployment", "track-api")["replicas"] = 2


def test_collectors_that_nobody_reaches_do_not_count(prod: State) -> None:
    prod.remove("HorizontalPodAutoscaler", "track-api")
    copy = prod.duplicate("Deployment", "track-api", "decoy")
    copy["spec"]["template"]["metadata"]["labels"] = {"app.kubernetes.io/component": "decoy"}
    copy["spec"]["template"]["spec"]["topologySpreadConstraints"][0]["labelSelector"] = {
        "matchLabels": {"app.kubernetes.io/component": "decoy"}
    }
    prod.spec("Deployment", "track-api")["replicas"] = 1

    (message,) = analyse(prod)["track-instances"]
    assert "Deployment tracardi-track/track-api has 1 of at least 3 instances" in message


@refused("api-instances", "The stack has 0 of at least 1 instances of the GUI API")
def test_a_stack_of_collectors_alone(state: State) -> None:
    state.set_variable("gui-api", "EXPOSE_GUI_API", value="no")


@refused("elasticsearch-nodes", "has 2 of at least 3 instances of Elasticsearch")
def test_an_elasticsearch_under_another_name(state: State) -> None:
    state.spec("StatefulSet", "elasticsearch")["replicas"] = 2
    for container in (state.container("elasticsearch"), state.pod("elasticsearch")["initContainers"][0]):
        container["image"] = "docker.io/library/search:8.11.3"


@refused("gui-instances", "has 1 of at least 2 instances")
def test_a_number_that_is_left_to_kubernetes(state: State) -> None:
    del state.spec("Deployment", "gui")["replicas"]


@accepted("api-instances")
def test_more_instances_of_one_cluster_make_up_for_the_other(state: State) -> None:
    state.spec("Deployment", "gui-api")["replicas"] = 1
    state.remove("PodDisruptionBudget", "gui-api")
    state.spec("HorizontalPodAutoscaler", "track-api")["minReplicas"] = 4
    state.pod("track-api")["topologySpreadConstraints"][0]["minDomains"] = 4


@accepted("track-instances")
def test_a_number_without_an_autoscaler(state: State) -> None:
    state.remove("HorizontalPodAutoscaler", "track-api")


@accepted("track-instances")
def test_an_autoscaler_that_counts_whatever_the_deployment_says(state: State) -> None:
    state.spec("HorizontalPodAutoscaler", "track-api")["scaleTargetRef"]["apiVersion"] = "apps/v1beta2"
    state.spec("Deployment", "track-api")["replicas"] = 1


@accepted("gui-instances")
def test_a_third_console(state: State) -> None:
    state.spec("Deployment", "gui")["replicas"] = 3
    state.pod("gui")["topologySpreadConstraints"][0]["minDomains"] = 3


@accepted("elasticsearch-nodes")
def test_five_nodes(state: State) -> None:
    state.spec("StatefulSet", "elasticsearch")["replicas"] = 5
    state.pod("elasticsearch")["topologySpreadConstraints"][0]["minDomains"] = 5


@accepted("balancer-instances")
def test_a_deployment_that_says_that_it_is_not_paused(state: State) -> None:
    state.spec("Deployment", "track-balancer")["paused"] = False


@pytest.mark.parametrize(
    "hidden", [("spec",), ("metadata",), ("spec", "scaleTargetRef"), ("spec", "scaleTargetRef", "name")]
)
def test_an_autoscaler_that_may_be_for_anything(prod: State, hidden: tuple[str, ...]) -> None:
    place = prod.duplicate("HorizontalPodAutoscaler", "track-api", "another")
    place["spec"]["minReplicas"] = 1
    for key in hidden[:-1]:
        place = place[key]
    place[hidden[-1]] = UNKNOWN

    (message,) = analyse(prod)["track-instances"]
    assert f"has {0 if hidden == ('spec',) else 1} of at least 3 instances" in message


def test_an_autoscaler_that_is_certainly_for_something_else_changes_nothing(prod: State) -> None:
    other = prod.duplicate("HorizontalPodAutoscaler", "track-api", "another")
    other["spec"].update(minReplicas=1, scaleTargetRef={"apiVersion": "apps/v1", "kind": UNKNOWN, "name": "other"})

    assert analyse(prod) == {}
