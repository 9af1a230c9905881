"""Edges: the pack refuses ways to the console, into the stores and out of them."""

from tests.policies.network_policies import COMPONENT, NAME, POLICY, allow, block, connect, pods, rule_from, tcp
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNKNOWN, State

CONSOLE = "collectors-reach-no-console"
STORES = "only-the-api-reaches-stores"
OUTSIDE = "stores-are-closed-to-outside"
INTENDED = "connections-are-intended"


@refused(
    CONSOLE,
    "Deployment tracardi-track/track-api can connect to Deployment tracardi-console/gui-api on TCP 8080 (allowed by "
    "NetworkPolicy tracardi-track/track-api, NetworkPolicy tracardi-console/gui-api)",
)
def test_collectors_that_reach_the_gui_api(state: State) -> None:
    connect(state, "track-api", "gui-api")


@refused(CONSOLE, "Deployment tracardi-track/track-balancer can connect to Deployment tracardi-console/gui on TCP 8080")
def test_a_public_balancer_that_reaches_the_console(state: State) -> None:
    connect(state, "track-balancer", "gui")


@refused(CONSOLE, "can connect to Deployment tracardi-console/gui-api-balancer on TCP 8443")
def test_collectors_that_reach_the_console_through_its_balancer(state: State) -> None:
    connect(state, "track-api", "gui-api-balancer", 8443)


@refused(CONSOLE, "track-api can connect to Deployment tracardi-console/gui-api on TCP 8080", also=(INTENDED,))
def test_collectors_and_a_gui_api_that_name_each_other_by_addresses(state: State) -> None:
    allow(state, "track-api", "egress", block("10.0.0.0/16"), tcp(8080))
    allow(state, "gui-api", "ingress", block("10.0.0.0/12"), tcp(8080))


@refused(CONSOLE, "track-api can connect to Deployment tracardi-console/gui-api on TCP 8080", also=(INTENDED,))
def test_collectors_that_a_network_lets_in(state: State) -> None:
    allow(state, "track-api", "egress", pods("console", "gui-api"), tcp(8080))
    allow(state, "gui-api", "ingress", block("10.0.0.0/8"), tcp(8080))


@refused(CONSOLE, "track-api can connect to Deployment tracardi-console/gui-api on TCP 8080")
def test_a_selector_of_all_but_a_few(state: State) -> None:
    allow(state, "track-api", "egress", pods("console"), tcp(8080))
    everybody_else = {"matchExpressions": [{"key": COMPONENT, "operator": "NotIn", "values": ["track-balancer"]}]}
    allow(state, "gui-api", "ingress", {**pods("track"), "podSelector": everybody_else}, tcp(8080))


@refused(CONSOLE, "on TCP 8080")
def test_collectors_that_reach_a_range_of_ports(state: State) -> None:
    span = [{"protocol": "TCP", "port": 8000, "endPort": 8100}]
    allow(state, "track-api", "egress", pods("console", "gui-api"), span)
    allow(state, "gui-api", "ingress", pods("track"), tcp("http"))


@refused(CONSOLE, "track-api can connect to Deployment tracardi-console/gui-api on TCP 8080")
def test_collectors_that_a_further_policy_lets_out(state: State) -> None:
    allow(state, "gui-api", "ingress", pods("track", "track-api"), tcp(8080))
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [pods("console", "gui-api")]}]}
    state.add(POLICY, {"metadata": {"name": "further", "namespace": "tracardi-track"}, "spec": spec})


@refused(CONSOLE, "on TCP 8080")
def test_a_peer_whose_labels_cannot_be_seen(state: State) -> None:
    allow(state, "track-api", "egress", pods("console", "gui-api"), tcp(8080))
    allow(state, "gui-api", "ingress", {**pods("track"), "podSelector": {"matchLabels": UNKNOWN}}, tcp(8080))


@accepted(CONSOLE)
def test_a_way_to_the_console_that_its_policy_does_not_let_in(state: State) -> None:
    allow(state, "track-api", "egress", pods("console", "gui-api"), tcp(8080))


@accepted(CONSOLE)
def test_a_way_to_the_console_for_pods_that_are_no_collectors(state: State) -> None:
    allow(state, "track-api", "egress", pods("console", "gui-api"), tcp(8080))
    nobody = {"matchExpressions": [{"key": COMPONENT, "operator": "NotIn", "values": ["track-api", "track-balancer"]}]}
    allow(state, "gui-api", "ingress", {**pods("track"), "podSelector": nobody}, tcp(8080))


@refused(
    STORES,
    "Deployment tracardi-track/track-balancer can connect to StatefulSet tracardi-data/redis on TCP 6379",
)
def test_a_balancer_that_reaches_a_store(state: State) -> None:
    connect(state, "track-balancer", "redis", 6379, ("track", "data"))


@refused(STORES, "Deployment tracardi-console/gui can connect to StatefulSet tracardi-data/mysql on TCP 3306")
def test_a_console_that_reaches_a_store(state: State) -> None:
    connect(state, "gui", "mysql", 3306, ("console", "data"))


@refused(STORES, "StatefulSet tracardi-data/redis can connect to StatefulSet tracardi-data/mysql on TCP 3306")
def test_a_store_that_reaches_another(state: State) -> None:
    connect(state, "redis", "mysql", 3306, ("data", "data"))


@refused(
    STORES, "StatefulSet tracardi-data/elasticsearch can connect to StatefulSet tracardi-data/elasticsearch on TCP 9200"
)
def test_elasticsearch_that_reaches_itself_on_another_port(state: State) -> None:
    connect(state, "elasticsearch", "elasticsearch", 9200, ("data", "data"))


@refused(
    STORES,
    "balancer can connect to StatefulSet tracardi-data/redis on TCP 6379",
    also=("internet-reaches-only-the-api", "services-lead-where-users-mean"),
)
def test_a_balancer_that_is_told_to_lead_to_a_store(state: State) -> None:
    connect(state, "track-balancer", "redis", 6379, ("track", "data"))
    backend = "default_backend instances"
    state.edit("track-balancer", backend, f"use_backend data if {{ path /track }}\n    {backend}")
    config = "\nbackend data\n    server data redis.tracardi-data.svc.cluster.local:6379\n"
    state.inputs("ConfigMap", "track-balancer")["data"]["haproxy.cfg"] += config


@accepted(STORES)
def test_stores_that_name_their_users_by_an_expression(state: State) -> None:
    rule = rule_from(state, "redis", "gui-api")
    rule["from"][0]["podSelector"] = {
        "matchExpressions": [
            {"key": COMPONENT, "operator": "In", "values": ["gui-api", "worker"]},
            {"key": "app.kubernetes.io/name", "operator": "Exists"},
        ]
    }
    rule["ports"] = tcp("redis")


@refused(OUTSIDE, "StatefulSet tracardi-data/elasticsearch takes connections from 10.0.0.0/8 on TCP 9200")
def test_a_store_that_a_network_reaches(state: State) -> None:
    allow(state, "elasticsearch", "ingress", block("10.0.0.0/8", "10.1.0.0/16"), tcp(9200))


@refused(OUTSIDE, "StatefulSet tracardi-data/mysql takes connections from pods in monitoring on TCP 3306")
def test_a_store_that_another_namespace_reaches(state: State) -> None:
    allow(state, "mysql", "ingress", {"namespaceSelector": {"matchLabels": {NAME: "monitoring"}}}, tcp(3306))


@refused(OUTSIDE, "StatefulSet tracardi-data/redis takes connections from pods in backup, monitoring on every port")
def test_a_store_that_several_namespaces_reach(state: State) -> None:
    names = ["monitoring", "tracardi-track", "backup"]
    selector = {"matchExpressions": [{"key": NAME, "operator": "In", "values": names}]}
    peer = {"namespaceSelector": selector, "podSelector": {"matchLabels": {"app": "backup"}}}
    allow(state, "redis", "ingress", peer)


@refused(OUTSIDE, "StatefulSet tracardi-data/elasticsearch can connect to 203.0.113.0/24 on TCP 443")
def test_a_store_that_reaches_a_network(state: State) -> None:
    allow(state, "elasticsearch", "egress", block("203.0.113.0/24"), tcp(443))


@refused(OUTSIDE, "StatefulSet tracardi-data/redis can connect to pods in kube-system on UDP 53")
def test_a_store_that_asks_for_names_that_it_does_not_need(state: State) -> None:
    peer = {"namespaceSelector": {"matchLabels": {NAME: "kube-system"}}}
    allow(state, "redis", "egress", peer, [{"protocol": "UDP", "port": 53}])


@refused(
    OUTSIDE,
    "StatefulSet tracardi-data/redis takes connections from",
    "no NetworkPolicy forbids it",
    also=(STORES, INTENDED, "namespaces-deny-by-default"),
)
def test_stores_that_no_policy_is_about(state: State) -> None:
    state.remove("NetworkPolicy", "default-deny", "tracardi-data")
    state.remove("NetworkPolicy", "redis")
    allow(state, "gui-balancer", "egress", pods("data", "redis"))


@accepted(OUTSIDE)
def test_a_store_that_another_namespace_would_not_find(state: State) -> None:
    peer = pods("track", "track-api")
    peer["namespaceSelector"] = {"matchExpressions": [{"key": NAME, "operator": "In", "values": ["tracardi-track"]}]}
    rule_from(state, "mysql", "track-api")["from"] = [peer]


def use_redis(state: State) -> None:
    """Let the job use Redis, with a variable and NetworkPolicies that say so."""
    for name, value in (("REDIS_HOST", "redis.tracardi-data.svc.cluster.local"), ("REDIS_PORT", "6379")):
        state.set_variable("installation", name, value=value)
    connect(state, "installation", "redis", 6379, ("console", "data"))


@refused(STORES, "Job tracardi-console/installation-", "can connect to StatefulSet tracardi-data/redis on TCP 6379")
def test_a_job_of_another_image_that_names_a_store(state: State) -> None:
    use_redis(state)
    state.container("installation")["image"] = "docker.io/library/alpine:3.20"


@accepted(STORES)
def test_a_job_of_the_api_that_names_a_store(state: State) -> None:
    use_redis(state)
