"""Replicas: the pack refuses fewer instances than the guides ask for, and whatever brings them together."""

from collections.abc import Callable

from tests.policies.analysis import analyse, configuration
from tests.policies.refusals import refused
from tests.policies.state import UNKNOWN, State

HOST = "kubernetes.io/hostname"


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


@refused("track-instances", "has 0 of at least 3 instances", also=("api-instances",))
def test_a_number_that_cannot_be_seen(state: State) -> None:
    state.remove("HorizontalPodAutoscaler", "track-api")
    state.spec("Deployment", "track-api")["replicas"] = UNKNOWN


@refused(
    "track-instances",
    "no workload of the stack runs any",
    also=("api-instances", "entries-can-be-followed"),
)
def test_a_stack_without_a_track_cluster(state: State) -> None:
    state.remove("Deployment", "track-api")


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


@refused("no-session-affinity", "Service tracardi-track/track-api has session affinity")
def test_a_service_with_session_affinity(state: State) -> None:
    state.spec("Service", "track-api")["sessionAffinity"] = "ClientIP"


@refused("no-session-affinity", "track-balancer binds clients to an instance: cookie SERVER in backend instances")
def test_a_balancer_with_a_cookie(state: State) -> None:
    state.edit("track-balancer", "    balance roundrobin", "    balance roundrobin\n    cookie SERVER insert")


@refused("no-session-affinity", "balance source in backend instances")
def test_a_balancer_that_chooses_by_the_clients_address(state: State) -> None:
    state.edit("gui-api-balancer", "balance roundrobin", "balance source")


@refused("instances-on-hosts-of-their-own", "Deployment tracardi-track/track-api does not require hosts of their own")
def test_instances_that_may_share_a_host(state: State) -> None:
    state.pod("track-api")["topologySpreadConstraints"][0]["whenUnsatisfiable"] = "ScheduleAnyway"


@refused("instances-on-hosts-of-their-own", "StatefulSet tracardi-data/elasticsearch")
def test_instances_that_two_hosts_would_do_for(state: State) -> None:
    del state.pod("elasticsearch")["topologySpreadConstraints"][0]["minDomains"]


@refused("instances-on-hosts-of-their-own", "Deployment tracardi-console/gui")
def test_a_spread_that_counts_other_pods(state: State) -> None:
    constraint = state.pod("gui")["topologySpreadConstraints"][0]
    constraint["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] = "something-else"


@refused("instances-on-hosts-of-their-own", "for its 3 instances")
def test_no_spread_at_all(state: State) -> None:
    del state.pod("track-api")["topologySpreadConstraints"]


def test_a_stack_without_a_console_is_refused_unless_it_may_do_without(variant: Callable[[str], State]) -> None:
    state = variant("no GUI")

    (message,) = analyse(state, {**configuration("dev"), "gui-instances": {"required": True}})["gui-instances"]

    assert "The stack has 0 of at least 2 instances of the console" in message
    assert analyse(state, configuration("dev")) == {}


@refused("balancer-instances", "Deployment tracardi-console/gui-balancer has 1 of at least 2", stack="gateway")
def test_a_single_balancer_behind_a_gateway(state: State) -> None:
    state.spec("Deployment", "gui-balancer")["replicas"] = 1


@refused("balancer-instances", "Deployment tracardi-track/track-balancer has 1 of at least 2 instances of the balancer")
def test_a_single_balancer_with_company(state: State) -> None:
    state.spec("Deployment", "track-balancer")["replicas"] = 1
    company = {
        **state.container("track-balancer"),
        "name": "company",
        "image": "docker.io/library/busybox:1",
        "ports": [],
    }
    state.pod("track-balancer")["containers"].append(company)
