"""Source lists: each layer closes an entry for known networks, and none of them widely."""

from tests.policies.refusals import accepted, refused
from tests.policies.state import UNKNOWN, State

LAYERS = "trusted-entries-are-closed-in-each-layer"
NARROW = "source-lists-are-narrow"
GUI_BALANCER = "Deployment tracardi-console/gui-balancer"
GUI_ENTRY = "Service tracardi-console/gui-balancer-entry"
POLICY = "NetworkPolicy tracardi-console/gui-balancer"
LIST = "    tcp-request connection reject unless trusted\n"
OPEN = ("internet-reaches-only-the-api", "internet-finds-only-collection-routes")
EVERYBODY = {"ipBlock": {"cidr": "0.0.0.0/0"}}


@refused(LAYERS, f"{GUI_BALANCER} frontend entry has no list of the client networks", f"{GUI_ENTRY} leads there")
def test_a_balancer_that_trusts_the_clouds_source_ranges(state: State) -> None:
    state.edit("gui-balancer", LIST, "")


@refused(LAYERS, f"{GUI_BALANCER} frontend plain has no list of the client networks that it is for")
def test_a_redirect_for_everybody(state: State) -> None:
    head, _, tail = state.inputs("ConfigMap", "gui-balancer")["data"]["haproxy.cfg"].partition(LIST)
    state.inputs("ConfigMap", "gui-balancer")["data"]["haproxy.cfg"] = head + tail


@refused(LAYERS, "frontend entry has no list of the client networks")
def test_a_list_that_some_pass(state: State) -> None:
    state.edit("gui-balancer", LIST, "    tcp-request connection reject unless trusted or { dst_port 8443 }\n")


@refused(LAYERS, "frontend entry has no list of the client networks", also=(NARROW,))
def test_a_list_of_half_the_internet(state: State) -> None:
    state.edit("gui-balancer", "acl trusted src", "acl trusted src 0.0.0.0/1")


@refused(
    LAYERS,
    f"{GUI_BALANCER} is open to everybody by {POLICY}; {GUI_ENTRY}, which is for known networks, leads there",
    also=(
        "connections-are-intended",
        "internet-finds-only-collection-routes",
        "internet-reaches-only-the-api",
        "policies-name-who-connects",
    ),
)
def test_a_policy_that_trusts_the_other_layers(state: State) -> None:
    del state.spec("NetworkPolicy", "gui-balancer")["ingress"][0]["from"]


@refused(
    LAYERS,
    f"{GUI_BALANCER} has no NetworkPolicy that limits who connects",
    also=(
        "connections-are-intended",
        "namespaces-deny-by-default",
    ),
)
def test_pods_that_no_policy_is_about(state: State) -> None:
    state.remove("NetworkPolicy", "gui-balancer")
    state.remove("NetworkPolicy", "default-deny", "tracardi-console")


@accepted(LAYERS)
def test_a_list_in_another_layer_of_the_proxy(state: State) -> None:
    state.edit("gui-balancer", LIST, "    http-request deny unless { src 192.0.2.0/24 }\n")


@accepted(LAYERS)
def test_a_policy_for_some_of_the_trusted_networks(state: State) -> None:
    state.spec("NetworkPolicy", "gui-balancer")["ingress"][0]["from"].pop()


@refused(
    NARROW,
    f"{GUI_ENTRY} has loadBalancerSourceRanges that add up to 192.0.2.0/24",
    f"{GUI_BALANCER} frontend entry has a list of client networks that add up to 192.0.2.0/24",
    f"{POLICY} admits networks that add up to 192.0.2.0/24",
    options={NARROW: {"widestIPv4": 28}},
)
def test_networks_that_are_wider_than_the_owner_wants(state: State) -> None:
    state.inputs("ConfigMap", "gui-balancer")["metadata"]["labels"]["changed"] = "yes"


@refused(
    NARROW,
    f"{GUI_ENTRY} has loadBalancerSourceRanges that add up to 192.0.2.0/23",
    options={NARROW: {"widestIPv4": 24}},
)
def test_networks_that_are_too_wide_together(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["loadBalancerSourceRanges"].append("192.0.3.0/24")


@refused(NARROW, f"{POLICY} admits networks that add up to 2001:db8::/47", options={NARROW: {"widestIPv6": 48}})
def test_networks_of_several_rules_that_are_too_wide_together(state: State) -> None:
    rules = state.spec("NetworkPolicy", "gui-balancer")["ingress"]
    rules.append({"from": [{"ipBlock": {"cidr": "2001:db8::/48"}}], "ports": rules[0]["ports"]})


@accepted(NARROW, options={NARROW: {"widestIPv4": 24, "widestIPv6": 48}})
def test_networks_that_are_as_wide_as_the_owner_wants(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["loadBalancerSourceRanges"].append("198.51.100.7/32")


@refused(
    LAYERS,
    f"{GUI_BALANCER} is open to everybody by",
    also=(
        "connections-are-intended",
        "entries-can-be-followed",
        "entries-serve-tls",
        "intended-connections-are-open",
        "internet-finds-only-collection-routes",
        "internet-reaches-only-the-api",
        "policies-name-who-connects",
    ),
)
def test_a_policy_whose_rules_cannot_be_seen(state: State) -> None:
    state.spec("NetworkPolicy", "gui-balancer")["ingress"] = UNKNOWN


@refused(LAYERS, f"{GUI_ENTRY} hides clients' addresses from the list of frontend entry", "is not Local")
def test_clients_that_come_from_the_addresses_of_nodes(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["externalTrafficPolicy"] = "Cluster"


@refused(LAYERS, f"{GUI_ENTRY} hides clients' addresses from the list of frontend plain")
def test_a_way_of_clients_that_is_kubernetes_default(state: State) -> None:
    del state.spec("Service", "gui-balancer-entry")["externalTrafficPolicy"]


@accepted(LAYERS)
def test_a_clouds_balancer_that_tells_whom_connections_are_from(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["externalTrafficPolicy"] = "Cluster"
    told = "    tcp-request connection expect-proxy layer4 if { src 198.51.100.0/28 }\n"
    state.edit("gui-balancer", LIST, told + LIST.replace("connection", "session"))
    peers = state.spec("NetworkPolicy", "gui-balancer")["ingress"][0]["from"]
    peers.append({"ipBlock": {"cidr": "198.51.100.0/28"}})


@refused(LAYERS, f"{GUI_ENTRY} has externalIPs, which no loadBalancerSourceRanges guard")
def test_addresses_that_the_clouds_balancer_does_not_see(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["externalIPs"] = ["192.0.2.7"]
