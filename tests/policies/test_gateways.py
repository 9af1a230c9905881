"""Gateways: the pack follows routes inwards, and believes a header only where clients cannot write it."""

from tests.policies.refusals import refused
from tests.policies.state import UNKNOWN, State
from tests.unit.engine import JsonObject

GUI = "Deployment tracardi-console/gui"
GUI_API = "Deployment tracardi-console/gui-api"
GUI_BALANCER = "Deployment tracardi-console/gui-balancer"
TRACK_BALANCER = "Deployment tracardi-track/track-balancer"
GUI_ROUTE = "HTTPRoute tracardi-console/gui-balancer"
TRACK_ROUTE = "HTTPRoute tracardi-track/track-balancer"
OPEN_CONSOLE = ("internet-finds-only-collection-routes",)
TOLD = "client-addresses-are-told-by-known-proxies"
LIST = "http-request deny deny_status 403 unless trusted"


def rule(state: State, route: str) -> JsonObject:
    """The first rule of a route."""
    found: JsonObject = state.spec("HTTPRoute", route)["rules"][0]
    return found


def admit(state: State, peer: JsonObject) -> None:
    """Let further clients connect to the console's balancer."""
    state.spec("NetworkPolicy", "gui-balancer")["ingress"][0]["from"].append(peer)


@refused(
    "internet-reaches-no-gui-api",
    f"{GUI_API} does not say EXPOSE_GUI_API=no",
    f"through {TRACK_ROUTE} (its Gateway admits everybody",
    also=(
        "certificates-name-their-hosts",
        "connections-are-intended",
        "entries-serve-tls",
        "gateways-verify-balancers",
        "internet-finds-only-collection-routes",
        "production-context-fits-the-role",
        "track-instances",
    ),
    stack="gateway",
)
def test_a_route_that_leads_to_the_gui_api(state: State) -> None:
    rule(state, "track-balancer")["backendRefs"] = [{"name": "gui-api", "namespace": "tracardi-console", "port": 8080}]


@refused(
    "internet-reaches-no-gui-api",
    TRACK_ROUTE,
    also=(
        "entries-serve-tls",
        "gateways-verify-balancers",
        "internet-finds-only-collection-routes",
        "production-context-fits-the-role",
    ),
    stack="gateway",
)
def test_a_second_rule_that_leads_to_the_gui_api(state: State) -> None:
    backend = {"name": "gui-api", "namespace": "tracardi-console", "port": 8080}
    state.spec("HTTPRoute", "track-balancer")["rules"].append({"backendRefs": [backend]})


@refused(
    "internet-reaches-no-gui-api",
    "HTTPRoute tracardi-console/late",
    also=(
        "entries-serve-tls",
        "gateways-verify-balancers",
        "internet-finds-only-collection-routes",
        "production-context-fits-the-role",
    ),
    stack="gateway",
)
def test_a_further_route_past_the_balancer(state: State) -> None:
    spec = state.duplicate("HTTPRoute", "gui-api-balancer", "late")["spec"]
    spec["rules"] = [{"backendRefs": [{"name": "gui-api", "port": 8080}]}]


@refused(
    "internet-reaches-only-the-api",
    f"{GUI} runs Tracardi's console",
    "frontend entry has no list of the clients that it tells",
    also=OPEN_CONSOLE,
    stack="gateway",
)
def test_a_console_without_a_list_of_clients(state: State) -> None:
    state.edit("gui-balancer", LIST, "")


@refused("internet-reaches-only-the-api", GUI, also=OPEN_CONSOLE, stack="gateway")
def test_a_list_that_judges_the_gateways_pods(state: State) -> None:
    state.edit("gui-balancer", LIST, "tcp-request connection reject unless trusted")


@refused("internet-reaches-only-the-api", GUI, also=OPEN_CONSOLE, stack="gateway")
def test_a_list_of_clients_that_nobody_tells(state: State) -> None:
    state.edit("gui-balancer", "http-request set-src var(txn.client)", "")


@refused("internet-reaches-only-the-api", GUI, also=OPEN_CONSOLE, stack="gateway")
def test_a_list_that_comes_before_the_address_is_told(state: State) -> None:
    state.edit("gui-balancer", LIST, "")
    state.edit("gui-balancer", "    http-request set-src", f"    {LIST}\n    http-request set-src")


@refused("internet-reaches-only-the-api", GUI, also=OPEN_CONSOLE, stack="gateway")
def test_a_list_that_some_requests_are_let_past(state: State) -> None:
    state.edit("gui-balancer", LIST, f"http-request allow if {{ path /ok }}\n    {LIST}")


@refused("internet-reaches-only-the-api", GUI, also=OPEN_CONSOLE, stack="gateway")
def test_a_list_of_every_address(state: State) -> None:
    state.edit("gui-balancer", "acl trusted src", "acl trusted src 0.0.0.0/1 128.0.0.0/1")


@refused(
    TOLD,
    f"{GUI_BALANCER} frontend entry takes a client's address from where clients can write it (set-src)",
    f"{GUI_ROUTE} leads there",
    stack="gateway",
)
def test_an_address_that_is_counted_from_the_start(state: State) -> None:
    state.edit("gui-balancer", "x-forwarded-for,-1", "x-forwarded-for,1")


@refused(TOLD, "takes a client's address from where clients can write it", stack="gateway")
def test_an_address_from_a_header_that_no_proxy_writes(state: State) -> None:
    state.edit("gui-balancer", "req.hdr_ip(x-forwarded-for,-1)", "req.hdr_ip(x-real-ip)")


@refused(TOLD, "takes a client's address from where clients can write it", stack="gateway")
def test_an_address_that_some_requests_may_choose(state: State) -> None:
    state.edit(
        "gui-balancer",
        "    http-request set-src",
        "    http-request set-var(txn.client) req.hdr_ip(x-client) if { path /ok }\n    http-request set-src",
    )


@refused(TOLD, "takes a client's address from where clients can write it", stack="gateway")
def test_requests_without_an_address_that_are_judged_by_the_gateways_own(state: State) -> None:
    state.edit("gui-balancer", "http-request deny deny_status 400 unless", "# unless")


@refused(TOLD, "takes a client's address from where clients can write it", stack="gateway")
def test_quotation_marks_that_hide_what_the_gateway_appends(state: State) -> None:
    state.edit("track-balancer", "http-request deny deny_status 400 if { req.fhdr", "# { req.fhdr")


@refused(TOLD, "takes a client's address from where clients can write it", stack="gateway")
def test_an_address_that_is_told_too_late(state: State) -> None:
    line = "http-request set-var(txn.client) req.hdr_ip(x-forwarded-for,-1)"
    state.edit("track-balancer", line, "")
    state.edit("track-balancer", "    default_backend", f"    {line}\n    default_backend")


@refused(
    TOLD,
    f"{GUI_BALANCER} frontend entry believes a header, and NetworkPolicy tracardi-console/gui-balancer admits others",
    stack="gateway",
)
def test_a_network_that_reaches_a_balancer_past_its_gateway(state: State) -> None:
    admit(state, {"ipBlock": {"cidr": "10.0.0.0/8"}})


@refused(TOLD, "admits others than a Gateway", also=("policies-name-who-connects",), stack="gateway")
def test_pods_of_every_namespace_that_reach_a_balancer_past_its_gateway(state: State) -> None:
    admit(state, {"namespaceSelector": {}})


@refused(TOLD, "admits others than a Gateway", stack="gateway")
def test_pods_of_the_stack_that_reach_a_balancer_past_its_gateway(state: State) -> None:
    admit(state, {"podSelector": {}})


@refused(TOLD, "admits others than a Gateway", stack="gateway")
def test_pods_of_a_namespace_of_the_stack_that_reach_a_balancer_past_its_gateway(state: State) -> None:
    admit(state, {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "tracardi-track"}}})


@refused(TOLD, "pods of several namespaces may connect: elsewhere, gateways", stack="gateway")
def test_pods_elsewhere_that_reach_a_balancer_past_its_gateway(state: State) -> None:
    admit(state, {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "elsewhere"}}})


@refused(
    TOLD,
    "admits others than a Gateway",
    also=(
        "internet-finds-only-collection-routes",
        "internet-reaches-only-the-api",
        "public-certificates-are-trusted",
        "source-lists-are-narrow",
        "trusted-entries-are-closed-in-each-layer",
    ),
    stack="gateway",
)
def test_a_further_policy_that_opens_a_balancer_to_everybody(state: State) -> None:
    policy = state.duplicate("NetworkPolicy", "gui-balancer", "open")["spec"]
    policy["ingress"] = [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"protocol": "TCP", "port": 8443}]}]


@refused(
    TOLD,
    "admits others than a Gateway",
    stack="gateway",
)
def test_a_public_balancer_that_everybody_reaches_past_its_gateway(state: State) -> None:
    peers = state.spec("NetworkPolicy", "track-balancer")["ingress"][0]["from"]
    peers.append({"ipBlock": {"cidr": "0.0.0.0/0"}})


@refused(
    "entries-serve-tls",
    f"{TRACK_ROUTE} listener http of Gateway tracardi-track/track-balancer takes its requests without a certificate",
    stack="gateway",
)
def test_a_route_at_every_listener(state: State) -> None:
    del state.spec("HTTPRoute", "track-balancer")["parentRefs"][0]["sectionName"]


@refused("entries-serve-tls", "listener http of Gateway", also=("each-balancer-has-one-entry",), stack="gateway")
def test_a_redirect_that_became_a_route(state: State) -> None:
    rules = state.spec("HTTPRoute", "track-balancer")["rules"]
    state.spec("HTTPRoute", "track-balancer-redirect")["rules"] = rules


@refused("entries-serve-tls", "listener https of Gateway", stack="gateway")
def test_a_listener_that_does_not_end_tls(state: State) -> None:
    state.spec("Gateway", "track-balancer")["listeners"][0]["tls"]["mode"] = "Passthrough"


@refused("entries-serve-tls", "listener https of Gateway", stack="gateway")
def test_a_listener_without_a_certificate(state: State) -> None:
    state.spec("Gateway", "gui-balancer")["listeners"][0]["tls"]["certificateRefs"] = []


@refused(
    "entries-can-be-followed",
    "Gateway tracardi-track/track-balancer takes routes from other namespaces at its listener https",
    stack="gateway",
)
def test_a_listener_for_routes_from_everywhere(state: State) -> None:
    state.spec("Gateway", "track-balancer")["listeners"][0]["allowedRoutes"]["namespaces"]["from"] = "All"


@refused(
    "entries-can-be-followed",
    f"{TRACK_ROUTE} belongs to shared, which is no Gateway of the stack",
    stack="gateway",
)
def test_a_route_of_somebody_elses_gateway(state: State) -> None:
    state.spec("HTTPRoute", "track-balancer")["parentRefs"] = [{"name": "shared", "namespace": "gateways"}]


@refused("entries-can-be-followed", "leads to elsewhere, which is no Service of the stack", stack="gateway")
def test_a_route_out_of_the_stack(state: State) -> None:
    rule(state, "track-balancer")["backendRefs"].append({"name": "elsewhere", "port": 80})


@refused(
    "entries-can-be-followed",
    "leads to track-balancer-entry, which is no Service",
    stack="gateway",
    also=(
        "certificates-name-their-hosts",
        "connections-are-intended",
    ),
)
def test_a_backend_that_only_looks_like_a_service(state: State) -> None:
    rule(state, "track-balancer")["backendRefs"][0]["group"] = "example.com"


@refused("entries-can-be-followed", "has a rule with filter RequestMirror", stack="gateway")
def test_a_route_that_sends_copies(state: State) -> None:
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "gui-api", "port": 8080}}}
    rule(state, "track-balancer")["filters"] = [mirror]


@refused(
    "entries-can-be-followed",
    f"{GUI_ROUTE} has a rule with filter RequestHeaderModifier, which these rules do not follow",
    also=("internet-reaches-only-the-api", "internet-finds-only-collection-routes"),
    stack="gateway",
)
def test_a_route_that_writes_headers(state: State) -> None:
    header = {"name": "X-Forwarded-For", "value": "10.0.0.1"}
    rule(state, "gui-balancer")["filters"] = [
        {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [header]}}
    ]


@refused(
    "entries-can-be-followed",
    "has a rule with sessionPersistence",
    stack="gateway",
    also=("no-session-affinity",),
)
def test_a_route_with_something_unknown(state: State) -> None:
    rule(state, "track-balancer")["sessionPersistence"] = {"type": "Cookie"}


@refused(
    "entries-can-be-followed",
    "has rules or parents that cannot be seen",
    stack="gateway",
    also=(
        "certificates-name-their-hosts",
        "connections-are-intended",
    ),
)
def test_a_route_that_cannot_be_seen(state: State) -> None:
    state.spec("HTTPRoute", "track-balancer")["rules"] = UNKNOWN


@refused("entries-can-be-followed", "has rules or parents that cannot be seen", stack="gateway")
def test_a_route_whose_gateway_cannot_be_seen(state: State) -> None:
    state.spec("HTTPRoute", "track-balancer")["parentRefs"] = UNKNOWN


@refused(
    "gateways-verify-balancers",
    "Service tracardi-track/track-balancer-entry has no BackendTLSPolicy that verifies its pods",
    f"{TRACK_ROUTE} leads there",
    stack="gateway",
)
def test_a_gateway_that_verifies_nobody(state: State) -> None:
    state.remove("BackendTLSPolicy", "track-balancer")


@refused("gateways-verify-balancers", "Service tracardi-console/gui-balancer-entry", stack="gateway")
def test_a_gateway_that_knows_no_authority(state: State) -> None:
    state.spec("BackendTLSPolicy", "gui-balancer")["validation"]["caCertificateRefs"] = []


@refused("gateways-verify-balancers", "Service tracardi-console/gui-balancer-entry", stack="gateway")
def test_a_gateway_that_verifies_another_port(state: State) -> None:
    state.spec("BackendTLSPolicy", "gui-balancer")["targetRefs"][0]["sectionName"] = "http"


@refused(
    "only-kinds-that-are-judged",
    "gateway.networking.k8s.io/TCPRoute",
    also=("entries-can-be-followed",),
    stack="gateway",
)
def test_a_route_that_no_rule_follows(state: State) -> None:
    name = {"name": "stores", "namespace": "tracardi-data"}
    state.add("kubernetes:gateway.networking.k8s.io/v1alpha2:TCPRoute", {"metadata": name, "spec": {}})


@refused("gateways-verify-balancers", "has no BackendTLSPolicy that verifies its pods", stack="gateway")
def test_a_policy_for_something_else_of_the_name(state: State) -> None:
    state.spec("BackendTLSPolicy", "track-balancer")["targetRefs"][0]["group"] = "example.com"


@refused(
    "certificates-name-their-hosts",
    "shows no certificate for elsewhere.example.org, which HTTPRoute tracardi-track/track-balancer-redirect is for",
    stack="gateway",
)
def test_a_route_that_redirects_to_others(state: State) -> None:
    rule(state, "track-balancer-redirect")["filters"][0]["requestRedirect"]["hostname"] = "elsewhere.example.org"
