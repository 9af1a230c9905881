"""Tunnels: the pack refuses sidecars that others can use, and ends that could be anybody."""

from tests.policies.refusals import accepted, refused
from tests.policies.state import UNKNOWN, State

RULE = "tunnels-stay-in-their-pod"
TRACK = "Deployment tracardi-track/track-api"
NAMESPACE = "tracardi-track"
ROUTER = "mysqlrouter.conf"
REDIS = "redis.tracardi-data.svc.cluster.local"


def edit(state: State, old: str, new: str, key: str = "haproxy.cfg") -> None:
    state.edit("tunnels", old, new, key, NAMESPACE)


@refused(
    "backends-are-verified",
    f"{TRACK} {REDIS} is not verified, in listen redis of container redis-tunnel",
    stack="tunnel",
)
def test_a_tunnel_that_verifies_nobody(state: State) -> None:
    edit(state, "ssl verify required", "ssl verify none")


@refused("backends-are-verified", "may show a certificate for another name", stack="tunnel")
def test_a_tunnel_to_another_name(state: State) -> None:
    edit(state, f"verifyhost {REDIS}", "verifyhost elsewhere.example.com")


@refused(
    "backends-are-verified",
    "cache.example.com is not verified",
    "Deployment tracardi-console/gui-api",
    stack="external data through tunnels",
)
def test_a_tunnel_out_of_the_cluster_that_verifies_nobody(state: State) -> None:
    state.edit("tunnels", "ssl verify required", "ssl verify none", namespace="tracardi-console")


@refused(RULE, f"{TRACK} has a tunnel that speaks to {REDIS} in plain text in container redis-tunnel", stack="tunnel")
def test_a_tunnel_without_tls(state: State) -> None:
    edit(state, "ssl verify required", "")


@refused(RULE, "in plain text", stack="tunnel")
def test_a_tunnel_that_takes_tls_back(state: State) -> None:
    edit(state, "ssl verify required", "ssl verify required no-ssl")


@refused(RULE, f"{TRACK} has a tunnel that others can use: redis listens on every address in container", stack="tunnel")
def test_a_tunnel_on_every_address(state: State) -> None:
    edit(state, "bind 127.0.0.1:6379", "bind :6379")


@refused(RULE, "redis listens on 0.0.0.0", stack="tunnel")
def test_a_tunnel_on_a_second_address(state: State) -> None:
    edit(state, "bind 127.0.0.1:6379", "bind 127.0.0.1:6379,0.0.0.0:6380")


@refused(
    RULE,
    "redis listens on /run/redis.sock",
    # A socket names no port, so it counts for every port.
    also=("internet-finds-only-collection-routes", "internet-reaches-only-the-api"),
    stack="tunnel",
)
def test_a_tunnel_on_a_socket(state: State) -> None:
    edit(state, "bind 127.0.0.1:6379", "bind 127.0.0.1:6379\n    bind /run/redis.sock")


@refused(
    RULE,
    "in plain text in container redis-tunnel",
    "redis listens on /run/redis.sock",
    also=("entries-lead-only-where-intended",),
    stack="tunnel",
)
def test_a_socket_does_not_make_a_tunnel_a_balancer(state: State) -> None:
    namespace = "tracardi-console"
    state.edit("tunnels", "bind 127.0.0.1:6379", "bind /run/redis.sock", namespace=namespace)
    state.edit("tunnels", "ssl verify required", "", namespace=namespace)


@refused(RULE, "health listens on every address", stack="tunnel")
def test_a_health_page_that_leads_on(state: State) -> None:
    edit(state, "    monitor-uri /healthz", "    monitor-uri /healthz\n    default_backend redis")


@refused(
    RULE,
    f"{TRACK} has a tunnel that cannot be judged (its command line starts socat",
    also=("entries-can-be-followed",),
    stack="tunnel",
)
def test_a_tunnel_that_starts_something_else(state: State) -> None:
    state.sidecar("track-api", "redis-tunnel")["command"] = ["socat", "TCP-LISTEN:6379", "TCP:elsewhere:6379"]


@refused(
    RULE,
    "has a tunnel that cannot be judged (the content of /etc/tunnels/haproxy.cfg cannot be seen)",
    "has a tunnel that cannot be judged (the content of /etc/tunnels/mysqlrouter.conf cannot be seen)",
    also=("entries-can-be-followed",),
    stack="tunnel",
)
def test_tunnels_whose_configuration_cannot_be_seen(state: State) -> None:
    data = state.inputs("ConfigMap", "tunnels", NAMESPACE)["data"]
    data.update({"haproxy.cfg": UNKNOWN, ROUTER: UNKNOWN})


@refused(RULE, f"{TRACK} has a tunnel that others can use: routing:tracardi listens on 0.0.0.0", stack="tunnel")
def test_a_router_on_every_address(state: State) -> None:
    edit(state, "bind_address = 127.0.0.1", "bind_address = 0.0.0.0", ROUTER)


@refused(RULE, "routing:tracardi listens on 127.0.0.1 and a socket", stack="tunnel")
def test_a_router_on_a_socket(state: State) -> None:
    edit(state, "bind_port = 3306", "bind_port = 3306\nsocket = /run/mysql.sock", ROUTER)


@refused(RULE, "has a tunnel that cannot be judged (a value of several lines)", stack="tunnel")
def test_a_router_with_a_value_that_goes_on(state: State) -> None:
    edit(state, "[routing:tracardi]", "[routing:tracardi]\nname = a\n  b", ROUTER)


@refused(RULE, "routing:tracardi has no server_ssl_mode REQUIRED", stack="tunnel")
def test_a_router_that_would_rather_speak_tls(state: State) -> None:
    edit(state, "server_ssl_mode = REQUIRED", "server_ssl_mode = PREFERRED", ROUTER)


@refused(RULE, "routing:tracardi has no server_ssl_verify VERIFY_IDENTITY", stack="tunnel")
def test_a_router_that_takes_any_name(state: State) -> None:
    edit(state, "VERIFY_IDENTITY", "VERIFY_CA", ROUTER)


@refused(RULE, "routing:tracardi has no server_ssl_ca", stack="tunnel")
def test_a_router_that_knows_no_authority(state: State) -> None:
    edit(state, "server_ssl_ca =", "# server_ssl_ca =", ROUTER)


@refused(
    RULE,
    "routing:tracardi verifies with ConfigMap tracardi-track/elasticsearch-ca, which does not have the authority",
    stack="tunnel",
)
def test_a_router_with_an_authority_that_signed_something_else(state: State) -> None:
    edit(state, "/etc/tunnels/mysql-ca.crt", "/etc/other/ca.crt", ROUTER)
    pod = state.pod("track-api")
    pod["volumes"].append({"name": "other", "configMap": {"name": "elasticsearch-ca"}})
    state.sidecar("track-api", "mysql-tunnel")["volumeMounts"].append({"name": "other", "mountPath": "/etc/other"})


@refused(RULE, f"{TRACK} speaks to {REDIS} past its tunnel in container api", stack="tunnel")
def test_an_api_that_does_not_use_its_tunnel(state: State) -> None:
    state.set_variable("track-api", "REDIS_HOST", value=REDIS)


@refused(RULE, "speaks to mysql.tracardi-data.svc.cluster.local past its tunnel in container api", stack="tunnel")
def test_an_api_that_does_not_use_its_router(state: State) -> None:
    state.set_variable("track-api", "MYSQL_HOST", value="mysql.tracardi-data.svc.cluster.local")


@accepted(RULE, stack="tunnel")
def test_tunnels_on_other_ports_of_the_pod_s_own(state: State) -> None:
    edit(state, "bind 127.0.0.1:6379", "bind 127.0.0.1:6379,[::1]:6379")
    edit(state, "bind_address = 127.0.0.1", "bind_address = ::1", ROUTER)
    edit(state, "server_ssl_mode = REQUIRED", "server_ssl_mode = required", ROUTER)


@refused(RULE, "section http_server is not known to these rules", stack="tunnel")
def test_a_router_with_an_interface_of_its_own(state: State) -> None:
    edit(state, "[io]", "[http_server]\nport = 8443\n\n[io]", ROUTER)


@refused(RULE, "its command line is not mysqlrouter with one configuration", stack="tunnel")
def test_a_router_with_a_second_configuration(state: State) -> None:
    state.sidecar("track-api", "mysql-tunnel")["command"] += ["--extra-config", "/other/more.conf"]


@refused("pods-are-restricted", f"{TRACK} may gain privileges in container redis-tunnel", stack="tunnel")
def test_a_sidecar_that_is_not_hardened(state: State) -> None:
    del state.sidecar("track-api", "redis-tunnel")["securityContext"]


@refused("containers-are-probed", f"{TRACK} has no startupProbe in container mysql-tunnel", stack="tunnel")
def test_a_sidecar_that_nobody_waits_for(state: State) -> None:
    del state.sidecar("track-api", "mysql-tunnel")["startupProbe"]


@refused("containers-are-probed", f"{TRACK} has no livenessProbe in container redis-tunnel", stack="tunnel")
def test_a_sidecar_with_a_port_that_nobody_asks(state: State) -> None:
    del state.sidecar("track-api", "redis-tunnel")["livenessProbe"]
