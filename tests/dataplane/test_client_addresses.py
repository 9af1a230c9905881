"""The PROXY protocol: whom a balancer believes what it is told of clients' addresses."""

import re
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from ipaddress import ip_address

import pytest

from model.lifecycle import MAX_CONNECTIONS_PER_CLIENT
from model.ports import Port
from model.roles import Role
from tests.dataplane.clients.answers import Answer
from tests.dataplane.clients.greeting import greets
from tests.dataplane.clients.raw import Line
from tests.dataplane.clients.talk import Talk
from tests.dataplane.clients.trust import trusting
from tests.dataplane.conftest import Sites
from tests.dataplane.evidence.wiretap import Wiretap
from tests.dataplane.hostile.probes import EVENT, h1
from tests.dataplane.installation.entries import Entry
from tests.dataplane.installation.sites import Site, small
from tests.dataplane.installation.variants import deployment, one_more, text_of, unselected, with_text
from tests.dataplane.sandbox import Place

_CLOUD = ("198.18.0.0/28", "2001:db8:18::/64")
_BALANCER = {"replicas": 1, "service": {"ipFamilyPolicy": "RequireDualStack", "proxyProtocol": list(_CLOUD)}}
_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_TRUSTED = ("192.0.2.77", "2001:db8:1::77")
_UNTRUSTED = ("203.0.113.77", "2001:db8:beef::77", "192.0.3.1", "198.18.0.10")
_ROLES = (Role.TRACK_BALANCER, Role.GUI_API_BALANCER)
_FEW = 20
"""Connections of one client, where fewer are allowed than the program does."""


def _v1(client: str) -> bytes:
    family = f"TCP{ip_address(client).version}"
    return f"PROXY {family} {client} {'::1' if ':' in client else '127.0.0.1'} 50000 443\r\n".encode()


def _v2(client: str, command: int = 0x21, more: bytes = b"") -> bytes:
    six = ":" in client
    addresses = socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, client) * 2
    told = addresses + struct.pack("!HH", 50000, 443) + more
    return _SIGNATURE + struct.pack("!BBH", command, 0x21 if six else 0x11, len(told)) + told


_LOCAL = _SIGNATURE + struct.pack("!BBH", 0x20, 0, 0)
_UNKNOWN = b"PROXY UNKNOWN\r\n"
_AUTHORITY = struct.pack("!BH", 0x02, 9) + b"what.test"
"""A field of version 2 that tells a name."""
_BROKEN = {
    "an address that is none": b"PROXY TCP4 nobody nobody 50000 443\r\n",
    "an unknown family": b"PROXY TCP5 192.0.2.77 127.0.0.1 50000 443\r\n",
    "no end of a line": b"PROXY TCP4 192.0.2.77 127.0.0.1 50000 443" + b" " * 100,
    "an unknown version": _SIGNATURE + struct.pack("!BBH", 0x31, 0x11, 12) + b"\0" * 12,
    "too few bytes": _SIGNATURE + struct.pack("!BBH", 0x21, 0x11, 4) + b"\0" * 4,
}


@dataclass(frozen=True)
class Behind:
    """Entries behind a cloud's balancer, which is `cloud`; each role's only instance is listened to."""

    site: Site
    cloud: Place
    taps: dict[Role, Wiretap]

    def ask(self, place: Place, role: Role, preface: bytes = b"", version: int = 4) -> Answer:
        """The answer to a request for what instances know. Raises OSError when there is none."""
        tls = trusting(self.site.authority, protocols=("http/1.1",))
        address = self.site.cluster.entry(role, version)
        with Talk(place, address, 443, tls, self.site.host(role), preface) as talk:
            return talk.ask(h1("POST", "/track", "X-Forwarded-For: 192.0.2.99", host=talk.name, body=EVENT))

    def told(self, role: Role) -> list[list[str]]:
        """The addresses of clients that the instance has been told, for each request."""
        return [request.all("x-forwarded-for") for request in self.taps[role].requests()]


@pytest.fixture(scope="module")
def behind(sites: Sites) -> Iterator[Behind]:
    site = sites(small(track__balancer=_BALANCER, guiApi__balancer=_BALANCER))
    cloud = site.world.place("cloud", site.world.network("cloud", *_CLOUD))
    roles = {Role.TRACK_BALANCER: Role.TRACK_API, Role.GUI_API_BALANCER: Role.GUI_API}
    with ExitStack() as listening:
        taps = {}
        for balancer, role in roles.items():
            taps[balancer] = listening.enter_context(Wiretap(site.run(role, 1).pods[0].place))
            site.run(balancer, 1)
            Entry(site, balancer).settle(site.office, instances=1)
            taps[balancer].requests()
        yield Behind(site, cloud, taps)


_TELLING = pytest.mark.parametrize("tell", [_v1, _v2], ids=["version 1", "version 2"])
_VERSION = pytest.mark.parametrize("version", [4, 6])


@_TELLING
@_VERSION
@pytest.mark.parametrize("client", [*_TRUSTED, *_UNTRUSTED])
def test_collectors_are_told_what_the_clouds_balancer_tells(
    behind: Behind, tell: Callable[[str], bytes], version: int, client: str
) -> None:
    assert behind.ask(behind.cloud, Role.TRACK_BALANCER, tell(client), version).status == 200
    assert behind.told(Role.TRACK_BALANCER) == [[client]]


@_TELLING
@_VERSION
@pytest.mark.parametrize("client", _TRUSTED)
def test_a_trusted_client_passes_through_the_clouds_balancer(
    behind: Behind, tell: Callable[[str], bytes], version: int, client: str
) -> None:
    assert behind.ask(behind.cloud, Role.GUI_API_BALANCER, tell(client), version).status == 200
    assert behind.told(Role.GUI_API_BALANCER) == [[client]]


@_TELLING
@_VERSION
@pytest.mark.parametrize("client", _UNTRUSTED)
def test_a_stranger_does_not_pass_through_it(
    behind: Behind, tell: Callable[[str], bytes], version: int, client: str
) -> None:
    _assert_unheard(behind, behind.cloud, tell(client), version)


@pytest.mark.parametrize("preface", [_LOCAL, _UNKNOWN], ids=["local", "unknown"])
def test_the_clouds_balancer_speaks_for_itself_with_its_own_address(behind: Behind, preface: bytes) -> None:
    """As its health checks do; it is in no trusted network."""
    assert behind.ask(behind.cloud, Role.TRACK_BALANCER, preface).status == 200
    assert behind.told(Role.TRACK_BALANCER) == [[behind.cloud.address]]
    _assert_unheard(behind, behind.cloud, preface)


def test_more_than_addresses_can_be_told(behind: Behind) -> None:
    assert behind.ask(behind.cloud, Role.GUI_API_BALANCER, _v2(_TRUSTED[0], more=_AUTHORITY)).status == 200
    assert behind.told(Role.GUI_API_BALANCER) == [[_TRUSTED[0]]]


@pytest.mark.parametrize("role", _ROLES)
@_VERSION
def test_the_clouds_balancer_must_tell(behind: Behind, role: Role, version: int) -> None:
    _assert_refused(behind, behind.cloud, role, b"", version)


@pytest.mark.parametrize("preface", _BROKEN.values(), ids=_BROKEN)
def test_the_clouds_balancer_must_tell_it_well(behind: Behind, preface: bytes) -> None:
    for role in _ROLES:
        _assert_refused(behind, behind.cloud, role, preface)


@_TELLING
@_VERSION
@pytest.mark.parametrize("role", _ROLES)
def test_nobody_else_is_believed(behind: Behind, tell: Callable[[str], bytes], version: int, role: Role) -> None:
    """What they tell stands where TLS should begin."""
    for client in _TRUSTED:
        _assert_refused(behind, behind.site.visitor, role, tell(client), version)
        _assert_refused(behind, behind.site.office, role, tell(client), version)


def test_who_connects_directly_is_known_by_the_own_address(behind: Behind) -> None:
    visitor, office = behind.site.visitor, behind.site.office

    _assert_unheard(behind, visitor)
    assert behind.ask(visitor, Role.TRACK_BALANCER).status == 200
    assert behind.ask(office, Role.GUI_API_BALANCER).status == 200
    assert behind.told(Role.TRACK_BALANCER) == [[visitor.address]]
    assert behind.told(Role.GUI_API_BALANCER) == [[office.address]]


@pytest.mark.parametrize(("client", "answered"), [(_TRUSTED[0], True), (_UNTRUSTED[0], False)])
def test_the_redirect_to_tls_goes_by_the_same_addresses(behind: Behind, client: str, *, answered: bool) -> None:
    for role, always in ((Role.TRACK_BALANCER, True), (Role.GUI_API_BALANCER, False)):
        with Line(behind.cloud, behind.site.cluster.entry(role), 80, preface=_v1(client)) as line:
            line.send(h1("GET", "/", "Connection: close", host=behind.site.host(role)))

            assert line.hear().statuses == ([308] if answered or always else [])


@pytest.mark.parametrize(("clients", "kept"), [(_FEW + 1, _FEW + 1), (1, _FEW)], ids=["of many", "of one"])
def test_connections_are_counted_for_whom_the_clouds_balancer_tells(behind: Behind, clients: int, kept: int) -> None:
    site, role = behind.site, Role.TRACK_BALANCER
    manifest = unselected(deployment(site, role))
    text = text_of(manifest, "configuration", "haproxy.cfg", site)
    limit = f"sc_conn_cur(1) gt {MAX_CONNECTIONS_PER_CLIENT}"
    assert limit in text
    fewer = text.replace(limit, f"sc_conn_cur(1) gt {_FEW}")
    manifest = with_text(manifest, "configuration", "haproxy.cfg", fewer, site)
    with one_more(site, role, manifest) as balancer, ExitStack() as opened:
        lines = []
        for number in range(_FEW + 1):
            preface = _v1(f"203.0.113.{100 + number % clients}")
            with suppress(ConnectionError, ssl.SSLError):
                line = Line(
                    *(behind.cloud, balancer.address, int(Port.BALANCER_HTTPS)),
                    tls=trusting(site.authority, protocols=("http/1.1",)),
                    server_name=site.host(role),
                    preface=preface,
                )
                lines.append(opened.enter_context(line))
        request = h1("POST", "/track", host=site.host(role), body=EVENT)
        answered = [line.send(request) and line.hear().statuses == [200] for line in lines]

    assert sum(answered) == kept
    behind.told(role)


def test_a_balancer_that_expects_it_of_all_would_believe_strangers(behind: Behind) -> None:
    site, role = behind.site, Role.GUI_API_BALANCER
    manifest = unselected(deployment(site, role))
    text = text_of(manifest, "configuration", "haproxy.cfg", site)
    everybody = re.sub(r"(expect-proxy layer4) if \{ src .*\}", r"\1", text)
    assert everybody != text
    manifest = with_text(manifest, "configuration", "haproxy.cfg", everybody, site)
    with one_more(site, role, manifest) as balancer:
        tls, port = trusting(site.authority, protocols=("http/1.1",)), int(Port.BALANCER_HTTPS)
        with Talk(site.visitor, balancer.address, port, tls, site.host(role), _v1(_TRUSTED[0])) as talk:
            assert talk.ask(h1("GET", "/install", host=talk.name)).status == 200

    assert behind.told(role) == [[_TRUSTED[0]]]


def _assert_refused(behind: Behind, place: Place, role: Role, preface: bytes, version: int = 4) -> None:
    """Nobody even begins TLS with them."""
    address = behind.site.cluster.entry(role, version)
    assert not greets(place, address, 443, behind.site.host(role), preface)


def _assert_unheard(behind: Behind, place: Place, preface: bytes = b"", version: int = 4) -> None:
    """They see a certificate, since HAProxy goes by what it is told only after TLS has begun, but never an answer."""
    with pytest.raises((ConnectionError, ssl.SSLError)):
        behind.ask(place, Role.GUI_API_BALANCER, preface, version)
    assert not behind.told(Role.GUI_API_BALANCER)
