"""Entries for known networks: where they may lead, and how many there may be."""

from tests.policies.refusals import accepted, refused
from tests.policies.state import State
from tests.unit.engine import JsonObject

INTENDED = "entries-lead-only-where-intended"
ONE = "each-balancer-has-one-entry"
GUI_ENTRY = "Service tracardi-console/gui-balancer-entry"
GUI_BALANCER = "Deployment tracardi-console/gui-balancer"
GUI_BACKEND = "    server-template instance 3 gui.tracardi-console.svc.cluster.local:8080"


def trusted(state: State, name: str, selector: JsonObject, **spec: object) -> None:
    """Add an entry for known networks."""
    ranges = {"type": "LoadBalancer", "loadBalancerSourceRanges": ["192.0.2.0/24"]}
    closed = {"allocateLoadBalancerNodePorts": False, "externalTrafficPolicy": "Local", "selector": selector}
    state.add(
        "kubernetes:core/v1:Service",
        {"metadata": {"name": name, "namespace": "tracardi-console"}, "spec": {**ranges, **closed, **spec}},
    )


@refused(
    INTENDED,
    f"StatefulSet tracardi-data/redis is Redis, and {GUI_ENTRY} leads there",
    also=(
        "connections-are-intended",
        "services-lead-where-users-mean",
    ),
)
def test_an_entry_that_leads_to_a_store_through_a_balancer(state: State) -> None:
    state.edit("gui-balancer", "gui.tracardi-console.svc.cluster.local:8080", "redis.tracardi-data:6379")


@refused(
    INTENDED,
    f"StatefulSet tracardi-data/elasticsearch is Elasticsearch, and {GUI_ENTRY} leads there",
    also=(
        "no-session-affinity",
        "services-lead-where-users-mean",
    ),
)
def test_a_second_server_that_is_a_store(state: State) -> None:
    state.edit("gui-balancer", GUI_BACKEND, f"{GUI_BACKEND}\n    server search elasticsearch.tracardi-data:9200 backup")


@refused(
    INTENDED,
    "Deployment tracardi-console/gui-api answers by itself, without a balancer before it",
    "Service tracardi-console/direct leads there",
    also=("entries-serve-tls",),
)
def test_an_entry_past_the_balancer(state: State) -> None:
    selector = state.spec("Service", "gui-api")["selector"]
    trusted(state, "direct", selector, ports=[{"port": 443, "targetPort": 8080}])


@refused(
    INTENDED,
    "is something that these rules do not know",
    also=(
        "gui-instances",
        "images-come-from-known-registries",
    ),
)
def test_an_entry_that_leads_to_a_program_nobody_knows(state: State) -> None:
    state.container("gui")["image"] = "registry.example.com/team/admin:1"


@accepted(INTENDED)
def test_an_entry_that_leads_to_the_console_by_another_name(state: State) -> None:
    state.edit("gui-balancer", "gui.tracardi-console.svc.cluster.local:8080", "gui:8080")


@refused(
    ONE,
    f"Service tracardi-console/second is a further entry to {GUI_BALANCER}, beside {GUI_ENTRY}",
)
def test_a_second_address_of_a_balancer(state: State) -> None:
    spec = state.spec("Service", "gui-balancer-entry")
    trusted(state, "second", spec["selector"], ports=spec["ports"])


@refused(ONE, f"Service tracardi-console/second is a further entry to {GUI_BALANCER}")
def test_a_node_port_beside_a_balancer(state: State) -> None:
    spec = state.spec("Service", "gui-balancer-entry")
    trusted(state, "second", spec["selector"], ports=spec["ports"], type="NodePort", loadBalancerSourceRanges=None)


@refused(ONE, "HTTPRoute tracardi-console/late is a further entry", stack="gateway")
def test_a_second_route_to_a_balancer(state: State) -> None:
    state.duplicate("HTTPRoute", "gui-balancer", "late")


@refused(ONE, "Service tracardi-console/second is a further entry", options={ONE: {"alsoAllowed": ["second"]}})
def test_a_second_address_that_is_listed_without_its_namespace(state: State) -> None:
    spec = state.spec("Service", "gui-balancer-entry")
    trusted(state, "second", spec["selector"], ports=spec["ports"])


@accepted(ONE, options={ONE: {"alsoAllowed": ["tracardi-console/second"]}})
def test_a_second_address_that_is_listed(state: State) -> None:
    spec = state.spec("Service", "gui-balancer-entry")
    trusted(state, "second", spec["selector"], ports=spec["ports"])


@accepted(ONE)
def test_a_second_service_inside_the_cluster(state: State) -> None:
    spec = {**state.spec("Service", "gui-balancer-entry"), "type": "ClusterIP"}
    for name in ("allocateLoadBalancerNodePorts", "externalTrafficPolicy", "loadBalancerSourceRanges"):
        del spec[name]
    metadata = {"name": "inside", "namespace": "tracardi-console"}
    state.add("kubernetes:core/v1:Service", {"metadata": metadata, "spec": spec})
