"""The entries: what they are reached by, what they let pass, and whom."""

import pytest

from components.haproxy import Upstream, haproxy_configuration
from settings.balancer import BalancerSettings
from tests.unit.components.conftest import build
from tests.unit.engine import JsonObject, Recording
from tests.unit.stacks import changed, settings_of, stack_file


def configuration(stack: Recording, role: str) -> str:
    return str(stack.find("ConfigMap", role).inputs["data"]["haproxy.cfg"])


def lines(stack: Recording, role: str) -> list[str]:
    return [line.strip() for line in configuration(stack, role).splitlines()]


def test_entries_are_the_only_way_in(stack: Recording) -> None:
    outside = {
        service.object_name
        for service in stack.of_kind("Service")
        if service.spec.get("type", "ClusterIP") != "ClusterIP" or service.spec.get("externalIPs")
    }
    assert outside == {"track-balancer-entry", "gui-balancer-entry", "gui-api-balancer-entry"}
    for workload in stack.workloads():
        assert not workload.pod.get("hostNetwork")
        assert not [
            port
            for container in workload.pod["containers"]
            for port in container.get("ports", [])
            if "hostPort" in port
        ]


def test_clients_keep_their_addresses_and_nodes_open_no_port(prod: Recording) -> None:
    for role in ("track-balancer", "gui-balancer", "gui-api-balancer"):
        spec = prod.find("Service", f"{role}-entry").spec
        assert spec["externalTrafficPolicy"] == "Local"
        assert spec["allocateLoadBalancerNodePorts"] is False
        assert {port["port"]: port["targetPort"] for port in spec["ports"]} == {443: 8443, 80: 8081}
        assert "sessionAffinity" not in spec


def test_the_trusted_networks_stand_in_all_three_places(prod: Recording) -> None:
    trusted = ["192.0.2.0/24", "2001:db8:1::/48"]
    for role in ("gui-balancer", "gui-api-balancer"):
        assert prod.find("Service", f"{role}-entry").spec["loadBalancerSourceRanges"] == trusted
        assert f"acl trusted src {' '.join(trusted)}" in lines(prod, role)
        assert lines(prod, role).count("tcp-request connection reject unless trusted") == 2
        (rule,) = prod.find("NetworkPolicy", role).spec["ingress"]
        assert [peer["ipBlock"]["cidr"] for peer in rule["from"]] == trusted


def test_the_public_entry_has_no_source_list_but_a_path_list(prod: Recording) -> None:
    assert "loadBalancerSourceRanges" not in prod.find("Service", "track-balancer-entry").spec
    found = lines(prod, "track-balancer")
    assert "acl track-path path -m reg ^/track$" in found
    assert "acl track-method method POST OPTIONS" in found
    assert "http-request deny deny_status 404 unless track-path or tracker-path" in found
    assert "http-request deny deny_status 405 if track-path !track-method" in found


def test_optional_routes_pass_only_when_they_are_opened() -> None:
    closed = build(settings_of(changed(stack_file("prod"), track__routes=[])))
    opened = build(settings_of(changed(stack_file("prod"), track__routes=["collect", "redirect", "consent"])))

    assert "/collect/" not in configuration(closed, "track-balancer")
    assert "/tracker/" not in configuration(closed, "track-balancer")
    for route in ("/collect/", "/redirect/", "/customer/consent"):
        assert route in configuration(opened, "track-balancer")


def test_every_instance_that_may_exist_has_a_slot(prod: Recording, dev: Recording) -> None:
    """A missing slot silently starves a pod."""
    assert "server-template instance 11 track-api." in configuration(prod, "track-balancer")
    assert "server-template instance 3 gui-api." in configuration(prod, "gui-api-balancer")
    assert "server-template instance 3 track-api." in configuration(dev, "track-balancer")


def test_balancers_serve_tls_and_forward_the_true_client(stack: Recording) -> None:
    for role in ("track-balancer", "gui-balancer", "gui-api-balancer"):
        found = lines(stack, role)
        assert "ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets" in found
        assert "bind :8443 ssl crt /etc/haproxy/certs/tls.crt alpn h2,http/1.1" in found
        assert any(line.startswith("http-request redirect prefix https://") for line in found)
        assert "http-request set-header X-Forwarded-For %[src]" in found
        assert 'http-after-response set-header Strict-Transport-Security "max-age=31536000"' in found
        assert "balance roundrobin" in found
        assert not [line for line in found if line.startswith(("cookie", "stick on", "balance source"))]


def test_only_connections_that_failed_are_tried_again(stack: Recording) -> None:
    """Anything else could store an event twice."""
    found = lines(stack, "track-balancer")
    assert [line for line in found if line.startswith("retry-on")] == ["retry-on conn-failure"]
    assert "option redispatch 1" in found


def test_a_balancer_waits_longer_than_the_longest_request(stack: Recording) -> None:
    assert "timeout server 20s" in lines(stack, "track-balancer")
    assert "timeout queue 3s" in lines(stack, "track-balancer")


def test_access_logs_carry_no_query(stack: Recording) -> None:
    (log_format,) = [line for line in lines(stack, "track-balancer") if line.startswith("log-format")]
    assert "%HPO" in log_format
    for with_query in ("%HU", "%r ", "%HQ", "%{+Q}r"):
        assert with_query not in log_format


def test_a_changed_configuration_rolls_the_balancers(prod: Recording) -> None:
    after = build(settings_of(changed(stack_file("prod"), track__balancer__maxBodyBytes=2048)))

    def annotations(stack: Recording) -> JsonObject:
        return dict(stack.find("Deployment", "track-balancer").spec["template"]["metadata"]["annotations"])

    assert annotations(prod) != annotations(after)


def test_an_entry_open_to_everything_and_everybody_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="neither routes nor trusted networks"):
        haproxy_configuration("x.example.com", Upstream("x", 1, 1, "/"), BalancerSettings())


def test_service_settings_reach_the_entry() -> None:
    service = {
        "loadBalancerClass": "cloud.example.com/internal",
        "annotations": {"cloud.example.com/internal": "true"},
        "allocateLoadBalancerNodePorts": True,
    }
    stack = build(settings_of(changed(stack_file("prod"), gui__balancer__service=service)))

    entry = stack.find("Service", "gui-balancer-entry")
    assert entry.spec["loadBalancerClass"] == "cloud.example.com/internal"
    assert entry.spec["allocateLoadBalancerNodePorts"] is True
    assert entry.inputs["metadata"]["annotations"]["cloud.example.com/internal"] == "true"


@pytest.mark.parametrize(
    ("kind", "annotation"),
    [
        ("LoadBalancer", ("pulumi.com/waitFor", "jsonpath={.status.loadBalancer.ingress}")),
        ("NodePort", ("pulumi.com/skipAwait", "true")),
        ("ClusterIP", ("pulumi.com/skipAwait", "true")),
    ],
)
def test_an_entry_is_waited_for_until_it_has_its_address(kind: str, annotation: tuple[str, str]) -> None:
    stack = build(settings_of(changed(stack_file("prod"), track__balancer__service={"type": kind})))

    entry = stack.find("Service", "track-balancer-entry")
    assert entry.spec["type"] == kind
    assert annotation in entry.inputs["metadata"]["annotations"].items()


def test_certificates_come_from_the_chosen_source(dev: Recording, prod: Recording) -> None:
    certificates = {certificate.object_name: certificate.spec for certificate in prod.of_kind("Certificate")}
    assert certificates["track-balancer"]["dnsNames"] == ["track.example.com"]
    assert certificates["track-balancer"]["secretName"] == "track-balancer-tls"
    assert certificates["track-balancer"]["issuerRef"]["name"] == "letsencrypt"
    assert not [secret for secret in prod.of_kind("Secret") if secret.object_name == "track-balancer-tls"]

    secret = dev.find("Secret", "track-balancer-tls")
    assert secret.inputs["type"] == "kubernetes.io/tls"
    assert set(secret.inputs["data"]) == {"tls.crt", "tls.key", "ca.crt"}
    assert dev.of_kind("Certificate") == ()
