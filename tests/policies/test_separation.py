"""What strangers can reach: the pack follows entries inwards and refuses every way to more than event collection."""

from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State
from tests.policies.test_variants import CHOSEN

MIRROR = CHOSEN["mirror"]

TRACK = "Deployment tracardi-track/track-api"
GUI_API = "Deployment tracardi-console/gui-api"
GUI = "Deployment tracardi-console/gui"
TRACK_BALANCER = "Deployment tracardi-track/track-balancer"
GUI_ENTRY = "Service tracardi-console/gui-balancer-entry"
GUI_API_ENTRY = "Service tracardi-console/gui-api-balancer-entry"
TRACK_ENTRY = "Service tracardi-track/track-balancer-entry"


@refused("internet-reaches-no-gui-api", f"{TRACK} does not say EXPOSE_GUI_API=no in container api", TRACK_ENTRY)
def test_track_pods_that_serve_the_gui_api(state: State) -> None:
    state.drop_variable("track-api", "EXPOSE_GUI_API")
    state.set_variable("track-api", "EXPOSE_GUI_API", value="yes")


@refused("internet-reaches-no-gui-api", TRACK)
def test_track_pods_without_the_flag_because_its_default_is_yes(state: State) -> None:
    state.drop_variable("track-api", "EXPOSE_GUI_API")


@refused("internet-reaches-no-gui-api", TRACK)
def test_a_second_value_of_the_flag_which_wins(state: State) -> None:
    state.set_variable("track-api", "EXPOSE_GUI_API", value="yes")


@refused("internet-reaches-no-gui-api", TRACK)
def test_a_flag_that_cannot_be_seen_before_the_update(state: State) -> None:
    state.set_variable("track-api", "EXPOSE_GUI_API", value=UNKNOWN)


@refused(
    "internet-reaches-no-gui-api",
    f"{GUI_API} does not say EXPOSE_GUI_API=no",
    f"{GUI_API_ENTRY} (it has no readable loadBalancerSourceRanges)",
    also=(
        "internet-finds-only-collection-routes",
        "production-context-fits-the-role",
    ),
)
def test_an_entry_to_the_gui_api_without_source_ranges(state: State) -> None:
    del state.spec("Service", "gui-api-balancer-entry")["loadBalancerSourceRanges"]


@refused(
    "internet-reaches-only-the-api",
    f"{GUI} runs Tracardi's console",
    f"{GUI_ENTRY} (its loadBalancerSourceRanges add up to 0.0.0.0/0)",
    also=("internet-finds-only-collection-routes",),
)
def test_an_entry_to_the_console_for_every_address(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["loadBalancerSourceRanges"].append("0.0.0.0/0")


@refused("internet-reaches-only-the-api", GUI, "::/0", also=("internet-finds-only-collection-routes",))
def test_an_entry_to_the_console_for_every_ipv6_address(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["loadBalancerSourceRanges"] = ["192.0.2.0/24", "::/0"]


@refused("internet-reaches-only-the-api", GUI, "0.0.0.0/0", also=("internet-finds-only-collection-routes",))
def test_source_ranges_that_add_up_to_the_internet(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["loadBalancerSourceRanges"] = ["0.0.0.0/1", "128.0.0.0/1"]


@refused("internet-reaches-only-the-api", GUI, also=("internet-finds-only-collection-routes",))
def test_source_ranges_that_cannot_be_seen(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["loadBalancerSourceRanges"] = UNDECRYPTED


@refused(
    "internet-reaches-only-the-api",
    GUI,
    "it has no readable loadBalancerSourceRanges",
    also=("internet-finds-only-collection-routes",),
)
def test_source_ranges_of_which_one_is_none(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["loadBalancerSourceRanges"].append("everybody")


@refused("internet-reaches-only-the-api", GUI, also=("internet-finds-only-collection-routes", "entries-serve-tls"))
def test_a_service_whose_type_cannot_be_seen(state: State) -> None:
    state.spec("Service", "gui")["type"] = UNKNOWN


@refused("internet-reaches-only-the-api", GUI, "external addresses", also=("internet-finds-only-collection-routes",))
def test_an_external_address_beside_the_source_ranges(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["externalIPs"] = ["198.51.100.20"]
    state.edit("gui-balancer", "tcp-request connection reject unless trusted", "")


@refused("internet-reaches-only-the-api", GUI, "node ports", also=("internet-finds-only-collection-routes",))
def test_node_ports_past_the_source_ranges_to_a_proxy_without_a_list(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["allocateLoadBalancerNodePorts"] = True
    state.edit("gui-balancer", "tcp-request connection reject unless trusted", "")


@refused(
    "internet-reaches-only-the-api",
    GUI,
    "hide clients' addresses",
    also=("internet-finds-only-collection-routes",),
)
def test_node_ports_that_hide_who_asks(state: State) -> None:
    spec = state.spec("Service", "gui-balancer-entry")
    spec["type"] = "NodePort"
    spec["externalTrafficPolicy"] = "Cluster"


@refused(
    "internet-reaches-only-the-api",
    GUI,
    also=("client-addresses-are-told-by-known-proxies", "internet-finds-only-collection-routes"),
)
def test_node_ports_to_a_proxy_that_believes_what_clients_say_about_themselves(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["type"] = "NodePort"
    state.edit("gui-balancer", "alpn h2,http/1.1", "alpn h2,http/1.1 accept-proxy")


@refused(
    "internet-reaches-only-the-api",
    GUI,
    "external addresses",
    also=("internet-finds-only-collection-routes", "entries-serve-tls"),
)
def test_an_external_address_past_the_balancer(state: State) -> None:
    spec = state.spec("Service", "gui")
    spec.pop("clusterIP")
    spec["externalIPs"] = ["198.51.100.20"]


@refused(
    "internet-reaches-only-the-api",
    f"{TRACK} runs a program that these rules do not know",
    also=(
        "api-instances",
        "connections-are-intended",
        "images-come-from-known-registries",
        "only-the-api-reaches-stores",
        "track-instances",
    ),
)
def test_an_image_under_another_name_that_does_not_say_what_it_serves(state: State) -> None:
    state.container("track-api")["image"] = "registry.example.com/team/collector:1.0.0"
    state.drop_variable("track-api", "EXPOSE_GUI_API")


@refused(
    "internet-reaches-no-gui-api",
    f"{TRACK} does not say EXPOSE_GUI_API=no in container api",
    also=(
        "images-come-from-known-registries",
        "internet-reaches-only-the-api",
    ),
)
def test_an_image_under_another_name_that_serves_the_gui_api(state: State) -> None:
    state.container("track-api")["image"] = "registry.example.com/team/collector:1.0.0"
    state.set_variable("track-api", "EXPOSE_GUI_API", value="yes")


@refused("internet-reaches-no-gui-api", TRACK, stack="mirror", options=MIRROR)
def test_a_mirrored_api_that_serves_the_gui_api(state: State) -> None:
    state.set_variable("track-api", "EXPOSE_GUI_API", value="yes")


@refused("one-index-shape", "for TENANT_NAME", stack="mirror", options=MIRROR)
def test_a_mirrored_api_is_held_to_the_same_as_any(state: State) -> None:
    state.set_variable("track-api", "TENANT_NAME", value="acme")


@refused(
    "internet-reaches-only-the-api",
    "Deployment tracardi-track/rogue runs a program that these rules do not know",
    also=(
        "clusters-have-one-budget",
        "collectors-reach-no-console",
        "connections-are-intended",
        "images-come-from-known-registries",
        "instances-on-hosts-of-their-own",
        "only-the-api-reaches-stores",
        "services-lead-to-one-role",
    ),
)
def test_a_pod_with_the_labels_of_the_track_cluster(state: State) -> None:
    state.duplicate("Deployment", "track-api", "rogue")
    state.container("rogue")["image"] = "registry.example.com/team/rogue:1"
    state.drop_variable("rogue", "EXPOSE_GUI_API")


@refused(
    "internet-reaches-only-the-api",
    "Deployment tracardi-track/rogue runs registry.example.com/team/rogue:1, which may serve the GUI API whatever",
    "the internet reaches it through",
    "alsoApi",
    also=(
        "clusters-have-one-budget",
        "images-come-from-known-registries",
        "instances-on-hosts-of-their-own",
        "one-release",
    ),
)
def test_a_pod_that_only_pretends_to_collect_events(state: State) -> None:
    state.duplicate("Deployment", "track-api", "rogue")
    state.container("rogue")["image"] = "registry.example.com/team/rogue:1"


@refused(
    "internet-reaches-no-gui-api",
    GUI_API,
    also=(
        "connections-are-intended",
        "intended-connections-are-open",
        "production-context-fits-the-role",
        "services-lead-where-users-mean",
        "track-instances",
    ),
)
def test_a_public_balancer_that_leads_to_the_gui_api(state: State) -> None:
    state.edit("track-balancer", "track-api.tracardi-track.svc", "gui-api.tracardi-console.svc")


@refused(
    "internet-reaches-no-gui-api",
    GUI_API,
    also=(
        "intended-connections-are-open",
        "production-context-fits-the-role",
    ),
)
def test_a_second_backend_that_leads_to_the_gui_api(state: State) -> None:
    state.edit(
        "track-balancer",
        "    default_backend instances",
        "    use_backend console if { path_beg /track }\n    default_backend instances",
    )
    state.inputs("ConfigMap", "track-balancer")["data"]["haproxy.cfg"] += (
        "backend console\n    server one gui-api.tracardi-console:8080\n"
    )


@refused(
    "internet-finds-only-collection-routes",
    f"{TRACK} has no proxy with an allow list of paths before it",
    "Service tracardi-track/direct",
    also=("entries-serve-tls",),
)
def test_an_entry_that_leads_past_the_balancer(state: State) -> None:
    selector = state.spec("Service", "track-api")["selector"]
    state.add(
        "kubernetes:core/v1:Service",
        {
            "metadata": {"name": "direct", "namespace": "tracardi-track"},
            "spec": {"type": "LoadBalancer", "selector": selector, "ports": [{"port": 443, "targetPort": 8080}]},
        },
    )


@accepted(
    "internet-reaches-only-the-api",
    options={
        "internet-reaches-only-the-api": {"alsoApi": ["registry.example.com/team/collector"]},
        "images-come-from-known-registries": {"registries": ["docker.io", "docker.elastic.co", "registry.example.com"]},
    },
)
def test_an_image_under_another_name_that_is_listed(state: State) -> None:
    state.container("track-api")["image"] = "registry.example.com/team/collector:1.0.0"


@refused(
    "internet-reaches-only-the-api",
    "runs registry.example.com/team/collector-2:1.0.0",
    options={
        "internet-reaches-only-the-api": {"alsoApi": ["registry.example.com/team/collector"]},
        "images-come-from-known-registries": {"registries": ["docker.io", "docker.elastic.co", "registry.example.com"]},
    },
)
def test_an_image_that_is_called_like_one_that_is_listed(state: State) -> None:
    state.container("track-api")["image"] = "registry.example.com/team/collector-2:1.0.0"


@accepted("internet-reaches-no-gui-api")
def test_a_flag_that_stands_in_a_config_map(state: State) -> None:
    state.drop_variable("track-api", "EXPOSE_GUI_API")
    state.add(
        "kubernetes:core/v1:ConfigMap",
        {"metadata": {"name": "duty", "namespace": "tracardi-track"}, "data": {"gui": "no"}},
    )
    state.set_variable("track-api", "EXPOSE_GUI_API", valueFrom={"configMapKeyRef": {"name": "duty", "key": "gui"}})


@refused("internet-reaches-no-gui-api", f"{TRACK} does not say EXPOSE_GUI_API=no")
def test_a_flag_that_stands_in_a_config_map_in_binary_form(state: State) -> None:
    state.drop_variable("track-api", "EXPOSE_GUI_API")
    state.add(
        "kubernetes:core/v1:ConfigMap",
        {"metadata": {"name": "duty", "namespace": "tracardi-track"}, "binaryData": {"gui": "bm8="}},
    )
    state.set_variable("track-api", "EXPOSE_GUI_API", valueFrom={"configMapKeyRef": {"name": "duty", "key": "gui"}})


@refused(
    "internet-reaches-only-the-api",
    GUI,
    "it has no readable loadBalancerSourceRanges (its annotation is read by some clouds only)",
    also=("internet-finds-only-collection-routes",),
)
def test_source_ranges_in_an_annotation(state: State) -> None:
    del state.spec("Service", "gui-balancer-entry")["loadBalancerSourceRanges"]
    annotations = state.inputs("Service", "gui-balancer-entry")["metadata"]["annotations"]
    annotations["service.beta.kubernetes.io/load-balancer-source-ranges"] = "192.0.2.0/24"


@accepted("internet-reaches-only-the-api")
def test_source_ranges_beside_an_annotation_that_they_win_over(state: State) -> None:
    annotations = state.inputs("Service", "gui-balancer-entry")["metadata"]["annotations"]
    annotations["service.beta.kubernetes.io/load-balancer-source-ranges"] = "0.0.0.0/0"


@refused("internet-reaches-only-the-api", GUI, "node ports", also=("internet-finds-only-collection-routes",))
def test_a_node_port_that_is_asked_for_where_none_is_given_by_default(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["ports"][0]["nodePort"] = 30443
    state.edit("gui-balancer", "tcp-request connection reject unless trusted", "")


@refused(
    "internet-reaches-only-the-api",
    GUI,
    "its loadBalancerSourceRanges add up to 0.0.0.0/0",
    also=("internet-finds-only-collection-routes",),
)
def test_source_ranges_of_every_second_network(state: State) -> None:
    ranges = [f"{first}.0.0.0/8" for first in range(0, 256, 2)]
    state.spec("Service", "gui-balancer-entry")["loadBalancerSourceRanges"] = ranges


@refused("internet-reaches-only-the-api", GUI, "0.0.0.0/0", also=("internet-finds-only-collection-routes",))
def test_source_ranges_of_every_ipv4_address_in_ipv6(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["loadBalancerSourceRanges"] = ["::ffff:0:0/96"]


@refused(
    "internet-reaches-no-gui-api",
    TRACK,
    also=("api-environment-can-be-read",),
)
def test_a_variable_whose_name_cannot_be_seen(state: State) -> None:
    state.set_variable("track-api", UNKNOWN, value="yes")


@refused(
    "internet-reaches-no-gui-api",
    TRACK,
    also=("one-worker-per-pod",),
)
def test_a_flag_on_the_command_line(state: State) -> None:
    state.container("track-api")["command"][:0] = ["env", "EXPOSE_GUI_API=yes"]


@refused(
    "internet-reaches-only-the-api",
    f"{TRACK} runs a program that these rules do not know",
    also=(
        "connections-are-intended",
        "services-lead-to-pods-of-the-stack",
    ),
)
def test_a_port_whose_name_two_containers_use(state: State) -> None:
    sidecar = {**state.container("track-api"), "name": "other", "image": "docker.io/library/nginx:1.29", "env": []}
    state.pod("track-api")["containers"].append({**sidecar, "ports": [{"name": "http", "containerPort": 9999}]})
    del state.spec("Service", "track-api")["clusterIP"]
    state.spec("Service", "track-api")["ports"][0]["targetPort"] = "http"
