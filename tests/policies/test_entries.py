"""Ways in: the pack refuses those that cannot be followed, and those that nobody intended."""

from tests.policies.refusals import refused
from tests.policies.state import UNKNOWN, State

GUI = "Deployment tracardi-console/gui"
TRACK_BALANCER = "Deployment tracardi-track/track-balancer"
TRACK_ENTRY = "Service tracardi-track/track-balancer-entry"


@refused("entries-can-be-followed", TRACK_BALANCER, "no ConfigMap of the stack holds /etc/haproxy/haproxy.cfg")
def test_a_proxy_whose_configuration_is_elsewhere(state: State) -> None:
    state.pod("track-balancer")["volumes"][0] = {"name": "configuration", "emptyDir": {}}


@refused("entries-can-be-followed", "no ConfigMap of the stack holds /tmp/other.cfg")
def test_a_proxy_that_reads_another_file(state: State) -> None:
    command = state.container("track-balancer")["command"]
    command[command.index("-f") + 1] = "/tmp/other.cfg"  # noqa: S108 - a path in a container


@refused("entries-can-be-followed", "the content of /etc/haproxy/haproxy.cfg cannot be seen")
def test_a_configuration_that_cannot_be_seen(state: State) -> None:
    state.inputs("ConfigMap", "track-balancer")["data"]["haproxy.cfg"] = UNKNOWN


@refused("entries-can-be-followed", "cannot be judged: line 1")
def test_a_configuration_that_is_none(state: State) -> None:
    state.inputs("ConfigMap", "track-balancer")["data"]["haproxy.cfg"] = "bind :8443 'ssl"


@refused("entries-can-be-followed", "sends requests to elsewhere.example.com, which is no Service of the stack")
def test_a_proxy_that_leads_out_of_the_stack(state: State) -> None:
    state.edit("track-balancer", "    server-template", "    server far elsewhere.example.com:443\n    server-template")


@refused("entries-can-be-followed", "Service tracardi-track/track-api is an alias")
def test_a_service_that_is_an_alias(state: State) -> None:
    spec = state.spec("Service", "track-api")
    spec.clear()
    spec.update({"type": "ExternalName", "externalName": "elsewhere.example.com"})


@refused(
    "entries-can-be-followed",
    f"{TRACK_ENTRY} selects no pods of the stack",
)
def test_an_entry_without_a_selector(state: State) -> None:
    del state.spec("Service", "track-balancer-entry")["selector"]


@refused("only-kinds-that-are-judged", "DaemonSet tracardi-track/agent is of kind apps/DaemonSet")
def test_a_kind_that_no_rule_looks_at(state: State) -> None:
    inputs = state.duplicate("Deployment", "track-balancer", "agent")
    state.remove("Deployment", "agent")
    state.add("kubernetes:apps/v1:DaemonSet", inputs)


@refused("only-kinds-that-are-judged", "serving.knative.dev/Service")
def test_a_custom_resource_that_is_called_like_a_known_kind(state: State) -> None:
    state.add(
        "kubernetes:serving.knative.dev/v1:Service",
        {"metadata": {"name": "knative", "namespace": "tracardi-track"}, "spec": {}},
    )


@refused(
    "internet-reaches-only-the-api",
    "StatefulSet tracardi-data/elasticsearch runs Elasticsearch",
    "NetworkPolicy tracardi-data/elasticsearch (it lets everybody connect)",
    also=("internet-finds-only-collection-routes", "entries-serve-tls"),
)
def test_a_policy_that_opens_elasticsearch_to_every_address(state: State) -> None:
    state.spec("NetworkPolicy", "elasticsearch")["ingress"].append({"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]})


@refused(
    "internet-reaches-no-gui-api",
    "through NetworkPolicy tracardi-console/gui-api",
    also=("internet-finds-only-collection-routes", "entries-serve-tls"),
)
def test_a_policy_without_sources(state: State) -> None:
    state.spec("NetworkPolicy", "gui-api")["ingress"] = [{"ports": [{"protocol": "TCP", "port": 8080}]}]


@refused(
    "internet-reaches-only-the-api",
    "StatefulSet tracardi-data/redis",
    "StatefulSet tracardi-data/mysql",
    also=("internet-finds-only-collection-routes", "entries-serve-tls"),
)
def test_a_policy_that_opens_a_whole_namespace(state: State) -> None:
    policy = state.duplicate("NetworkPolicy", "mysql", "open")["spec"]
    policy["podSelector"] = {}
    policy["ingress"] = [{}]


@refused(
    "internet-reaches-only-the-api",
    f"{GUI} runs Tracardi's console",
    "through NetworkPolicy tracardi-console/gui-balancer",
    also=("internet-finds-only-collection-routes",),
)
def test_a_policy_that_undoes_the_source_ranges(state: State) -> None:
    state.spec("NetworkPolicy", "gui-balancer")["ingress"][0]["from"] = [
        {"ipBlock": {"cidr": "0.0.0.0/1"}},
        {"ipBlock": {"cidr": "128.0.0.0/1"}},
    ]


@refused("internet-reaches-only-the-api", GUI, also=("internet-finds-only-collection-routes", "entries-serve-tls"))
def test_a_policy_that_opens_a_range_of_ports(state: State) -> None:
    opened = {"ports": [{"protocol": "TCP", "port": 8404, "endPort": 9000}]}
    state.spec("NetworkPolicy", "gui-balancer")["ingress"].append(opened)


@refused("internet-finds-only-collection-routes", "has no proxy with an allow list", also=("entries-serve-tls",))
def test_a_policy_that_opens_the_track_api_past_its_balancer(state: State) -> None:
    state.spec("NetworkPolicy", "track-api")["ingress"] = [{"ports": [{"protocol": "TCP", "port": "http"}]}]
