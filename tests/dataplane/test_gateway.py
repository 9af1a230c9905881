"""Behind a Gateway: the balancer pods decide as they do without one, by the client's address that the Gateway tells."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from model.lifecycle import MAX_REQUESTS_PER_CLIENT
from model.ports import Port
from model.roles import Role
from tests.dataplane.clients.answers import MalformedError
from tests.dataplane.clients.h2raw import h2_exchange
from tests.dataplane.clients.http1 import Peer
from tests.dataplane.clients.raw import Line
from tests.dataplane.clients.streams import at_once
from tests.dataplane.clients.trust import trusting
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.hostile.probes import (
    EVENT,
    EXAMPLES,
    HOSTS,
    METHODS,
    SECRET,
    TARGETS,
    Probe,
    collects,
    h1,
    h2_meant_for,
    meant_for,
    spellings,
)
from tests.dataplane.hostile.smuggling import HTTP1, HTTP2, H2Probe
from tests.dataplane.installation.providers import issued
from tests.dataplane.installation.sites import Site
from tests.dataplane.installation.variants import deployment, one_more, text_of, unselected, with_secret, with_text
from tests.dataplane.neighbours.gateways import haproxy, nginx, route
from tests.dataplane.scenarios.gateway_sites import (
    MAX_BODY_BYTES,
    REQUESTS_PER_SECOND,
    Behind,
    behind_one_proxy,
    behind_two_proxies,
)
from tests.measured import Measured

SPOOFED = {
    "nothing": (),
    "a trusted address": ("X-Forwarded-For: 192.0.2.99",),
    "two of them": ("X-Forwarded-For: 192.0.2.99, 192.0.2.98",),
    "two headers": ("X-Forwarded-For: 192.0.2.99", "X-Forwarded-For: 192.0.2.98"),
    "another case": ("x-forwarded-for: 192.0.2.99",),
    "a port": ("X-Forwarded-For: 192.0.2.99:80",),
    "IPv6": ("X-Forwarded-For: 2001:db8:1::99",),
    "IPv6 in brackets": ("X-Forwarded-For: [2001:db8:1::99]",),
    "IPv6 in brackets with a port": ("X-Forwarded-For: [2001:db8:1::99]:80",),
    "nothing in a header": ("X-Forwarded-For:",),
    "empty elements": ("X-Forwarded-For: ,192.0.2.99,,",),
    "a comma at the end": ("X-Forwarded-For: 192.0.2.99,",),
    "tabs": ("X-Forwarded-For: 192.0.2.99\t,\t192.0.2.98\t",),
    "many": (f"X-Forwarded-For: {', '.join(['192.0.2.99'] * 50)}",),
    "no address": ("X-Forwarded-For: unknown",),
    "a header behind it": ("X-Forwarded-For: 192.0.2.99", "Connection: X-Forwarded-For"),
    "a name with underscores": ("X_Forwarded_For: 192.0.2.99",),
    "other headers": ("Forwarded: for=192.0.2.99", "X-Real-IP: 192.0.2.99", "True-Client-IP: 192.0.2.99"),
}
"""What a client can put in front of what a Gateway tells."""

QUOTED = {
    "a quotation mark": 'X-Forwarded-For: "192.0.2.99',
    "a quoted address": 'X-Forwarded-For: "192.0.2.99"',
    "a quotation mark behind an address": 'X-Forwarded-For: 192.0.2.99, "',
    "a quoted comma": 'X-Forwarded-For: "192.0.2.99, 192.0.2.98',
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateways")


@pytest.fixture(scope="module")
def one_hop(sites: Sites, folder: Path) -> Iterator[dict[str, Behind]]:
    """Two Gateways for the same balancers, either of them the only proxy in front."""
    with behind_one_proxy(sites, folder) as found:
        yield found


@pytest.fixture(scope="module")
def two_hops(sites: Sites, folder: Path) -> Iterator[Behind]:
    """A proxy in front of the Gateway; both append to X-Forwarded-For."""
    with behind_two_proxies(sites, folder) as found:
        yield found


@pytest.fixture(params=["nginx", "haproxy", "both in a row"])
def behind(request: pytest.FixtureRequest) -> Behind:
    found = request.getfixturevalue("two_hops" if request.param == "both in a row" else "one_hop")
    behind = found if request.param == "both in a row" else found[request.param]
    assert isinstance(behind, Behind)
    return behind


@pytest.mark.parametrize("fields", SPOOFED.values(), ids=SPOOFED)
@pytest.mark.parametrize("version", [4, 6])
def test_a_client_is_who_the_trusted_proxies_saw(behind: Behind, fields: tuple[str, ...], version: int) -> None:
    visitor = behind.site.visitor

    assert behind.ask(visitor, Role.TRACK_BALANCER, *fields, version=version).status == 200
    assert behind.told(Role.TRACK_BALANCER) == [[visitor.address if version == 4 else visitor.address6]]


@pytest.mark.parametrize("fields", SPOOFED.values(), ids=SPOOFED)
@pytest.mark.parametrize("version", [4, 6])
def test_a_stranger_cannot_pass_for_somebody_trusted(behind: Behind, fields: tuple[str, ...], version: int) -> None:
    assert behind.ask(behind.site.visitor, Role.GUI_API_BALANCER, *fields, version=version).status == 403
    assert not behind.told(Role.GUI_API_BALANCER)


@pytest.mark.parametrize("field", QUOTED.values(), ids=QUOTED)
def test_quotation_marks_move_nobody(behind: Behind, field: str) -> None:
    """They would hide commas, and with them the place of the address that counts."""
    for place in (behind.site.visitor, behind.site.office):
        assert behind.ask(place, Role.GUI_API_BALANCER, field).status == 400
    assert not behind.told(Role.GUI_API_BALANCER)


@pytest.mark.parametrize("version", [4, 6])
def test_trusted_networks_reach_the_whole_api(behind: Behind, version: int) -> None:
    office = behind.site.office
    with behind.talk(office, Role.GUI_API_BALANCER, version) as talk:
        assert talk.ask(h1("GET", "/install", "X-Forwarded-For: 203.0.113.9", host=talk.name)).status == 200

    assert behind.told(Role.GUI_API_BALANCER) == [[office.address if version == 4 else office.address6]]


def test_no_spelling_of_a_secret_path_passes(behind: Behind, measured: Measured) -> None:
    tried = 0
    with behind.talk(behind.site.visitor) as talk:
        for path in SECRET:
            for target in dict.fromkeys(spellings(path)):
                for method in ("GET", "POST"):
                    talk.ask(h1(method, target, host=talk.name))
                    tried += 1

    assert not behind.told(Role.TRACK_BALANCER)
    measured(f"requests for closed paths through {behind.gateway.name}: reached an instance", f"0 of {tried}")


def test_a_route_is_open_with_its_methods_alone(behind: Behind) -> None:
    for paths in EXAMPLES.values():
        for path, methods in paths.items():
            with behind.talk(behind.site.visitor) as talk:
                for method in METHODS:
                    talk.ask(h1(method, path, host=talk.name, body=EVENT if method == "POST" else b""))
                    seen = [str(each) for each in behind.taps[Role.TRACK_BALANCER].requests()]

                    assert seen == ([f"{method} {path}"] if method in methods.split() else [])


@pytest.mark.parametrize("probe", [*TARGETS, *HOSTS, *HTTP1], ids=lambda probe: probe.name)
def test_nothing_but_collection_passes(one_hop: dict[str, Behind], probe: Probe) -> None:
    for behind in one_hop.values():
        host = behind.site.host(Role.TRACK_BALANCER)
        tls = trusting(behind.site.authority, protocols=("http/1.1",))
        with Line(behind.site.visitor, behind.gateway.address, 443, tls=tls, server_name=host) as line:
            line.send(meant_for(host, probe.data))
            # Whoever takes the request for one of HTTP/0.9 answers in kind.
            with contextlib.suppress(MalformedError):
                line.hear(quiet=0.02, seconds=2)

        _assert_collection(behind)


@pytest.mark.parametrize("probe", HTTP2, ids=lambda probe: probe.name)
def test_nothing_but_collection_passes_by_http_2(one_hop: dict[str, Behind], probe: H2Probe) -> None:
    for behind in one_hop.values():
        host = behind.site.host(Role.TRACK_BALANCER)
        tls = trusting(behind.site.authority, protocols=("h2",))
        request = h2_meant_for(host, probe.request)
        h2_exchange(behind.site.visitor, behind.gateway.address, 443, tls, host, request)

        _assert_collection(behind)


def _assert_collection(behind: Behind) -> None:
    """One request at most reached an instance, and whoever comes next is answered as if nothing had been."""
    tap = behind.taps[Role.TRACK_BALANCER]
    with behind.talk(behind.site.visitor) as others:
        answers = [others.ask(h1("POST", f"/track?{each}", host=others.name, body=EVENT)) for each in range(2)]
    requests = tap.requests()
    ours = [each for each in requests if str(each) in {"POST /track?0", "POST /track?1"}]
    rest = [each for each in requests if each not in ours]

    assert [answer.header("x-seen") for answer in answers] == ["POST /track?0", "POST /track?1"]
    assert len(ours) == 2
    # A Gateway may pass on what was fine at its beginning, after it has told the client that its end is not.
    assert len(rest) <= 1
    assert all(collects(each, frozenset(EXAMPLES)) for each in rest)
    assert all(each.all("x-forwarded-for") == [behind.site.visitor.address] for each in requests)
    assert not tap.unfinished


def test_plain_http_is_led_to_tls_with_its_path(behind: Behind) -> None:
    host = behind.site.host(Role.TRACK_BALANCER)
    with Line(behind.site.visitor, behind.gateway.address, 80) as line:
        line.send(h1("GET", "/tracker/?a=b", "Connection: close", host=host))
        answer = line.hear().answer

    assert (answer.status, answer.header("location")) == (301, f"https://{host}/tracker/?a=b")


def test_the_balancers_own_refusals_come_through(behind: Behind) -> None:
    with behind.talk(behind.site.visitor) as talk:
        answer = talk.ask(h1("GET", "/install", host=talk.name))

    assert (answer.status, answer.header("strict-transport-security")) == (404, "max-age=31536000")


def test_each_visitor_behind_a_gateway_has_places_of_their_own(behind: Behind) -> None:
    greedy, modest = behind.site.office, behind.site.visitor
    tls = trusting(behind.site.authority, protocols=("h2",))
    peer = Peer((behind.gateway.address,), 443, behind.site.host(Role.TRACK_BALANCER), tls, "/track", True, True)  # noqa: FBT003 - HTTP/2 on a kept connection
    with ThreadPoolExecutor() as threads:
        many = threads.submit(at_once, greedy, peer, 100, ("x-fault", "slow-body"))
        few = threads.submit(at_once, modest, peer, MAX_REQUESTS_PER_CLIENT, ("x-fault", "slow-body"))

    assert many.result() == {200: MAX_REQUESTS_PER_CLIENT, 429: 100 - MAX_REQUESTS_PER_CLIENT}
    assert few.result() == {200: MAX_REQUESTS_PER_CLIENT}
    told = Counter(address for (address,) in behind.told(Role.TRACK_BALANCER))
    assert told == {greedy.address: MAX_REQUESTS_PER_CLIENT, modest.address: MAX_REQUESTS_PER_CLIENT}


def test_each_visitor_behind_a_gateway_has_a_rate_of_their_own(one_hop: dict[str, Behind], folder: Path) -> None:
    site, role = one_hop["haproxy"].site, Role.TRACK_BALANCER
    network = site.world.network("rated", "10.204.0.0/24", "2001:db8:204::/64")
    manifest = unselected(deployment(site, role))
    text, limit = text_of(manifest, "configuration", "haproxy.cfg", site), f"gt {REQUESTS_PER_SECOND * 10} "
    assert limit in text
    manifest = with_text(manifest, "configuration", "haproxy.cfg", text.replace(limit, "gt 20 "), site)
    with one_more(site, role, manifest) as balancer:
        found = route(site, role, [f"{balancer.address}:{int(Port.BALANCER_HTTPS)}"])
        behind = Behind(site, haproxy(site, network, folder, [found], "haproxy-rated"), one_hop["haproxy"].taps)
        until(lambda: _first_status(behind) == 200, str, 10)
        with behind.talk(site.office) as one, behind.talk(site.visitor) as other:
            event = h1("POST", "/track", host=one.name, body=EVENT)
            statuses = [one.ask(event).status for _ in range(25)]
            others = other.ask(event).status

    assert statuses == [200] * 20 + [429] * 5
    assert others == 200
    behind.told(role)


def test_a_body_too_large_is_refused_behind_a_gateway(behind: Behind) -> None:
    with behind.talk(behind.site.visitor) as talk:
        statuses = []
        for length in (MAX_BODY_BYTES, MAX_BODY_BYTES + 1):
            answer = talk.ask(h1("POST", "/track", host=talk.name, body=EVENT.ljust(length)))
            # A Gateway's own refusal has no such header.
            statuses.append((answer.status, answer.header("strict-transport-security")))

    assert statuses == [(200, "max-age=31536000"), (413, "max-age=31536000")]
    assert len(behind.told(Role.TRACK_BALANCER)) == 1


def test_a_body_much_too_large_reaches_nobody_behind_a_gateway(behind: Behind) -> None:
    """A Gateway that is still sending may miss the balancer's answer, and then has another or none for the visitor."""
    with behind.talk(behind.site.visitor) as talk, contextlib.suppress(ConnectionError):
        answer = talk.ask(h1("POST", "/track", host=talk.name, body=EVENT.ljust(100 * MAX_BODY_BYTES)))
        assert answer.status in {413, 502}

    assert not behind.told(Role.TRACK_BALANCER)


def test_a_gateway_believes_no_other_balancer(one_hop: dict[str, Behind], folder: Path) -> None:
    """Neither one with a stranger's certificate for the right name, nor one with a right certificate for another."""
    site = one_hop["nginx"].site
    network = site.world.network("others", "10.201.0.0/24", "2001:db8:201::/64")
    right = route(site, Role.TRACK_BALANCER)
    known = site.objects.secret(*_served(site, Role.GUI_API_BALANCER))
    assert known["ca.crt"].decode() == right.authority
    secrets = {"own": None, "stranger": issued([right.backend]), "other-name": known}
    for name, secret in secrets.items():
        manifest = unselected(deployment(site, Role.TRACK_BALANCER))
        if secret:
            manifest = with_secret(manifest, "certificate", secret, site)
        with one_more(site, Role.TRACK_BALANCER, manifest) as balancer:
            found = route(site, Role.TRACK_BALANCER, [f"{balancer.address}:{int(Port.BALANCER_HTTPS)}"])
            for make in (nginx, haproxy):
                gateway = make(site, network, folder, [found], f"{make.__name__}-{name}")
                behind = Behind(site, gateway, one_hop["nginx"].taps)

                assert _first_status(behind) == (200 if secret is None else 502 if make is nginx else 503)
                behind.told(Role.TRACK_BALANCER)


@pytest.mark.parametrize(
    ("line", "instead", "spoofed"),
    [
        ("x-forwarded-for,-1)", "x-forwarded-for,-2)", SPOOFED["a trusted address"]),
        ("    http-request deny deny_status 403 unless trusted\n", "", SPOOFED["nothing"]),
    ],
    ids=["with a hop too many", "without its list"],
)
def test_another_balancer_believes_strangers(
    one_hop: dict[str, Behind], folder: Path, line: str, instead: str, spoofed: tuple[str, ...]
) -> None:
    site, role = one_hop["nginx"].site, Role.GUI_API_BALANCER
    network = site.world.network(
        f"lax{len(spoofed)}", f"10.202.{len(spoofed)}.0/24", f"2001:db8:202:{len(spoofed)}::/64"
    )
    manifest = unselected(deployment(site, role))
    text = text_of(manifest, "configuration", "haproxy.cfg", site)
    assert line in text
    manifest = with_text(manifest, "configuration", "haproxy.cfg", text.replace(line, instead), site)
    with one_more(site, role, manifest) as balancer:
        found = route(site, role, [f"{balancer.address}:{int(Port.BALANCER_HTTPS)}"])
        gateway = haproxy(site, network, folder, [found], f"haproxy-lax{len(spoofed)}")

        assert _first_status(Behind(site, gateway, one_hop["nginx"].taps), role, *spoofed) == 200


def test_without_a_look_at_quotation_marks_a_stranger_passes(two_hops: Behind, folder: Path) -> None:
    site, role = two_hops.site, Role.GUI_API_BALANCER
    network = site.world.network("unquoted", "10.203.0.0/24", "2001:db8:203::/64")
    manifest = unselected(deployment(site, role))
    text = text_of(manifest, "configuration", "haproxy.cfg", site)
    line = """    http-request deny deny_status 400 if { req.fhdr(x-forwarded-for) -m sub '"' }\n"""
    assert line in text
    manifest = with_text(manifest, "configuration", "haproxy.cfg", text.replace(line, ""), site)
    with one_more(site, role, manifest) as balancer:
        found = route(site, role, [f"{balancer.address}:{int(Port.BALANCER_HTTPS)}"])
        inner = nginx(site, network, folder, [found], "inner-unquoted")
        outer = haproxy(site, network, folder, [found.behind(inner.address, site.authority)], "outer-unquoted")
        behind = Behind(site, outer, two_hops.taps)

        until(lambda: _first_status(behind, role) == 403, str, 10)
        assert behind.ask(site.visitor, role, QUOTED["a quotation mark behind an address"]).status == 200
    assert behind.told(role) == [["192.0.2.99"]]


def _served(site: Site, role: Role) -> tuple[str, str]:
    """Namespace and name of the Secret that balancer pods show the Gateway."""
    manifest = deployment(site, role)
    volumes = manifest["spec"]["template"]["spec"]["volumes"]
    secret = next(each["secret"]["secretName"] for each in volumes if each["name"] == "certificate")
    return manifest["metadata"]["namespace"], secret


def _first_status(behind: Behind, role: Role = Role.TRACK_BALANCER, *fields: str) -> int:
    """The status of the first answer, as soon as the Gateway listens."""
    statuses: list[int] = []

    def answered() -> bool:
        with contextlib.suppress(OSError):
            statuses.append(behind.ask(behind.site.visitor, role, *fields).status)
        return bool(statuses)

    until(answered, str, 10)
    return statuses[0]
