"""Affinity: the pack refuses whatever binds a client to an instance, in proxies, Services and clouds."""

import json

import pytest

from tests.policies.analysis import analyse
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State

RULE = "no-session-affinity"
AWS = "service.beta.kubernetes.io/aws-load-balancer-target-group-attributes"


@refused(RULE, "Service tracardi-track/track-api has session affinity")
def test_a_service_with_session_affinity(state: State) -> None:
    state.spec("Service", "track-api")["sessionAffinity"] = "ClientIP"


@refused(RULE, "track-balancer binds clients to an instance: cookie SERVER in backend instances")
def test_a_balancer_with_a_cookie(state: State) -> None:
    state.edit("track-balancer", "    balance roundrobin", "    balance roundrobin\n    cookie SERVER insert")


@refused(RULE, "balance source in backend instances")
def test_a_balancer_that_chooses_by_the_clients_address(state: State) -> None:
    state.edit("gui-api-balancer", "balance roundrobin", "balance source")


@refused(RULE, "binds clients to an instance: a server that is backup in backend instances")
def test_servers_that_only_stand_by(state: State) -> None:
    state.edit("track-balancer", "default-server check", "default-server backup check")


@refused(RULE, f"Service tracardi-track/track-balancer-entry asks a cloud for session affinity: annotation {AWS}")
def test_a_cloud_that_is_asked_for_stickiness(state: State) -> None:
    entry = state.inputs("Service", "track-balancer-entry")
    entry["metadata"].setdefault("annotations", {})[AWS] = "stickiness.enabled=true,stickiness.type=source_ip"


@refused(
    RULE,
    "HTTPRoute tracardi-track/track-balancer has session persistence",
    also=("entries-can-be-followed",),
    stack="gateway",
)
def test_a_route_with_session_persistence(state: State) -> None:
    for rule in state.spec("HTTPRoute", "track-balancer")["rules"]:
        rule["sessionPersistence"] = {"sessionName": "instance"}


@accepted(RULE)
def test_a_service_that_says_that_it_has_none(state: State) -> None:
    state.spec("Service", "track-api")["sessionAffinity"] = "None"


@accepted(RULE)
def test_a_balancer_that_chooses_whoever_has_least_to_do(state: State) -> None:
    state.edit("track-balancer", "balance roundrobin", "balance leastconn")
    state.edit("gui-api-balancer", "balance roundrobin", "balance random(2)")
    state.edit("gui-balancer", "    balance roundrobin\n", "")


@accepted(RULE)
def test_a_cloud_that_is_told_to_keep_nothing(state: State) -> None:
    entry = state.inputs("Service", "track-balancer-entry")
    entry["metadata"].setdefault("annotations", {}).update(
        {
            AWS: "stickiness.enabled=false,stickiness.type=source_ip,preserve_client_ip.enabled=true",
            "service.beta.kubernetes.io/do-loadbalancer-sticky-sessions-type": "none",
            "load-balancer.hetzner.cloud/http-sticky-sessions": "false",
            "service.beta.kubernetes.io/aws-load-balancer-source-ranges": "198.51.100.0/24",
            "service.beta.kubernetes.io/aws-load-balancer-eip-allocations": UNKNOWN,
        }
    )


@pytest.mark.parametrize(
    "lines",
    [
        "balance first",
        "balance source",
        "balance uri",
        "balance url_param id",
        "balance hdr(user-agent)",
        "balance hash src",
        "balance rdp-cookie(mstshash)",
        "balance something-new",
        "stick on src",
        "stick match src table other",
        "stick store-request src",
        "stick store-response res.cook(id)",
        "appsession id len 32 timeout 3h",
        "persist rdp-cookie",
        "force-persist if { src 192.0.2.1 }",
        "use-server instance1 if { src 192.0.2.1 }",
        "option prefer-last-server",
        "dispatch 192.0.2.1:80",
        "default-server weight 0",
        "default-server disabled",
        "default-server redir http://192.0.2.1",
    ],
)
def test_a_backend_that_binds_clients(prod: State, lines: str) -> None:
    prod.edit("track-balancer", "    balance roundrobin\n", f"    balance roundrobin\n    {lines}\n")

    # Some of it is more than that, and leaves no configuration to judge.
    assert {RULE, "entries-can-be-followed"} & set(analyse(prod))


def test_what_defaults_say_counts_where_it_is_taken_over(prod: State) -> None:
    prod.edit("gui-balancer", "defaults\n", "defaults\n    option prefer-last-server\n")

    assert any("option prefer-last-server in backend instances" in message for message in analyse(prod)[RULE])


def test_a_backend_that_is_computed_from_the_client(prod: State) -> None:
    prod.edit("track-balancer", "default_backend instances", "use_backend %[src,mod(3)]")

    assert "use_backend %[src,mod(3)] in frontend entry" in "\n".join(analyse(prod)[RULE])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (AWS, "deregistration_delay.timeout_seconds=30,stickiness.enabled=true"),
        (AWS, " Stickiness.Enabled = TRUE "),
        ("service.beta.kubernetes.io/do-loadbalancer-sticky-sessions-type", "cookies"),
        ("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-sticky-session", "on"),
        ("service.beta.kubernetes.io/linode-loadbalancer-port-443", json.dumps({"stickiness": "table"})),
        ("load-balancer.hetzner.cloud/http-sticky-sessions", "true"),
        ("load-balancer.hetzner.cloud/http-sticky-sessions", UNKNOWN),
        ("kubernetes.io/elb.session-affinity-mode", "SOURCE_IP"),
        ("loadbalancer.openstack.org/lb-method", "SOURCE_IP"),
        ("oci.oraclecloud.com/loadbalancer-policy", "IP_HASH"),
        ("service.beta.kubernetes.io/exoscale-loadbalancer-service-strategy", "source-hash"),
        ("traefik.ingress.kubernetes.io/service.sticky.cookie", "true"),
    ],
)
def test_an_annotation_that_asks_a_cloud(prod: State, name: str, value: str) -> None:
    prod.inputs("Service", "track-balancer-entry")["metadata"]["annotations"] = {name: value}

    (message,) = analyse(prod)[RULE]
    assert f"annotation {name}. " in message


def test_annotations_of_which_nothing_can_be_seen(prod: State) -> None:
    prod.inputs("Service", "track-balancer-entry")["metadata"]["annotations"] = UNDECRYPTED

    assert set(analyse(prod)) == {RULE}
