"""Who reaches the console and its API: people in the networks that are trusted, whatever others claim."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from model.ports import Port
from model.roles import Role
from tests.dataplane.clients.answers import Answer
from tests.dataplane.clients.greeting import greets, hello, reply
from tests.dataplane.clients.talk import Talk
from tests.dataplane.clients.trust import trusting
from tests.dataplane.cluster import Pod
from tests.dataplane.conftest import Sites
from tests.dataplane.evidence.wiretap import Wiretap
from tests.dataplane.hostile.probes import h1
from tests.dataplane.installation.entries import Entry
from tests.dataplane.installation.sites import Site, small
from tests.dataplane.installation.variants import deployment, one_more, text_of, unselected, with_text
from tests.dataplane.sandbox import Place

_BALANCERS = (Role.GUI_API_BALANCER, Role.GUI_BALANCER)
_DUAL = {"replicas": 1, "service": {"ipFamilyPolicy": "RequireDualStack"}}
_NEIGHBOURS = {
    # The nearest that are no router's.
    "before": ("192.0.1.0/24", "192.0.1.254", "2001:db8:0:ffff::/64", "2001:db8:0:ffff:ffff:ffff:ffff:ffff"),
    "after": ("192.0.3.0/24", "192.0.3.2", "2001:db8:1:1::/64", "2001:db8:1:1::2"),
}
_CLAIMS = (
    *("X-Forwarded-For: 192.0.2.99", "X-Forwarded-For: 203.0.113.9, 192.0.2.98", "Forwarded: for=192.0.2.97"),
    *("X-Real-IP: 192.0.2.96", "X-Forwarded-Proto: http", "X-Forwarded-Host: other.test", "X-Client-IP: 192.0.2.95"),
)
_HEADERS = ("PROXY TCP4 192.0.2.77 198.51.100.10 50000 443\r\n", "PROXY UNKNOWN\r\n")


@dataclass(frozen=True)
class Console:
    """The entries of the console, and what reaches its API's only instance."""

    site: Site
    tap: Wiretap

    def talk(self, place: Place, role: Role, version: int = 4, balancer: Pod | None = None) -> Talk:
        address = balancer.address if balancer else self.site.cluster.entry(role, version)
        port = int(Port.BALANCER_HTTPS) if balancer else 443
        tls = trusting(self.site.authority, protocols=("http/1.1",))
        return Talk(place, address, port, tls, self.site.host(role))

    def ask(self, place: Place, method: str, path: str, *fields: str, version: int = 4) -> Answer:
        """What the API answers."""
        with self.talk(place, Role.GUI_API_BALANCER, version) as talk:
            return talk.ask(h1(method, path, *fields, host=talk.name))


@pytest.fixture(scope="module")
def console(sites: Sites) -> Iterator[Console]:
    site = sites(small(guiApi__balancer=_DUAL, gui__balancer=_DUAL))
    api = site.run(Role.GUI_API, 1)
    site.run(Role.GUI, 1)
    for role in _BALANCERS:
        site.run(role, 1)
        Entry(site, role).settle(site.office, instances=1)
    with Wiretap(api.pods[0].place) as tap:
        yield Console(site, tap)


@pytest.fixture(scope="module")
def strangers(console: Console) -> dict[str, Place]:
    """Places in no trusted network."""
    found = {"the internet": console.site.visitor}
    for name, (network, address, network6, address6) in _NEIGHBOURS.items():
        link = console.site.world.network(name, network, network6)
        found[name] = console.site.world.place(f"neighbour-{name}", link, address, address6)
    return found


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/install", 200),
        ("POST", "/user/token", 422),
        ("GET", "/openapi.json", 200),
        ("GET", "/event/logs/1", 200),
        ("DELETE", "/any/thing", 401),
    ],
)
def test_trusted_networks_reach_the_whole_api(
    console: Console, version: int, method: str, path: str, status: int
) -> None:
    answer = console.ask(console.site.office, method, path, version=version)

    assert answer.status == status
    assert [str(each) for each in console.tap.requests()] == [f"{method} {path}"]


@pytest.mark.parametrize("version", [4, 6])
def test_trusted_networks_reach_the_console(console: Console, version: int) -> None:
    with console.talk(console.site.office, Role.GUI_BALANCER, version) as talk:
        assert talk.ask(h1("GET", "/", host=talk.name)).status == 200


@pytest.mark.parametrize("version", [4, 6])
def test_an_instance_is_told_the_clients_own_address_once(console: Console, version: int) -> None:
    office = console.site.office

    assert console.ask(office, "GET", "/install", *_CLAIMS, version=version).status == 200

    (request,) = console.tap.requests()
    told = dict(request.headers)
    assert request.all("x-forwarded-for") == [office.address if version == 4 else office.address6]
    assert (told["x-forwarded-proto"], told["x-forwarded-host"]) == ("https", console.site.host(Role.GUI_API_BALANCER))
    assert not {"forwarded", "x-real-ip"} & told.keys()


@pytest.mark.parametrize("who", ["the internet", *_NEIGHBOURS])
@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("role", _BALANCERS)
def test_strangers_get_no_answer_at_all(
    console: Console, strangers: dict[str, Place], who: str, version: int, role: Role
) -> None:
    address, place = console.site.cluster.entry(role, version), strangers[who]

    for header in ("", *_HEADERS):
        assert (
            reply(place, address, 80, f"{header}GET / HTTP/1.0\r\nX-Forwarded-For: 192.0.2.99\r\n\r\n".encode()) == b""
        )
        assert reply(place, address, 443, header.encode() + hello(console.site.host(role))) == b""
    assert not console.tap.requests()


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("role", _BALANCERS)
def test_the_same_words_are_answered_in_trusted_networks(console: Console, version: int, role: Role) -> None:
    address, office = console.site.cluster.entry(role, version), console.site.office

    assert greets(office, address, 443, console.site.host(role))
    assert reply(office, address, 80, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 308")


def test_without_its_list_a_balancer_answers_strangers(console: Console) -> None:
    site = console.site
    manifest = unselected(deployment(site, Role.GUI_API_BALANCER))
    text = text_of(manifest, "configuration", "haproxy.cfg", site)
    open_to_all = text.replace("    tcp-request connection reject unless trusted\n", "")
    assert open_to_all != text
    manifest = with_text(manifest, "configuration", "haproxy.cfg", open_to_all, site)
    with (
        one_more(site, Role.GUI_API_BALANCER, manifest) as balancer,
        console.talk(site.visitor, Role.GUI_API_BALANCER, balancer=balancer) as talk,
    ):
        assert talk.ask(h1("GET", "/install", *_CLAIMS, host=talk.name)).status == 200

    (request,) = console.tap.requests()
    assert request.all("x-forwarded-for") == [site.visitor.address]
