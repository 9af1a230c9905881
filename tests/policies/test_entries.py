"""Ways in: the pack refuses those that cannot be followed, and those that nobody intended."""

import pytest

from tests.policies.analysis import analyse, configuration
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State

GUI = "Deployment tracardi-console/gui"
TRACK_BALANCER = "Deployment tracardi-track/track-balancer"
TRACK_ENTRY = "Service tracardi-track/track-balancer-entry"


@refused("entries-can-be-followed", TRACK_BALANCER, "no ConfigMap of the stack holds /etc/haproxy/supervise.sh")
def test_a_proxy_whose_configuration_is_elsewhere(state: State) -> None:
    state.pod("track-balancer")["volumes"][0] = {"name": "configuration", "emptyDir": {}}


@refused("entries-can-be-followed", "no ConfigMap of the stack holds /other/haproxy.cfg")
def test_a_proxy_that_reads_another_file(state: State) -> None:
    command = state.container("track-balancer")["command"]
    command[command.index("-f") + 1] = "/other/haproxy.cfg"


@refused("entries-can-be-followed", "the content of /etc/haproxy/haproxy.cfg cannot be seen")
def test_a_configuration_that_cannot_be_seen(state: State) -> None:
    state.inputs("ConfigMap", "track-balancer")["data"]["haproxy.cfg"] = UNKNOWN


@refused("entries-can-be-followed", "cannot be judged: line 1")
def test_a_configuration_that_is_none(state: State) -> None:
    state.inputs("ConfigMap", "track-balancer")["data"]["haproxy.cfg"] = "bind :8443 'ssl"


@refused("entries-can-be-followed", "sends requests to elsewhere.example.com, which is no Service of the stack")
def test_a_proxy_that_leads_out_of_the_stack(state: State) -> None:
    state.edit("track-balancer", "    server-template", "    server far elsewhere.example.com:443\n    server-template")


@refused(
    "entries-can-be-followed",
    "Service tracardi-track/track-api is an alias",
    also=(
        "connections-are-intended",
        "services-lead-to-pods-of-the-stack",
        "services-lead-where-users-mean",
    ),
)
def test_a_service_that_is_an_alias(state: State) -> None:
    spec = state.spec("Service", "track-api")
    spec.clear()
    spec.update({"type": "ExternalName", "externalName": "elsewhere.example.com"})


@refused(
    "entries-can-be-followed",
    f"{TRACK_ENTRY} selects no pods of the stack",
    also=("services-lead-to-pods-of-the-stack",),
)
def test_an_entry_without_a_selector(state: State) -> None:
    del state.spec("Service", "track-balancer-entry")["selector"]


@refused(
    "internet-reaches-only-the-api",
    GUI,
    also=("internet-finds-only-collection-routes", "entries-serve-tls"),
)
def test_a_service_of_a_type_that_nobody_knows(state: State) -> None:
    state.spec("Service", "gui")["type"] = "PublicIP"


@refused(
    "only-kinds-that-are-judged",
    "DaemonSet tracardi-track/agent is of kind apps/DaemonSet",
    also=(
        "clusters-have-one-budget",
        "instances-on-hosts-of-their-own",
    ),
)
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
    also=(
        "entries-serve-tls",
        "internet-finds-only-collection-routes",
        "stores-are-closed-to-outside",
    ),
)
def test_a_policy_that_opens_elasticsearch_to_every_address(state: State) -> None:
    state.spec("NetworkPolicy", "elasticsearch")["ingress"].append({"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]})


@refused(
    "internet-reaches-no-gui-api",
    "through NetworkPolicy tracardi-console/gui-api",
    also=(
        "connections-are-intended",
        "entries-serve-tls",
        "internet-finds-only-collection-routes",
        "policies-name-who-connects",
        "production-context-fits-the-role",
    ),
)
def test_a_policy_without_sources(state: State) -> None:
    state.spec("NetworkPolicy", "gui-api")["ingress"] = [{"ports": [{"protocol": "TCP", "port": 8080}]}]


@refused(
    "internet-reaches-only-the-api",
    "StatefulSet tracardi-data/redis",
    "StatefulSet tracardi-data/mysql",
    also=(
        "entries-serve-tls",
        "internet-finds-only-collection-routes",
        "policies-name-who-connects",
        "stores-are-closed-to-outside",
    ),
)
def test_a_policy_that_opens_a_whole_namespace(state: State) -> None:
    policy = state.duplicate("NetworkPolicy", "mysql", "open")["spec"]
    policy["podSelector"] = {}
    policy["ingress"] = [{}]


@refused(
    "internet-reaches-only-the-api",
    f"{GUI} runs Tracardi's console",
    "through NetworkPolicy tracardi-console/gui-balancer",
    also=(
        "internet-finds-only-collection-routes",
        "trusted-entries-are-closed-in-each-layer",
        "source-lists-are-narrow",
    ),
)
def test_a_policy_that_undoes_the_source_ranges(state: State) -> None:
    state.spec("NetworkPolicy", "gui-balancer")["ingress"][0]["from"] = [
        {"ipBlock": {"cidr": "0.0.0.0/1"}},
        {"ipBlock": {"cidr": "128.0.0.0/1"}},
    ]


@refused(
    "internet-reaches-only-the-api",
    GUI,
    also=(
        "connections-are-intended",
        "entries-can-be-followed",
        "entries-serve-tls",
        "internet-finds-only-collection-routes",
        "source-lists-are-narrow",
        "trusted-entries-are-closed-in-each-layer",
    ),
)
def test_a_policy_that_opens_a_range_of_ports(state: State) -> None:
    everybody = {"ipBlock": {"cidr": "0.0.0.0/0"}}
    opened = {"from": [everybody], "ports": [{"protocol": "TCP", "port": 8404, "endPort": 9000}]}
    state.spec("NetworkPolicy", "gui-balancer")["ingress"].append(opened)


@refused(
    "internet-finds-only-collection-routes",
    "has no proxy with an allow list",
    also=(
        "connections-are-intended",
        "entries-serve-tls",
        "intended-connections-are-open",
    ),
)
def test_a_policy_that_opens_the_track_api_past_its_balancer(state: State) -> None:
    everybody = {"ipBlock": {"cidr": "0.0.0.0/0"}}
    opened = {"from": [everybody], "ports": [{"protocol": "TCP", "port": "http"}]}
    state.spec("NetworkPolicy", "track-api")["ingress"] = [opened]


@refused(
    "entries-serve-tls",
    f"{TRACK_BALANCER} frontend metrics answers without TLS; NetworkPolicy tracardi-track/track-balancer leads there",
    also=(
        "connections-are-intended",
        "entries-can-be-followed",
    ),
)
def test_a_policy_that_opens_another_port_of_a_public_balancer(state: State) -> None:
    opened = {"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"protocol": "TCP", "port": 8404}]}
    state.spec("NetworkPolicy", "track-balancer")["ingress"].append(opened)


SUPERVISED = ["sh", "/etc/haproxy/supervise.sh", "USR2", "USR1", "/etc/haproxy/certs", "--"]
STARTED = [*SUPERVISED, "haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"]


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ([*STARTED, "-f", "/other/haproxy.cfg"], "no ConfigMap of the stack holds /other/haproxy.cfg"),
        ([*STARTED, "-f", "/etc/haproxy/certs"], "no ConfigMap of the stack holds /etc/haproxy/certs"),
        ([*STARTED, "-C", "/other"], "its command line has -C"),
        ([*STARTED, "--", "/other/haproxy.cfg"], "no ConfigMap of the stack holds /other/haproxy.cfg"),
        ([*STARTED, UNKNOWN], "its command line cannot be seen"),
        (UNDECRYPTED, "its command line cannot be seen"),
        ([*SUPERVISED, "sh", "-c", "haproxy -f /other/haproxy.cfg"], "starts sh, not haproxy"),
        ([*SUPERVISED, *STARTED], "starts sh, not haproxy"),
        (SUPERVISED, "its supervisor starts nothing"),
        (["sh", "-c", "haproxy -f /other/haproxy.cfg"], "starts sh, not haproxy"),
        (["bash", *STARTED[1:]], "starts bash, not haproxy"),
        (["sh", "-x", *STARTED[1:]], "its supervisor is started in a way that these rules do not know"),
        (["sh", "/other/supervise.sh", *STARTED[2:]], "no ConfigMap of the stack holds /other/supervise.sh"),
        (["sh", "/etc/haproxy/haproxy.cfg", *STARTED[2:]], "is not the supervisor that these rules know"),
        (["/other/haproxy", *STARTED[7:]], "starts /other/haproxy, not haproxy"),
    ],
)
def test_a_command_line_that_is_not_understood(prod: State, command: object, problem: str) -> None:
    prod.container("track-balancer")["command"] = command

    found = analyse(prod, configuration("prod"))

    assert list(found) == ["entries-can-be-followed"]
    assert problem in "\n".join(found["entries-can-be-followed"])


@refused("entries-can-be-followed", "is not the supervisor that these rules know")
def test_a_supervisor_that_was_changed(state: State) -> None:
    state.edit("track-balancer", "#!/bin/sh", "#!/bin/sh\nhaproxy -f /other/haproxy.cfg &", "supervise.sh")


@refused("entries-can-be-followed", "no ConfigMap of the stack holds /etc/haproxy/haproxy.cfg")
def test_a_configuration_that_another_volume_hides(state: State) -> None:
    hiding = {"name": "tmp", "mountPath": "/etc/haproxy/haproxy.cfg", "subPath": "haproxy.cfg"}
    state.container("track-balancer")["volumeMounts"].append(hiding)


@refused("entries-can-be-followed", "a path that is mounted in container haproxy cannot be seen")
def test_a_mount_that_cannot_be_seen(state: State) -> None:
    state.container("track-balancer")["volumeMounts"].append({"name": "tmp", "mountPath": UNKNOWN})


@refused("entries-can-be-followed", "no ConfigMap of the stack holds /etc/haproxy/more.cfg")
def test_a_folder_with_a_file_from_elsewhere(state: State) -> None:
    container = state.container("track-balancer")
    container["command"][-1] = "/etc/haproxy"
    container["volumeMounts"].append({"name": "tmp", "mountPath": "/etc/haproxy/more.cfg", "subPath": "more.cfg"})


@refused("entries-can-be-followed", "a variable of the environment")
def test_a_configuration_that_depends_on_its_environment(state: State) -> None:
    state.edit("track-balancer", "path -m reg ^/track$", 'path -m reg "${PUBLIC}"')


@refused(
    "entries-can-be-followed",
    "Deployment tracardi-data/relay its HAProxy configuration cannot be judged: no ConfigMap of the stack holds",
    also=("clusters-have-one-budget",),
)
def test_a_proxy_that_no_entry_leads_to_and_that_cannot_be_judged(state: State) -> None:
    relay = state.duplicate("Deployment", "track-balancer", "relay")
    relay["metadata"]["namespace"] = "tracardi-data"
    relay["spec"]["template"]["metadata"]["labels"] = {"app": "relay"}
    spread = relay["spec"]["template"]["spec"]["topologySpreadConstraints"]
    for constraint in spread:
        constraint["labelSelector"]["matchLabels"] = {"app": "relay"}


@accepted("entries-can-be-followed")
def test_servers_by_other_names_of_one_service(state: State) -> None:
    state.edit("track-balancer", "track-api.tracardi-track.svc.cluster.local:8080", "Track-API.tracardi-track.svc:8080")


@refused(
    "internet-reaches-only-the-api",
    f"{GUI} runs Tracardi's console",
    "(it lets everybody connect)",
    also=(
        "internet-finds-only-collection-routes",
        "source-lists-are-narrow",
        "trusted-entries-are-closed-in-each-layer",
    ),
)
def test_policies_that_add_up_to_the_internet(state: State) -> None:
    for first in (11, 20, 30, 40, 50):
        policy = state.duplicate("NetworkPolicy", "gui-balancer", f"part-{first}")["spec"]
        policy["ingress"][0]["from"] = [{"ipBlock": {"cidr": f"{first}.0.0.0/8"}}]


@refused(
    "entries-serve-tls",
    f"{TRACK_BALANCER} frontend entry answers without TLS; {TRACK_ENTRY} leads there",
    also=("intended-connections-are-open",),
)
def test_a_second_port_of_a_frontend_that_speaks_plain_text(state: State) -> None:
    state.edit("track-balancer", "    bind :8443 ssl", "    bind :8444\n    bind :8443 ssl")
    state.spec("Service", "track-balancer-entry")["ports"].append({"name": "more", "port": 444, "targetPort": 8444})
