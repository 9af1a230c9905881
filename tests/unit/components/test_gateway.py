"""Entries behind a Gateway: what stands in place of the Service, and what stays in the balancer pods."""

from typing import Any

import pytest
from pulumi.runtime.mocks import MockResourceArgs

from components.certificates import Issuer, ProvidedSecret
from tests.unit.components.entries import ISSUER, entry
from tests.unit.engine import Answers, JsonObject, Recording, Registered

GATEWAY: JsonObject = {
    "mode": "gateway",
    "gateway": {
        "className": "cilium",
        "proxies": {"namespace": "gateways"},
        "annotations": {"example.com/internal": "true"},
    },
}
SERVICE_HOST = "gui-balancer-entry.tracardi-console.svc.cluster.local"


@pytest.fixture(scope="module")
def stack() -> Recording:
    """The console's entry behind a Gateway, with a certificate from cert-manager."""
    return entry(GATEWAY)


def gateway_of(stack: Recording) -> Registered:
    return stack.find("Gateway", "gui-balancer", "tracardi-console")


def listeners(stack: Recording) -> dict[str, JsonObject]:
    return {listener["name"]: listener for listener in gateway_of(stack).spec["listeners"]}


def test_the_gateway_is_the_only_way_in(stack: Recording) -> None:
    assert {service.spec.get("type", "ClusterIP") for service in stack.of_kind("Service")} == {"ClusterIP"}
    spec = stack.find("Service", "gui-balancer-entry").spec
    assert {port["port"]: port["targetPort"] for port in spec["ports"]} == {443: 8443}
    assert not {"externalTrafficPolicy", "loadBalancerSourceRanges", "allocateLoadBalancerNodePorts"} & set(spec)
    assert "http" not in {
        port["name"] for port in stack.find("Deployment", "gui-balancer").container("haproxy")["ports"]
    }


def test_the_gateway_is_of_the_chosen_class_and_listens_for_one_host(stack: Recording) -> None:
    gateway = gateway_of(stack)
    assert gateway.inputs["apiVersion"] == "gateway.networking.k8s.io/v1"
    assert gateway.spec["gatewayClassName"] == "cilium"
    assert gateway.inputs["metadata"]["annotations"] == {"example.com/internal": "true"}

    found = listeners(stack)
    assert {(each["protocol"], each["port"]) for each in found.values()} == {("HTTPS", 443), ("HTTP", 80)}
    for listener in found.values():
        assert listener["hostname"] == "entry.example.com"
        assert listener["allowedRoutes"] == {"namespaces": {"from": "Same"}}


@pytest.mark.parametrize(
    ("issuer", "secret"),
    [(ISSUER, "gui-balancer-tls"), (ProvidedSecret("theirs"), "theirs"), (None, "gui-balancer-tls")],
)
def test_clients_see_the_entry_s_certificate_and_the_gateway_another(issuer: Issuer | None, secret: str) -> None:
    stack = entry(GATEWAY, issuer=issuer)

    assert listeners(stack)["https"]["tls"] == {
        "mode": "Terminate",
        "certificateRefs": [{"kind": "Secret", "name": secret}],
    }
    volumes = {volume["name"]: volume for volume in stack.find("Deployment", "gui-balancer").pod["volumes"]}
    assert volumes["certificate"]["secret"]["secretName"] == "gui-balancer-backend-tls"


def test_requests_lead_to_the_balancer_pods_and_plain_ones_are_redirected(stack: Recording) -> None:
    for route in stack.of_kind("HTTPRoute"):
        assert route.spec["hostnames"] == ["entry.example.com"]
        assert route.namespace == "tracardi-console"
    forward = stack.find("HTTPRoute", "gui-balancer").spec
    assert forward["parentRefs"] == [{"name": "gui-balancer", "sectionName": "https"}]
    assert forward["rules"] == [{"backendRefs": [{"name": "gui-balancer-entry", "port": 443}]}]

    redirect = stack.find("HTTPRoute", "gui-balancer-redirect").spec
    assert redirect["parentRefs"] == [{"name": "gui-balancer", "sectionName": "http"}]
    (rule,) = redirect["rules"]
    (filtered,) = rule["filters"]
    assert "backendRefs" not in rule
    assert filtered["requestRedirect"] == {
        "scheme": "https",
        "hostname": "entry.example.com",
        "port": 443,
        "statusCode": 301,
    }


def test_the_gateway_verifies_the_balancer_pods_by_an_authority_of_the_stack(stack: Recording) -> None:
    (request,) = [made for made in stack.of_kind("CertRequest") if "backend" in made.name]
    (signed,) = [made for made in stack.of_kind("LocallySignedCert") if "backend" in made.name]
    policy = stack.find("BackendTLSPolicy", "gui-balancer", "tracardi-console").spec

    assert policy["targetRefs"] == [{"group": "", "kind": "Service", "name": "gui-balancer-entry"}]
    assert policy["validation"]["hostname"] == SERVICE_HOST
    assert request.inputs["dnsNames"] == [SERVICE_HOST]
    (reference,) = policy["validation"]["caCertificateRefs"]
    assert reference == {"group": "", "kind": "ConfigMap", "name": "gui-balancer-backend-ca"}
    trusted = stack.find("ConfigMap", reference["name"], "tracardi-console").inputs["data"]
    assert trusted == {"ca.crt": "inside certificate"}
    assert signed.inputs["caCertPem"] == trusted["ca.crt"]


def test_nothing_can_verify_the_pods_without_an_authority_of_the_stack() -> None:
    with pytest.raises(TypeError, match=r"entry\.example\.com"):
        entry(GATEWAY, inside=False)


def test_lists_and_limits_stay_in_the_pods_and_judge_the_client_that_was_told(stack: Recording) -> None:
    configuration = stack.find("ConfigMap", "gui-balancer").inputs["data"]["haproxy.cfg"]
    assert "http-request set-src var(txn.client)" in configuration
    assert "http-request deny deny_status 403 unless trusted" in configuration
    assert "req.hdr_ip(x-forwarded-for,-1)" in configuration


def test_the_gateway_listens_only_when_the_pods_are_there(stack: Recording) -> None:
    gateway = gateway_of(stack)
    for earlier in (
        stack.find("Deployment", "gui-balancer"),
        stack.find("Service", "gui-balancer-entry"),
        stack.find("BackendTLSPolicy", "gui-balancer"),
        stack.find("Certificate", "gui-balancer"),
    ):
        assert stack.comes_after(gateway, earlier), earlier.name


def test_the_service_changes_in_place_between_the_modes(stack: Recording) -> None:
    """Two resources of one name in the cluster: deleting the old one would delete the new one."""
    (before,) = [each for each in entry({}).registered if each.name == "entry-entry"]
    after = stack.find("Service", "gui-balancer-entry")
    assert (before.urn, before.object_name) == (after.urn, after.object_name)


def test_the_addresses_are_those_that_the_implementation_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Answers.new_resource

    def answer(self: Answers, args: MockResourceArgs) -> tuple[str | None, JsonObject]:
        identity, state = original(self, args)
        if args.typ.endswith(":Gateway"):
            addresses = [
                {"type": "IPAddress", "value": "198.51.100.9"},
                {"type": "Hostname", "value": "lb.example.com"},
            ]
            status: dict[str, Any] = {"conditions": [], "addresses": addresses}
            state["status"] = status
        return identity, state

    monkeypatch.setattr(Answers, "new_resource", answer)
    assert entry(GATEWAY).outputs["addresses"] == ["198.51.100.9", "lb.example.com"]


def test_a_gateway_that_nothing_has_answered_yet_has_no_address(stack: Recording) -> None:
    assert stack.outputs["addresses"] == []
