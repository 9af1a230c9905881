"""What the internet can ask of the collectors: decided by what reaches an instance, not by what is answered."""

from collections.abc import Iterator

import pytest

from model.ports import Port
from model.roles import Role
from tests.dataplane.clients.h2raw import h2_exchange
from tests.dataplane.clients.http import Client
from tests.dataplane.clients.raw import Line, exchange
from tests.dataplane.clients.trust import trusting
from tests.dataplane.conftest import Sites
from tests.dataplane.evidence.wiretap import AmbiguousError
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
    h2,
    spellings,
)
from tests.dataplane.hostile.smuggling import HTTP1, HTTP2, H2Probe
from tests.dataplane.installation.variants import deployment, one_more, text_of, unselected, with_text
from tests.dataplane.scenarios.front import Front, front_of
from tests.measured import Measured

_GROUPS = frozenset(EXAMPLES)
_HSTS = "max-age=31536000"
_ORIGIN = "https://shop.test"
_H2_METHODS = ("GET", "POST", "OPTIONS")


@pytest.fixture(scope="module")
def everything(sites: Sites) -> Iterator[Front]:
    """Every group of routes is open."""
    with front_of(sites, *sorted(_GROUPS - {"track"})) as front:
        yield front


@pytest.fixture(scope="module")
def least(sites: Sites) -> Iterator[Front]:
    """Events can be sent, and nothing else."""
    with front_of(sites) as front:
        yield front


@pytest.fixture(scope="module", params=["everything", "least"])
def front(request: pytest.FixtureRequest) -> Front:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Front)
    return found


@pytest.fixture(scope="module")
def lax(everything: Front) -> Iterator[Front]:
    """A balancer without the lines that are tried here."""
    site = everything.site
    manifest = unselected(deployment(site, Role.TRACK_BALANCER))
    text = text_of(manifest, "configuration", "haproxy.cfg", site)
    strict = (
        "deny_status 400",
        "deny_status 404 unless",
        "deny_status 405",
        "transfer-encoding",
        "Content-Length 0",
        "Host ",
    )
    lines = [
        line for line in text.splitlines() if not ("http-request" in line and any(word in line for word in strict))
    ]
    assert len(text.splitlines()) - len(lines) >= len(strict)
    manifest = with_text(manifest, "configuration", "haproxy.cfg", "\n".join(lines) + "\n", site)
    with one_more(site, Role.TRACK_BALANCER, manifest) as balancer:
        yield Front(site, everything.tap, _GROUPS, balancer.address, int(Port.BALANCER_HTTPS))


def test_no_spelling_of_a_secret_path_reaches_an_instance(front: Front, measured: Measured) -> None:
    tried, answered = 0, set()
    with front.talk() as talk:
        for path in SECRET:
            for target in dict.fromkeys(spellings(path)):
                for method in METHODS:
                    answered.add(talk.ask(h1(method, target, host=front.host)).status)
                    tried += 1

    assert not front.reached()
    assert not front.tap.unfinished
    assert answered == {400, 404}
    measured(f"requests for closed paths, {len(front.opened)} groups open: reached an instance", f"0 of {tried}")


def test_no_spelling_of_a_secret_path_reaches_an_instance_by_http_2(front: Front, measured: Measured) -> None:
    tls = trusting(front.site.authority, protocols=("h2",))
    waiting = [
        h2(method, target, host=front.host)
        for path in SECRET
        for target in dict.fromkeys(spellings(path))
        for method in _H2_METHODS
    ]
    tried, statuses = len(waiting), set()
    while waiting:
        found = h2_exchange(front.site.visitor, front.address, front.port, tls, front.host, *waiting)
        statuses |= {answer.status for answer in found}
        waiting = waiting[len(found) :]

    assert not front.reached()
    assert statuses <= {400, 404, None}
    assert 404 in statuses
    measured(f"the same by HTTP/2, {len(front.opened)} groups open", f"0 of {tried}")


def test_a_route_is_open_when_it_is_listed_and_with_its_methods_alone(front: Front) -> None:
    for group, paths in EXAMPLES.items():
        opened = group in front.opened | {"track"}
        for path, methods in paths.items():
            with front.talk() as talk:
                for method in METHODS:
                    status = talk.ask(h1(method, path, host=front.host, body=EVENT if method == "POST" else b"")).status
                    passes = opened and method in methods.split()

                    assert front.reached() == ((f"{method} {path}",) if passes else ())
                    if not passes:
                        assert status == (405 if opened else 404)


@pytest.mark.parametrize("probe", [*TARGETS, *HOSTS], ids=lambda probe: probe.name)
def test_a_request_line_and_a_host_mean_one_thing_or_nothing(everything: Front, probe: Probe) -> None:
    everything.says(probe.data)

    requests = everything.tap.requests()
    assert tuple(map(str, requests)) == probe.reaches
    assert all(collects(each, everything.opened) for each in requests)
    assert all(each.all("host") == [everything.host] for each in requests)


@pytest.mark.parametrize("probe", HTTP1, ids=lambda probe: probe.name)
def test_no_request_hides_in_another(everything: Front, probe: Probe) -> None:
    statuses = everything.says(probe.data)

    _assert_only(everything, probe.reaches)
    assert len(statuses) <= 2


@pytest.mark.parametrize("probe", HTTP2, ids=lambda probe: probe.name)
def test_no_request_hides_in_one_of_http_2(everything: Front, probe: H2Probe) -> None:
    answer = everything.says2(probe)

    _assert_only(everything, probe.reaches)
    assert answer.ended


def _assert_only(front: Front, reaches: tuple[str, ...]) -> None:
    """Instances got what `reaches` says, and then whoever comes next is answered as if nothing had been."""
    seen = front.reached()
    with front.talk() as others:
        # The second one may use whatever connection somebody has left.
        answers = [others.ask(h1("POST", f"/track?{each}", host=front.host, body=EVENT)) for each in range(2)]

    assert (seen, front.reached()) == (reaches, ("POST /track?0", "POST /track?1"))
    assert [(answer.status, answer.header("x-seen")) for answer in answers] == [
        (200, "POST /track?0"),
        (200, "POST /track?1"),
    ]
    assert not front.tap.unfinished


def test_clients_share_connections_to_an_instance(everything: Front) -> None:
    """So what one leaves on a connection would be another's."""
    for client in range(10):
        with everything.talk() as talk:
            # A connection is shared once it has proved to stay open after an answer.
            for _ in range(2):
                assert talk.ask(h1("POST", f"/track?{client}", host=everything.host, body=EVENT)).status == 200

    requests = everything.tap.requests()
    assert len(requests) == 20
    shared = {each.connection for each in requests}
    assert any(len({each.target for each in requests if each.connection == one}) > 1 for one in shared)


def test_a_browser_on_another_origin_may_send_events(everything: Front) -> None:
    with Client(everything.site.visitor, everything.address, everything.host, everything.site.authority) as client:
        preflight = client.request(
            "OPTIONS",
            "/track",
            headers={
                "Origin": _ORIGIN,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type",
            },
        )
        event = client.track(headers={"Origin": _ORIGIN, "Cookie": "a=b"})

    assert everything.reached() == ("OPTIONS /track", "POST /track")
    for answer in (preflight, event):
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == _ORIGIN
        assert answer.headers["access-control-allow-credentials"] == "true"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-allow-headers"] == "content-type"


def test_every_answer_asks_for_tls_from_now_on(everything: Front) -> None:
    with everything.talk() as talk:
        for method, target, host, status in (
            ("POST", "/track", everything.host, 200),
            ("OPTIONS", "/track", everything.host, 405),
            ("GET", "/install", everything.host, 404),
            ("PUT", "/track", everything.host, 405),
            ("POST", "/track", "other.test", 421),
            ("POST", f"https://{everything.host}/track", everything.host, 400),
        ):
            answer = talk.ask(h1(method, target, host=host, body=EVENT if status == 200 else b""))

            assert (answer.status, answer.header("strict-transport-security")) == (status, _HSTS)
    everything.reached()


def test_the_host_decides_and_not_the_name_that_tls_asked_for(everything: Front) -> None:
    tls = trusting(everything.site.authority, protocols=("http/1.1",))
    tls.check_hostname = False
    request = h1("POST", "/track", "Connection: close", host=everything.host, body=EVENT)
    said = exchange(everything.site.visitor, everything.address, 443, request, tls, "other.test")
    assert said.answer.status == 200
    assert everything.reached() == ("POST /track",)

    with everything.talk() as talk:
        assert talk.ask(h1("POST", "/track", host="other.test", body=EVENT)).status == 421
    assert not everything.reached()


def test_what_comes_to_an_instance_past_the_balancer_is_seen_as_well(everything: Front) -> None:
    (pod,) = everything.site.cluster.workloads[Role.TRACK_API].pods
    hidden = h1("GET", "/install", host=everything.host)
    with Line(everything.site.visitor, pod.address, int(Port.HTTP)) as line:
        line.send(h1("POST", "/track", host=everything.host, body=EVENT) + hidden)
        assert line.hear(quiet=0.1).statuses == [200, 200]

    assert everything.reached() == ("POST /track", "GET /install")


def test_without_its_lists_a_balancer_passes_secret_paths_on(lax: Front) -> None:
    with lax.talk() as talk:
        for path in SECRET:
            talk.ask(h1("GET", path, host=lax.host))

    assert lax.reached() == tuple(f"GET {path}" for path in SECRET)


def test_without_its_refusals_a_balancer_passes_whole_addresses_and_other_hosts_on(lax: Front) -> None:
    lax.says(h1("POST", f"ftp://{lax.host}/track", "Connection: close", body=EVENT))
    lax.says(h1("POST", "/track", "Connection: close", body=EVENT, host=f"{lax.host}:443/install?"))

    whole, other = lax.tap.requests()
    assert not collects(whole, lax.opened)
    assert other.all("host") == [f"{lax.host}:443/install?"]


def test_without_its_refusals_a_balancer_passes_trailers_on(lax: Front) -> None:
    lax.says(next(probe for probe in HTTP1 if probe.name == "chunks with trailers").data)
    with pytest.raises(AmbiguousError, match="forwarded-for"):
        lax.tap.requests()

    lax.says2(next(probe for probe in HTTP2 if probe.name == "trailers without a body"))
    with pytest.raises(AmbiguousError, match="forwarded-for"):
        lax.tap.requests()
