"""Certificates: the pack refuses those that are shown for another host, and those that strangers would refuse."""

from base64 import b64encode

import trustme

from tests.policies.refusals import accepted, refused
from tests.policies.state import State

NAMES = "certificates-name-their-hosts"
TRUSTED = "public-certificates-are-trusted"
BALANCER = "Deployment tracardi-track/track-balancer"
NODES = "StatefulSet tracardi-data/elasticsearch"


@refused(NAMES, f"{BALANCER} frontend entry shows no certificate for track.example.com in container haproxy")
def test_a_certificate_for_another_host(state: State) -> None:
    state.spec("Certificate", "track-balancer")["dnsNames"] = ["collect.example.com"]


@refused(NAMES, f"{BALANCER} frontend entry shows no certificate for track.example.com")
def test_an_asterisk_for_two_labels(state: State) -> None:
    state.spec("Certificate", "track-balancer")["dnsNames"] = ["*.com.example.com", "*.track.example.com"]


@refused(NAMES, "frontend entry shows no certificate for collect.example.com", "redirects to collect.example.com")
def test_a_proxy_that_answers_for_another_host(state: State) -> None:
    state.edit("track-balancer", "track.example.com", "collect.example.com")


@refused(NAMES, "frontend plain redirects to elsewhere.example.org, for which there is no certificate")
def test_a_redirect_to_others(state: State) -> None:
    state.edit("track-balancer", "prefix https://track.example.com", "prefix https://elsewhere.example.org")


@refused(NAMES, f"{BALANCER} frontend entry shows /run/certs/tls.crt, which no Secret holds, in container haproxy")
def test_a_certificate_of_the_image(state: State) -> None:
    state.edit("track-balancer", "crt /etc/haproxy/certs/tls.crt", "crt /run/certs/tls.crt")


@refused(NAMES, "frontend entry shows /etc/haproxy/certs/tls.crt, which no Secret holds, in container haproxy")
def test_a_certificate_that_is_not_mounted(state: State) -> None:
    container = state.container("track-balancer")
    container["volumeMounts"] = [mount for mount in container["volumeMounts"] if mount["name"] != "certificate"]


@refused(NAMES, "frontend entry shows no certificate for track.example.com")
def test_the_certificate_of_another_secret(state: State) -> None:
    """One that the stack writes itself, with what can be seen of it."""
    pem = trustme.CA().issue_cert("other.example.com").cert_chain_pems[0].bytes()
    about = {"name": "seen", "namespace": "tracardi-track"}
    data = {"tls.crt": b64encode(pem).decode()}
    state.add("kubernetes:core/v1:Secret", {"metadata": about, "type": "kubernetes.io/tls", "data": data})
    show(state, "seen")


@refused(NAMES, f"{NODES} shows no certificate for elasticsearch.tracardi-data.svc.cluster.local, by which Deployment")
def test_nodes_that_are_asked_for_under_another_name(state: State) -> None:
    names = state.inputs("CertRequest", "tracardi-data-elasticsearch-certificate-request")["dnsNames"]
    names.remove("elasticsearch.tracardi-data.svc.cluster.local")


@refused(
    NAMES,
    "Deployment tracardi-track/track-api shows no certificate for track-api.tracardi-track.svc.cluster.local, "
    "by which Deployment tracardi-track/track-balancer verifies it",
    stack="full TLS",
)
def test_instances_with_a_certificate_for_localhost(state: State) -> None:
    state.inputs("CertRequest", "tracardi-track-certificate-request")["dnsNames"] = ["localhost"]


@refused(NAMES, "StatefulSet tracardi-data/mysql shows no certificate for mysql.tracardi-data.svc", stack="tunnel")
def test_a_store_behind_a_tunnel_with_another_name(state: State) -> None:
    state.inputs("CertRequest", "tracardi-data-mysql-certificate-serving-request")["dnsNames"] = ["localhost"]


@refused(
    NAMES,
    "Gateway tracardi-track/track-balancer has a listener that shows no certificate for track.example.com",
    "shows no certificate for track.example.com, which HTTPRoute tracardi-track/track-balancer is for",
    stack="gateway",
)
def test_a_gateway_for_another_host(state: State) -> None:
    state.spec("Certificate", "track-balancer")["dnsNames"] = ["collect.example.com"]


@refused(
    NAMES,
    "frontend entry shows no certificate for track-balancer.tracardi-track.svc.cluster.local",
    stack="gateway",
)
def test_a_gateway_that_verifies_another_name(state: State) -> None:
    validation = state.spec("BackendTLSPolicy", "track-balancer")["validation"]
    validation["hostname"] = "track-balancer.tracardi-track.svc.cluster.local"


@accepted(NAMES)
def test_an_asterisk_and_upper_case(state: State) -> None:
    state.spec("Certificate", "track-balancer")["dnsNames"] = ["*.example.com"]
    state.spec("Certificate", "gui-balancer")["dnsNames"] = ["other.example.com", "GUI.example.com"]


@accepted(NAMES)
def test_a_certificate_in_a_folder_that_is_named_once(state: State) -> None:
    state.edit("track-balancer", "crt /etc/haproxy/certs/tls.crt", "crt tls.crt")
    state.edit("track-balancer", "global\n    log", "global\n    crt-base /etc/haproxy/certs\n    log")


@accepted(NAMES)
def test_a_secret_that_others_keep(state: State) -> None:
    show(state, "theirs")


def show(state: State, secret: str) -> None:
    """Have the public balancer show what the Secret holds."""
    volumes = state.pod("track-balancer")["volumes"]
    next(volume for volume in volumes if volume["name"] == "certificate")["secret"]["secretName"] = secret


SIGNED = "shows a certificate that the stack itself has signed"


@refused(TRUSTED, f"{BALANCER} {SIGNED} (Certificate tracardi-track/track-balancer); Service")
def test_an_issuer_that_lets_certificates_sign_themselves(state: State) -> None:
    issuer(state, {"selfSigned": {}})


@refused(TRUSTED, f"{BALANCER} {SIGNED}")
def test_an_issuer_with_an_authority_of_its_own(state: State) -> None:
    issuer(state, {"ca": {"secretName": "authority"}})


@refused(TRUSTED, f"Gateway tracardi-track/track-balancer {SIGNED}", stack="gateway")
def test_a_gateway_with_the_certificate_that_is_for_inside(state: State) -> None:
    first, _ = state.spec("Gateway", "track-balancer")["listeners"]
    first["hostname"] = None
    first["tls"]["certificateRefs"][0]["name"] = "track-balancer-backend-tls"
    names = state.inputs("CertRequest", "tracardi-track-balancer-backend-request")["dnsNames"]
    names.append("track.example.com")


@accepted(TRUSTED)
def test_certificates_of_the_stack_s_own_for_trusted_networks(state: State) -> None:
    about = {"name": "own", "namespace": "tracardi-console"}
    inputs = {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": about, "spec": {"selfSigned": {}}}
    state.add("kubernetes:cert-manager.io/v1:Issuer", inputs)
    state.spec("Certificate", "gui-balancer")["issuerRef"] = {"kind": "Issuer", "name": "own"}


@accepted(TRUSTED)
def test_an_issuer_of_the_stack_that_asks_a_known_authority(state: State) -> None:
    issuer(state, {"acme": {"server": "https://acme-v02.api.letsencrypt.org/directory"}})


def issuer(state: State, spec: dict[str, object]) -> None:
    """Put an issuer into the stack, and have it issue the public certificate."""
    about = {"name": "own", "namespace": "tracardi-track"}
    inputs = {"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": about, "spec": spec}
    state.add("kubernetes:cert-manager.io/v1:Issuer", inputs)
    state.spec("Certificate", "track-balancer")["issuerRef"] = {"kind": "Issuer", "name": "own"}
