"""The entries: what they are reached by, what they let pass, and whom."""

import pytest

from components.certificates import Issuer, ProvidedSecret
from components.haproxy import Upstream
from tests.unit.components.conftest import build
from tests.unit.components.entries import INSTANCES, ISSUER, TRUSTED, VERIFIED_INSTANCES, entry
from tests.unit.engine import JsonObject, Recording, Registered
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


def test_the_public_balancers_are_as_many_as_a_declared_load_needs() -> None:
    load = {"sustained": 250, "peak": 800, "newVisitors": 0}
    stack = build(settings_of(changed(stack_file("prod"), capacity=load, track__balancer=None)))

    replicas = {name: stack.find("Deployment", f"{name}-balancer").spec["replicas"] for name in ("track", "gui")}
    assert replicas == {"track": 4, "gui": 2}
    # What an instance can take is shared among all of them: 64 requests.
    assert "maxconn 16" in configuration(stack, "track-balancer")


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


def test_a_changed_configuration_rolls_the_balancers(prod: Recording) -> None:
    after = build(settings_of(changed(stack_file("prod"), track__balancer__maxBodyBytes=2048)))

    def annotations(stack: Recording) -> JsonObject:
        return dict(stack.find("Deployment", "track-balancer").spec["template"]["metadata"]["annotations"])

    assert annotations(prod) != annotations(after)


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


def service(**settings: object) -> Registered:
    """The Service of an entry with these settings, for trusted networks."""
    return entry({"service": settings}).find("Service", "gui-balancer-entry")


@pytest.mark.parametrize(
    ("kind", "annotation"),
    [
        ("LoadBalancer", ("pulumi.com/waitFor", "jsonpath={.status.loadBalancer.ingress}")),
        ("NodePort", ("pulumi.com/skipAwait", "true")),
        ("ClusterIP", ("pulumi.com/skipAwait", "true")),
    ],
)
def test_an_entry_is_waited_for_until_it_has_its_address(kind: str, annotation: tuple[str, str]) -> None:
    made = service(type=kind)
    assert made.spec["type"] == kind
    assert annotation in made.inputs["metadata"]["annotations"].items()


def test_the_cloud_is_told_what_the_settings_say() -> None:
    made = service(loadBalancerClass="cloud.example.com/internal", annotations={"cloud.example.com/internal": "true"})
    assert made.spec["loadBalancerClass"] == "cloud.example.com/internal"
    assert made.inputs["metadata"]["annotations"]["cloud.example.com/internal"] == "true"
    assert "loadBalancerClass" not in service().spec


def test_annotations_of_the_settings_do_not_change_what_is_waited_for() -> None:
    made = service(annotations={"pulumi.com/waitFor": "nothing"})
    assert made.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == "jsonpath={.status.loadBalancer.ingress}"


@pytest.mark.parametrize("kind", ["LoadBalancer", "NodePort"])
def test_client_addresses_are_kept_unless_the_settings_give_them_up(kind: str) -> None:
    assert service(type=kind).spec["externalTrafficPolicy"] == "Local"
    assert service(type=kind, externalTrafficPolicy="Cluster").spec["externalTrafficPolicy"] == "Cluster"


def test_a_service_inside_the_cluster_has_nothing_that_only_outer_ones_may_have() -> None:
    made = service(type="ClusterIP").spec
    assert not {"externalTrafficPolicy", "loadBalancerSourceRanges", "allocateLoadBalancerNodePorts"} & set(made)


def test_nodes_open_ports_only_where_that_is_asked_for() -> None:
    assert service().spec["allocateLoadBalancerNodePorts"] is False
    assert service(allocateLoadBalancerNodePorts=True).spec["allocateLoadBalancerNodePorts"] is True
    # Only a Service of type LoadBalancer may have the field at all.
    assert "allocateLoadBalancerNodePorts" not in service(type="NodePort").spec


def test_what_a_service_keeps_for_life_is_changed_by_a_new_one() -> None:
    """Kubernetes keeps node ports that were given once, and refuses another class."""
    assert set(service().replaced_on) == {"spec.allocateLoadBalancerNodePorts", "spec.loadBalancerClass"}


def test_a_cluster_that_gives_no_address_is_not_waited_for_in_vain() -> None:
    assert service().patience == "5m"


def test_the_cloud_s_balancer_knows_the_trusted_networks() -> None:
    assert service().spec["loadBalancerSourceRanges"] == list(TRUSTED)
    assert "loadBalancerSourceRanges" not in service(type="NodePort").spec
    public = entry({}, public=True).find("Service", "track-balancer-entry")
    assert "loadBalancerSourceRanges" not in public.spec


@pytest.mark.parametrize("policy", ["SingleStack", "PreferDualStack", "RequireDualStack"])
def test_the_families_of_addresses_are_always_said(policy: str) -> None:
    """A Service that was dual-stack stays so for as long as nobody says otherwise."""
    assert service(ipFamilyPolicy=policy).spec["ipFamilyPolicy"] == policy


@pytest.mark.parametrize("kind", ["LoadBalancer", "NodePort", "ClusterIP"])
def test_no_entry_is_sticky(kind: str) -> None:
    assert service(type=kind).spec.get("sessionAffinity") in (None, "None")


def test_the_addresses_are_those_that_the_service_got() -> None:
    assert entry({}).outputs["addresses"] == ["198.51.100.7"]


def haproxy(stack: Recording) -> tuple[JsonObject, JsonObject]:
    """The balancer's container, and its pod's volumes by name."""
    deployment = stack.find("Deployment", "gui-balancer")
    return deployment.container("haproxy"), {volume["name"]: volume for volume in deployment.pod["volumes"]}


def mounts(container: JsonObject) -> dict[str, JsonObject]:
    return {mount["name"]: mount for mount in container["volumeMounts"]}


@pytest.mark.parametrize(("issuer", "secret"), [(ISSUER, "gui-balancer-tls"), (ProvidedSecret("theirs"), "theirs")])
def test_a_certificate_that_others_renew_reaches_the_pods_as_a_folder(issuer: Issuer, secret: str) -> None:
    """A file mounted by subPath is never replaced."""
    container, volumes = haproxy(entry({}, issuer=issuer))

    mount = mounts(container)["certificate"]
    assert (mount["mountPath"], mount["readOnly"], "subPath" in mount) == ("/etc/haproxy/certs", True, False)
    source = volumes["certificate"]["secret"]
    assert source["secretName"] == secret
    assert "optional" not in source
    # HAProxy pairs a certificate with the key that is called like it.
    assert {item["key"]: item["path"] for item in source["items"]} == {"tls.crt": "tls.crt", "tls.key": "tls.crt.key"}


def test_haproxy_runs_under_a_supervisor_that_watches_what_others_renew() -> None:
    stack = entry({})
    container, _ = haproxy(stack)
    separator = container["command"].index("--")

    assert container["command"][:separator] == ["sh", "/etc/haproxy/supervise.sh", "USR2", "USR1", "/etc/haproxy/certs"]
    assert container["command"][separator + 1 :] == ["haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"]
    assert set(stack.find("ConfigMap", "gui-balancer").inputs["data"]) == {"haproxy.cfg", "supervise.sh"}
    assert mounts(container)["configuration"]["mountPath"] == "/etc/haproxy"


def test_the_authority_of_the_instances_is_watched_too_and_their_key_is_not_mounted() -> None:
    container, volumes = haproxy(entry({}, upstream=VERIFIED_INSTANCES))

    assert container["command"][4] == "/etc/haproxy/certs:/etc/haproxy/upstream"
    assert mounts(container)["upstream"]["mountPath"] == "/etc/haproxy/upstream"
    assert volumes["upstream"]["secret"] == {
        "secretName": "instances-tls",
        "defaultMode": 0o440,
        "items": [{"key": "ca.crt", "path": "ca.crt"}],
    }


def test_without_tls_inside_no_authority_is_mounted() -> None:
    container, volumes = haproxy(entry({}))
    assert "upstream" not in volumes
    assert "upstream" not in mounts(container)


def test_pods_wait_for_whatever_makes_their_certificate() -> None:
    stack = entry({})
    assert stack.comes_after(stack.find("Deployment", "gui-balancer"), stack.find("Certificate", "gui-balancer"))


@pytest.mark.parametrize(("upstream", "scheme"), [(INSTANCES, None), (VERIFIED_INSTANCES, "HTTPS")])
def test_kubelet_and_scrapers_ask_a_port_of_their_own(upstream: Upstream, scheme: str | None) -> None:
    container, _ = haproxy(entry({}, upstream=upstream))
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] == 8404
        assert container[probe]["httpGet"].get("scheme") == scheme
    entry_ports = {port["targetPort"] for port in service().spec["ports"]}
    assert 8404 not in entry_ports


@pytest.mark.parametrize("upstream", [INSTANCES, VERIFIED_INSTANCES])
def test_a_new_balancer_gets_no_clients_before_it_meets_an_instance_and_keeps_them_when_all_have_gone(
    upstream: Upstream,
) -> None:
    container, _ = haproxy(entry({}, upstream=upstream))

    assert container["startupProbe"]["httpGet"]["path"] == "/startupz"
    for probe in ("readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] == "/healthz"
