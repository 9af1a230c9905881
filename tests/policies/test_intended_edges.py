"""Edges: the pack refuses connections that nothing leads to, and those that are missing."""

from collections.abc import Callable

import pytest

from tests.policies.analysis import analyse, configuration
from tests.policies.network_policies import (
    COMPONENT,
    NAME,
    POLICY,
    allow,
    block,
    connect,
    rule_from,
    rule_to,
    tcp,
)
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State
from tests.unit.engine import JsonObject

CONSOLE = "collectors-reach-no-console"
INTENDED = "connections-are-intended"
OPEN = "intended-connections-are-open"


@refused(INTENDED, "Deployment tracardi-console/gui takes connections from 192.0.2.0/24 on TCP 8080")
def test_a_console_that_trusted_networks_reach_past_its_balancer(state: State) -> None:
    allow(state, "gui", "ingress", block("192.0.2.0/24"), tcp(8080))


@refused(INTENDED, "Deployment tracardi-track/track-balancer takes connections from 192.0.2.0/24 on TCP 8404")
def test_metrics_that_a_network_reads(state: State) -> None:
    allow(state, "track-balancer", "ingress", block("192.0.2.0/24"), tcp(8404))


@refused(INTENDED, "Deployment tracardi-console/gui-balancer takes connections from pods in ingress on TCP 8443")
def test_an_entry_for_pods_of_another_namespace(state: State) -> None:
    allow(state, "gui-balancer", "ingress", {"namespaceSelector": {"matchLabels": {NAME: "ingress"}}}, tcp(8443))


@refused(INTENDED, "Job tracardi-console/installation-", "can connect to StatefulSet tracardi-data/redis on TCP 6379")
def test_a_job_that_reaches_a_store_that_it_does_not_name(state: State) -> None:
    connect(state, "installation", "redis", 6379, ("console", "data"))


@refused(INTENDED, "Deployment tracardi-console/gui-api can connect to Deployment tracardi-track/track-api on TCP 8080")
def test_a_gui_api_that_reaches_collectors(state: State) -> None:
    connect(state, "gui-api", "track-api", 8080, ("console", "track"))


@refused(
    INTENDED, "Deployment tracardi-console/gui-api can connect to StatefulSet tracardi-data/elasticsearch on TCP 9300"
)
def test_an_api_that_reaches_another_port_of_a_store(state: State) -> None:
    for rule in (rule_to(state, "gui-api", "elasticsearch"), rule_from(state, "elasticsearch", "gui-api")):
        rule["ports"] = tcp(9200, 9300)


@refused(INTENDED, "on TCP 9201-9205 (")
def test_an_api_that_reaches_a_range_of_ports_of_a_store(state: State) -> None:
    rule_to(state, "track-api", "elasticsearch").pop("ports")
    rule_from(state, "elasticsearch", "track-api")["ports"] = [{"port": 9200, "endPort": 9205}]


@refused(INTENDED, "Deployment tracardi-track/track-api can connect to StatefulSet tracardi-data/redis on UDP 6379")
def test_an_api_that_reaches_a_store_by_another_protocol(state: State) -> None:
    for rule in (rule_to(state, "track-api", "redis"), rule_from(state, "redis", "track-api")):
        rule["ports"].append({"protocol": "UDP", "port": 6379})


@refused(INTENDED, "Deployment tracardi-track/track-balancer can connect to 203.0.113.0/24 on TCP 443")
def test_a_balancer_that_reaches_a_network(state: State) -> None:
    allow(state, "track-balancer", "egress", block("203.0.113.0/24"), tcp(443))


@refused(
    INTENDED,
    "Deployment tracardi-track/track-api can connect to 169.254.169.254/32, where nodes of clouds get their "
    "credentials, on TCP 80",
)
def test_an_api_that_reaches_its_nodes_credentials(state: State) -> None:
    allow(state, "track-api", "egress", block("169.254.169.254/32"), tcp(80))


@refused(INTENDED, "can connect to fd00:ec2::/64, where nodes of clouds get their credentials, on TCP 80")
def test_an_api_that_reaches_its_nodes_credentials_by_ipv6(state: State) -> None:
    allow(state, "track-api", "egress", block("fd00:ec2::/64"), tcp(80))


@refused(INTENDED, "Deployment tracardi-console/gui-api can connect to pods in kube-system on TCP 443")
def test_an_api_that_reaches_more_of_the_cluster_than_dns(state: State) -> None:
    allow(state, "gui-api", "egress", {"namespaceSelector": {"matchLabels": {NAME: "kube-system"}}}, tcp(443))


@refused(INTENDED, "Deployment tracardi-console/gui-api can connect to pods in default on TCP 53")
def test_dns_elsewhere(state: State) -> None:
    allow(state, "gui-api", "egress", {"namespaceSelector": {"matchLabels": {NAME: "default"}}}, tcp(53))


@refused(INTENDED, "Deployment tracardi-track/track-balancer can connect to 10.96.0.0/16 on UDP 53")
def test_dns_at_every_address_of_a_network(state: State) -> None:
    allow(state, "track-balancer", "egress", block("10.96.0.0/16"), [{"protocol": "UDP", "port": 53}])


@refused(INTENDED, "Deployment tracardi-console/gui can connect to pods in kube-system on UDP 53")
def test_dns_for_pods_that_connect_to_nobody(state: State) -> None:
    peer = {"namespaceSelector": {"matchLabels": {NAME: "kube-system"}}}
    allow(state, "gui", "egress", peer, [{"protocol": "UDP", "port": 53}])


@refused(INTENDED, "can connect to 203.0.113.0/28 on UDP every port and SCTP every port")
def test_an_api_that_reaches_every_port_of_a_network(state: State) -> None:
    allow(state, "gui-api", "egress", block("203.0.113.0/28"))


@refused(
    INTENDED,
    "Deployment tracardi-console/gui-api can connect to StatefulSet tracardi-data/redis on TCP 6379",
    also=(OPEN, "pods-agree-on-stores"),
)
def test_a_store_whose_address_cannot_be_seen(state: State) -> None:
    state.set_variable("gui-api", "REDIS_HOST", value="cache.example.com")


@refused(INTENDED, "can connect to Deployment tracardi-track/track-api on TCP 22")
def test_a_port_that_nobody_leads_to(state: State) -> None:
    rule_to(state, "track-balancer", "track-api")["ports"] += tcp(22)
    rule_from(state, "track-api", "track-balancer")["ports"] += tcp(22)


@refused(
    INTENDED,
    "can connect to Deployment tracardi-track/track-api on every port",
    also=(
        CONSOLE,
        "entries-can-be-followed",
        "entries-serve-tls",
        OPEN,
        "internet-finds-only-collection-routes",
        "policies-name-who-connects",
    ),
)
def test_a_policy_whose_content_cannot_be_seen(state: State) -> None:
    state.add(POLICY, {"metadata": {"name": "further", "namespace": "tracardi-track"}, "spec": UNDECRYPTED})


@accepted(INTENDED)
def test_destinations_of_an_api_and_a_cache_of_names(state: State) -> None:
    allow(state, "gui-api", "egress", block("203.0.113.0/24", "203.0.113.7/32"), tcp(443, 8883))
    allow(state, "track-balancer", "egress", block("169.254.20.10/32"), [{"protocol": "UDP", "port": 53}])


@accepted(INTENDED)
def test_ports_by_name_and_by_a_range_of_one(state: State) -> None:
    rule_to(state, "track-balancer", "track-api")["ports"] = tcp("http")
    rule_from(state, "track-api", "track-balancer")["ports"] = [{"port": 8080, "endPort": 8080}]


@accepted(INTENDED)
def test_a_health_check_on_a_port_of_its_own(state: State) -> None:
    state.edit("track-balancer", "default-server check", "default-server check port 8406")
    rule_to(state, "track-balancer", "track-api")["ports"] += tcp(8406)
    rule_from(state, "track-api", "track-balancer")["ports"] += tcp(8406)


@refused(
    OPEN,
    "Deployment tracardi-track/track-api cannot connect to StatefulSet tracardi-data/redis on TCP 6379, where the "
    "variables of container api leads",
)
def test_a_store_that_does_not_let_its_users_in(state: State) -> None:
    state.spec("NetworkPolicy", "redis")["ingress"].remove(rule_from(state, "redis", "track-api"))


@refused(
    OPEN,
    "Deployment tracardi-console/gui-balancer cannot connect to Deployment tracardi-console/gui on TCP 8080, where "
    "backend instances of container haproxy leads",
    "Deployment tracardi-console/gui-balancer takes no connections on TCP 8443 from anywhere",
    "gui-balancer cannot ask DNS (UDP 53)",
)
def test_a_balancer_without_a_policy(state: State) -> None:
    state.remove("NetworkPolicy", "gui-balancer")


@refused(
    OPEN, "Job tracardi-console/installation-", "cannot connect to Deployment tracardi-console/gui-api on TCP 8080"
)
def test_a_job_that_may_not_do_its_work(state: State) -> None:
    rule_to(state, "installation", "gui-api")["ports"] = tcp(8081)


@refused(OPEN, "cannot connect to StatefulSet tracardi-data/mysql on TCP 3306")
def test_a_port_by_a_name_that_the_pods_do_not_have(state: State) -> None:
    rule_from(state, "mysql", "gui-api")["ports"] = tcp("sql")


@refused(
    OPEN, "Deployment tracardi-track/track-api cannot connect to search.example.com on TCP 9243", stack="external data"
)
def test_a_store_elsewhere_that_no_policy_lets_pods_reach(state: State) -> None:
    rules = state.spec("NetworkPolicy", "track-api")["egress"]
    rules[:] = [rule for rule in rules if rule["ports"][0]["port"] != 9243]


@refused(
    OPEN, "Job tracardi-console/preflight-", "cannot connect to search.example.com on TCP 9243", stack="external data"
)
def test_a_check_of_a_store_elsewhere_that_cannot_reach_it(state: State) -> None:
    rules = state.spec("NetworkPolicy", "preflight")["egress"]
    rules[:] = [rule for rule in rules if rule["ports"][0]["port"] != 9243]


@refused(
    OPEN,
    "Job tracardi-console/preflight-",
    "cannot connect to cache.example.com on TCP 6380",
    "cannot connect to db.example.com on TCP 3306",
    stack="external data through tunnels",
)
def test_a_check_through_tunnels_that_no_policy_lets_through(state: State) -> None:
    rules = state.spec("NetworkPolicy", "preflight")["egress"]
    rules[:] = [rule for rule in rules if rule["ports"][0]["port"] not in {6380, 3306}]


@refused(
    OPEN,
    "Job tracardi-console/preflight-",
    "cannot connect to queue.example.com on TCP 6651",
    "cannot connect to admin.queue.example.com on TCP 8443",
    stack="commercial",
)
def test_a_check_of_a_queue_elsewhere_that_no_policy_lets_through(state: State) -> None:
    rules = state.spec("NetworkPolicy", "preflight")["egress"]
    rules[:] = [rule for rule in rules if rule["ports"][0]["port"] not in {6651, 8443}]


@refused(
    INTENDED,
    "Job tracardi-console/preflight-",
    "can connect to Deployment tracardi-console/gui-api on TCP 8080",
    stack="external data",
)
def test_a_check_of_stores_that_reaches_something_else(state: State) -> None:
    connect(state, "preflight", "gui-api", 8080, ("console", "console"))


@refused(
    OPEN,
    "Deployment tracardi-track/track-api cannot connect to StatefulSet tracardi-data/redis on TCP 6379",
    stack="tunnel",
)
def test_a_tunnel_that_no_policy_lets_through(state: State) -> None:
    state.spec("NetworkPolicy", "redis")["ingress"].remove(rule_from(state, "redis", "track-api"))


@refused(
    OPEN,
    "StatefulSet tracardi-data/elasticsearch cannot connect to StatefulSet tracardi-data/elasticsearch on TCP 9300",
)
def test_nodes_that_cannot_find_each_other(state: State) -> None:
    rule_to(state, "elasticsearch", "elasticsearch")["ports"] = tcp(9200)


@refused(
    OPEN,
    "takes no connections on TCP 8443 from anywhere, though HTTPRoute tracardi-track/track-balancer",
    also=(INTENDED,),
    stack="gateway",
)
def test_a_balancer_that_its_gateway_cannot_reach(state: State) -> None:
    state.spec("NetworkPolicy", "track-balancer")["ingress"][0]["ports"] = tcp(8081)


@accepted(OPEN)
def test_a_connection_that_further_policies_open(state: State) -> None:
    rules = state.spec("NetworkPolicy", "track-api")["egress"]
    moved = rule_to(state, "track-api", "redis")
    rules.remove(moved)
    spec = {
        "podSelector": {"matchExpressions": [{"key": COMPONENT, "operator": "In", "values": ["track-api"]}]},
        "policyTypes": ["Egress"],
        "egress": [moved],
    }
    state.add(POLICY, {"metadata": {"name": "caches", "namespace": "tracardi-track"}, "spec": spec})


@pytest.mark.parametrize(
    "policy",
    [
        {"podSelector": {"matchLabels": {COMPONENT: "track-api"}}, "egress": [{"to": [block("203.0.113.0/24")]}]},
        {"podSelector": {"matchLabels": {COMPONENT: UNKNOWN}}, "policyTypes": ["Egress"], "egress": [{}]},
        {"podSelector": {"matchLabels": UNKNOWN}, "policyTypes": ["Egress"], "egress": [{"to": []}]},
        {"podSelector": UNKNOWN, "policyTypes": ["Egress"], "egress": [{"to": UNKNOWN}]},
        {"podSelector": {"matchExpressions": UNKNOWN}, "policyTypes": UNKNOWN, "egress": UNKNOWN},
        {"policyTypes": ["Egress"], "egress": [{"to": [{}]}]},
        {
            "podSelector": {"matchExpressions": [{"key": "pod-template-hash", "operator": "Exists"}]},
            "policyTypes": ["Egress"],
            "egress": [{"to": [{"ipBlock": {"cidr": UNKNOWN}}], "ports": UNKNOWN}],
        },
    ],
)
def test_what_a_further_policy_might_open_counts_as_open(variant: Callable[[str], State], policy: JsonObject) -> None:
    state = variant("production")
    state.add(POLICY, {"metadata": {"name": "further", "namespace": "tracardi-track"}, "spec": policy})

    found = analyse(state, configuration("prod"))

    assert any("Deployment tracardi-track/track-api can connect to" in message for message in found[INTENDED])


@pytest.mark.parametrize(
    "policy",
    [
        {"policyTypes": ["Ingress"], "egress": [{}]},
        {"podSelector": {"matchLabels": {COMPONENT: "nobody"}}, "policyTypes": ["Egress"], "egress": [{}]},
        {"podSelector": {"matchExpressions": [{"key": COMPONENT, "operator": "DoesNotExist"}]}, "egress": [{}]},
    ],
)
def test_what_a_further_policy_says_of_others_opens_nothing(
    variant: Callable[[str], State], policy: JsonObject
) -> None:
    state = variant("production")
    state.add(POLICY, {"metadata": {"name": "further", "namespace": "tracardi-track"}, "spec": policy})

    found = analyse(state, configuration("prod"))

    # That a rule names nobody is said all the same.
    assert set(found) == {"policies-name-who-connects"}


@refused(INTENDED, "can connect to 8.8.8.8/32 on TCP 53 and UDP 53")
def test_a_balancer_that_asks_a_resolver_of_the_internet(state: State) -> None:
    ports = [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    rule = {"to": [{"ipBlock": {"cidr": "8.8.8.8/32"}}], "ports": ports}
    state.spec("NetworkPolicy", "track-balancer")["egress"].append(rule)


@accepted(INTENDED)
def test_a_balancer_that_asks_the_resolver_of_its_node(state: State) -> None:
    rule = {"to": [{"ipBlock": {"cidr": "10.96.0.10/32"}}], "ports": [{"port": 53, "protocol": "UDP"}]}
    state.spec("NetworkPolicy", "track-balancer")["egress"].append(rule)
