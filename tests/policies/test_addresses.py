"""Clients' addresses: the pack refuses proxies that let strangers choose how they are judged."""

from tests.policies.refusals import accepted, refused
from tests.policies.state import State

TOLD = "client-addresses-are-told-by-known-proxies"
CLOUD = "a cloud's network"
TRACK_BALANCER = "Deployment tracardi-track/track-balancer"
DECLARED = "expect-proxy layer4 if { src 198.51.100.0/28 }"


@refused(
    TOLD,
    f"{TRACK_BALANCER} frontend entry lets any address tell a client's address (expect-proxy)",
    "frontend plain lets any address",
    "Service tracardi-track/track-balancer-entry leads there",
    stack=CLOUD,
)
def test_a_proxy_protocol_for_everybody(state: State) -> None:
    state.edit("track-balancer", DECLARED, "expect-proxy layer4")


@refused(TOLD, "frontend entry lets 0.0.0.0/0 tell a client's address", stack=CLOUD)
def test_a_proxy_protocol_for_every_address(state: State) -> None:
    state.edit("track-balancer", DECLARED, "expect-proxy layer4 if { src 0.0.0.0/1 128.0.0.0/1 }")


@refused(TOLD, "lets any address tell", stack=CLOUD)
def test_a_proxy_protocol_for_everybody_but_a_few(state: State) -> None:
    state.edit("track-balancer", DECLARED, "expect-proxy layer4 if !{ src 198.51.100.0/28 }")


@refused(TOLD, "lets any address tell", stack=CLOUD)
def test_a_proxy_protocol_with_a_second_way_in(state: State) -> None:
    state.edit("track-balancer", DECLARED, f"{DECLARED} or {{ always_true }}")


@refused(TOLD, "lets everybody tell a client's address (accept-proxy)")
def test_a_port_that_believes_everybody(state: State) -> None:
    state.edit("track-balancer", "alpn h2,http/1.1", "alpn h2,http/1.1 accept-proxy")


@refused(
    TOLD,
    "takes a client's address from where clients can write it",
    also=("trusted-entries-are-closed-in-each-layer",),
)
def test_a_header_that_clients_write(state: State) -> None:
    state.edit(
        "gui-balancer", "    stick-table", "    http-request set-src req.hdr_ip(x-forwarded-for,1)\n    stick-table"
    )


@refused(
    TOLD,
    "takes a client's address from where clients can write it",
    also=("trusted-entries-are-closed-in-each-layer",),
)
def test_an_address_that_is_replaced_as_soon_as_somebody_connects(state: State) -> None:
    state.edit("gui-balancer", "    stick-table", "    tcp-request session set-src src,ipmask(0)\n    stick-table")


@refused(
    "internet-reaches-only-the-api",
    "frontend entry behind it has no source allow list",
    also=("internet-finds-only-collection-routes",),
)
def test_a_list_that_judges_the_clouds_balancer_and_not_the_client(state: State) -> None:
    state.spec("Service", "gui-balancer-entry")["allocateLoadBalancerNodePorts"] = True
    state.edit(
        "gui-balancer",
        "    tcp-request connection reject",
        "    tcp-request connection expect-proxy layer4 if { src 198.51.100.0/28 }\n    tcp-request connection reject",
    )


@accepted(TOLD, stack=CLOUD)
def test_a_proxy_protocol_for_two_proxies(state: State) -> None:
    two = "expect-proxy layer4 if { src 198.51.100.1 } or { src 198.51.100.2 }"
    state.inputs("ConfigMap", "track-balancer")["data"]["haproxy.cfg"] = state.inputs("ConfigMap", "track-balancer")[
        "data"
    ]["haproxy.cfg"].replace(DECLARED, two)


@accepted(TOLD, stack="gateway")
def test_an_address_that_is_told_without_a_detour(state: State) -> None:
    for balancer in ("gui-balancer", "gui-api-balancer", "track-balancer"):
        state.edit(balancer, "    http-request set-var(txn.client) req.hdr_ip(x-forwarded-for,-1)\n", "")
        state.edit(balancer, "unless { var(txn.client) -m found }", "unless { hdr_ip(x-forwarded-for,-1) -m found }")
        state.edit(balancer, "set-src var(txn.client)", "set-src hdr_ip(x-forwarded-for,-1)")
