"""What clients get from the entries by way of TLS, and who is sent there."""

import re
import ssl
from collections.abc import Iterator

import pytest
import trustme
from cryptography import x509

from model.ports import Port
from model.roles import Role
from tests.dataplane.clients.hello import (
    HANDSHAKE_FAILURE,
    PROTOCOL_VERSION,
    SSL3,
    TLS10,
    TLS11,
    TLS12,
    Chosen,
    Refused,
    Server,
)
from tests.dataplane.clients.raw import Exchange, Line, exchange, handshake
from tests.dataplane.clients.trust import trusting
from tests.dataplane.cluster import Pod
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.authorities import Serving, signed
from tests.dataplane.installation.sites import Site, small
from tests.dataplane.installation.variants import (
    await_entry,
    client_of,
    deployment,
    one_more,
    text_of,
    unselected,
    with_secret,
    with_text,
)

_ENTRIES = (Role.TRACK_BALANCER, Role.GUI_API_BALANCER, Role.GUI_BALANCER)
_ECDSA = frozenset({0xC02B, 0xC02C, 0xCCA9})
_RSA = frozenset({0xC02F, 0xC030, 0xCCA8})
"""With elliptic curves, AEAD and nothing else: AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305."""
_SUITES_OF_1_3 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
_UNTRUSTED = 60
"""curl's exit status for a certificate that it does not accept."""


@pytest.fixture(scope="module")
def site(sites: Sites) -> Site:
    """All three entries, with one balancer and one instance each."""
    site = sites(small(track__routes=["tracker"]))
    for role in (Role.TRACK_API, Role.GUI_API, Role.GUI, *_ENTRIES):
        site.run(role, 1)
    for role in _ENTRIES:
        await_entry(site, role)
    return site


@pytest.fixture(scope="module")
def lax(site: Site) -> Iterator[Pod]:
    """A balancer without the settings that are tried here: what it lets through shows what clients can ask for."""
    manifest = unselected(deployment(site, Role.TRACK_BALANCER))
    text = text_of(manifest, "configuration", "haproxy.cfg", site)
    strict = re.findall(r"^ +ssl-default-bind-.*\n", text, re.MULTILINE)
    assert len(strict) == 3
    lenient = "    ssl-default-bind-options ssl-min-ver TLSv1.0\n    ssl-default-bind-ciphers ALL:@SECLEVEL=0\n"
    text = text.replace("".join(strict), lenient)
    with one_more(
        site, Role.TRACK_BALANCER, with_text(manifest, "configuration", "haproxy.cfg", text, site)
    ) as balancer:
        yield balancer


def _server(site: Site, role: Role) -> Server:
    return Server(client_of(site, role), site.cluster.entry(role), 443, site.host(role))


def _directly(site: Site, balancer: Pod) -> Server:
    return Server(site.visitor, balancer.address, int(Port.BALANCER_HTTPS), site.host(Role.TRACK_BALANCER))


def _https(site: Site, request: bytes, role: Role = Role.TRACK_BALANCER) -> Exchange:
    host = site.host(role)
    tls = trusting(site.authority)
    return exchange(
        client_of(site, role), site.cluster.entry(role), 443, request.replace(b"HOST", host.encode()), tls, host
    )


def _openssl(server: Server, *options: str) -> str:
    """What openssl says about a connection that carries one request."""
    request = f"GET / HTTP/1.1\\r\\nHost: {server.name}\\r\\nConnection: close\\r\\n\\r\\n"
    script = 'request=$1; shift; printf "$request" | openssl s_client -ign_eof "$@" 2>&1'
    where = ("-connect", f"{server.address}:{server.port}", "-servername", server.name)
    return server.place.run("sh", "-c", script, "sh", request, *where, *options).stdout


def _curl(site: Site, host: str, authority: str, *options: str) -> tuple[int, str]:
    """Exit status of curl, and what it writes about an answer from the public entry."""
    script = 'printf "%s" "$1" >/tmp/ca.pem; shift; exec curl -sS --cacert /tmp/ca.pem -o /dev/null "$@"'
    told = "%{http_code} %{http_version} %{ssl_verify_result}"
    resolved = f"{host}:443:{site.cluster.entry(Role.TRACK_BALANCER)}"
    done = site.visitor.run(
        *("sh", "-c", script, "sh", authority, "--resolve", resolved, "-w", told, *options, f"https://{host}/tracker/")
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("role", _ENTRIES)
@pytest.mark.parametrize("version", [SSL3, TLS10, TLS11])
def test_nothing_older_than_tls_1_2_is_spoken(site: Site, role: Role, version: int) -> None:
    server = _server(site, role)

    assert server.greet(version) in (Refused(PROTOCOL_VERSION), Refused(HANDSHAKE_FAILURE))
    assert isinstance(server.greet(TLS12), Chosen)


@pytest.mark.parametrize("role", _ENTRIES)
def test_of_all_suites_of_tls_1_2_only_the_best_are_offered(site: Site, role: Role) -> None:
    assert _server(site, role).suites(TLS12) == _ECDSA


def test_an_rsa_certificate_has_the_same_suites(site: Site) -> None:
    host = site.host(Role.TRACK_BALANCER)
    manifest = unselected(deployment(site, Role.TRACK_BALANCER))
    rsa = signed(trustme.CA(), [host], key=trustme.KeyType.RSA)

    with one_more(site, Role.TRACK_BALANCER, with_secret(manifest, "certificate", rsa, site)) as balancer:
        assert _directly(site, balancer).suites(TLS12) == _RSA


def test_without_the_settings_old_versions_and_weak_suites_would_be_spoken(site: Site, lax: Pod) -> None:
    server = _directly(site, lax)

    for version in (TLS10, TLS11):
        assert isinstance(answer := server.greet(version), Chosen)
        assert answer.version == version
    assert server.suites(TLS12) > _ECDSA | {0xC023, 0xC009}


@pytest.mark.parametrize("suite", _SUITES_OF_1_3)
def test_every_suite_of_tls_1_3_that_is_allowed_works(site: Site, suite: str) -> None:
    said = _openssl(_server(site, Role.TRACK_BALANCER), "-tls1_3", "-ciphersuites", suite)

    assert f"Cipher is {suite}" in said
    assert "HTTP/1.1 404" in said


def test_no_other_suite_of_tls_1_3_is_spoken(site: Site, lax: Pod) -> None:
    other = ("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256")

    assert "alert handshake failure" in _openssl(_server(site, Role.TRACK_BALANCER), *other)
    assert "no peer certificate available" in _openssl(_server(site, Role.TRACK_BALANCER), *other)
    assert "alert handshake failure" in _openssl(_directly(site, lax), *other), "OpenSSL's default"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_no_ticket_holds_the_keys_of_a_session(site: Site, lax: Pod, version: str) -> None:
    # Rows of a dump, 16 bytes each. With TLS 1.3, a ticket of 32 bytes only names what the server remembers.
    def rows(server: Server) -> int:
        tickets = re.findall(r"TLS session ticket:\n((?:    [0-9a-f]{4} - .*\n)+)", _openssl(server, version))
        return max((len(ticket.splitlines()) for ticket in tickets), default=0)

    assert rows(_server(site, Role.TRACK_BALANCER)) <= (0 if version == "-tls1_2" else 2)
    assert rows(_directly(site, lax)) > 2


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ((), None),
        (("h2", "http/1.1"), "h2"),
        (("http/1.1", "h2"), "h2"),
        (("http/1.1",), "http/1.1"),
        (("spdy/3",), None),
        (("spdy/3", "http/1.1"), "http/1.1"),
    ],
)
def test_the_protocol_is_agreed_upon_and_unknown_ones_do_no_harm(
    site: Site, offered: tuple[str, ...], chosen: str | None
) -> None:
    host, address = site.host(Role.TRACK_BALANCER), site.cluster.entry(Role.TRACK_BALANCER)
    tls = trusting(site.authority, protocols=offered)

    assert handshake(site.visitor, address, 443, tls, host).protocol == chosen
    if chosen != "h2":
        request = f"GET /tracker/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        assert exchange(site.visitor, address, 443, request, tls, host).answer.status == 200


@pytest.mark.parametrize("role", _ENTRIES)
def test_each_entry_shows_the_certificate_of_its_own_host_whoever_is_asked_for(site: Site, role: Role) -> None:
    host, address, place = site.host(role), site.cluster.entry(role), client_of(site, role)
    unnamed = trusting(site.authority)
    unnamed.check_hostname = False

    for name in (host, *(site.host(other) for other in _ENTRIES if other is not role), None):
        with Line(place, address, 443, tls=unnamed, server_name=name) as line:
            shown = x509.load_der_x509_certificate(line.handshake().certificate)
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [host]


@pytest.mark.parametrize("role", _ENTRIES)
def test_an_entry_does_not_serve_the_host_of_another(site: Site, role: Role) -> None:
    address, place = site.cluster.entry(role), client_of(site, role)

    for other in {site.host(each) for each in _ENTRIES} - {site.host(role)}:
        with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
            handshake(place, address, 443, trusting(site.authority), other)
        assert _https(site, f"GET / HTTP/1.1\r\nHost: {other}\r\n\r\n".encode(), role).answer.status == 421


@pytest.mark.parametrize(("option", "version"), [("--http1.1", "1.1"), ("--http2", "2")])
def test_curl_verifies_the_whole_chain_with_the_authority_in_the_outputs(site: Site, option: str, version: str) -> None:
    assert _curl(site, site.host(Role.TRACK_BALANCER), site.authority, option) == (0, f"200 {version} 0")


def test_curl_refuses_the_entry_under_another_name_or_with_another_authority(site: Site) -> None:
    host, stranger = site.host(Role.TRACK_BALANCER), trustme.CA().cert_pem.bytes().decode()

    assert _curl(site, site.host(Role.GUI_BALANCER), site.authority)[0] == _UNTRUSTED
    assert _curl(site, host, stranger)[0] == _UNTRUSTED


def test_the_authority_of_entries_and_that_of_the_inside_are_two(sites: Sites) -> None:
    site = sites(small(certificates={"source": "generated", "encryption": "full"}))
    entries, inside = (
        {Serving(site, role).data["ca.crt"].decode() for role in roles}
        for roles in (_ENTRIES, (Role.TRACK_API, Role.GUI_API))
    )

    assert entries == {site.authority}
    assert len(inside) == 1
    assert not inside & entries


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/healthz", 200),
        ("/startupz", 200),
        ("/metrics", 200),
        ("/", 404),
        ("/track", 404),
        ("/metrics/x", 404),
        ("/startupz/x", 404),
    ],
)
def test_the_port_for_probes_and_metrics_answers_nothing_else(site: Site, path: str, status: int) -> None:
    pod = site.cluster.workloads[Role.TRACK_BALANCER].pods[0]
    request = f"GET {path} HTTP/1.1\r\nHost: {pod.address}\r\n\r\n".encode()

    assert exchange(site.world.router, pod.address, int(Port.BALANCER_METRICS), request).answer.status == status
