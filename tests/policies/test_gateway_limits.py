"""Gateways: the pack refuses what an implementation alone understands, and routes that it cannot judge."""

from tests.policies.refusals import accepted, refused
from tests.policies.state import State

ROUTES = {"only-kinds-that-are-judged": {"alsoAllowed": ["gateway.networking.k8s.io/TCPRoute"]}}


@refused(
    "internet-reaches-only-the-api",
    "StatefulSet tracardi-data/redis runs Redis, and the internet reaches it through TCPRoute tracardi-data/stores "
    "(its Gateway admits everybody, and tells nobody who asks)",
    also=("entries-serve-tls", "gateways-verify-balancers", "internet-finds-only-collection-routes"),
    options=ROUTES,
    stack="gateway",
)
def test_a_route_of_another_kind_that_is_listed_is_followed_still(state: State) -> None:
    parent = {"name": "track-balancer", "namespace": "tracardi-track"}
    spec = {"parentRefs": [parent], "rules": [{"backendRefs": [{"name": "redis", "port": 6379}]}]}
    name = {"name": "stores", "namespace": "tracardi-data"}
    state.add("kubernetes:gateway.networking.k8s.io/v1alpha2:TCPRoute", {"metadata": name, "spec": spec})


@refused(
    "entries-can-be-followed", "has infrastructure.parametersRef, which these rules do not follow", stack="gateway"
)
def test_a_gateway_with_parameters_of_its_implementation(state: State) -> None:
    parameters = {"group": "example.com", "kind": "GatewayParameters", "name": "late"}
    state.spec("Gateway", "track-balancer")["infrastructure"] = {"parametersRef": parameters}


@refused(
    "entries-can-be-followed", "has tls.options, which these rules do not follow, at its listener", stack="gateway"
)
def test_a_listener_with_options_of_its_implementation(state: State) -> None:
    state.spec("Gateway", "track-balancer")["listeners"][0]["tls"]["options"] = {"example.com/tls-min": "1.0"}


@refused("entries-can-be-followed", "takes TCP, which these rules do not follow, at its listener raw", stack="gateway")
def test_a_listener_for_anything(state: State) -> None:
    state.spec("Gateway", "track-balancer")["listeners"].append({"name": "raw", "protocol": "TCP", "port": 6379})


@refused("entries-can-be-followed", "has allowedListeners, which these rules do not follow", stack="gateway")
def test_a_gateway_that_takes_listeners_from_elsewhere(state: State) -> None:
    state.spec("Gateway", "track-balancer")["allowedListeners"] = {"namespaces": {"from": "All"}}


@refused("entries-can-be-followed", "has useDefaultGateways, which these rules do not follow", stack="gateway")
def test_a_route_at_gateways_that_it_does_not_name(state: State) -> None:
    state.spec("HTTPRoute", "track-balancer")["useDefaultGateways"] = "All"


@accepted("entries-can-be-followed", stack="gateway")
def test_a_gateway_at_an_address_of_ones_own(state: State) -> None:
    spec = state.spec("Gateway", "track-balancer")
    spec["addresses"] = [{"type": "IPAddress", "value": "198.51.100.20"}]
    spec["infrastructure"] = {"labels": {"example.com/team": "cdp"}}
    state.spec("HTTPRoute", "track-balancer")["rules"][0]["backendRefs"][0]["weight"] = 1
