"""Visitors of a website that collects events: a real browser, which asks before it sends, and keeps what it is told."""

import json
from collections.abc import Iterator

import pytest
import trustme

from model.roles import Role
from tests.dataplane.clients.browser import PageError
from tests.dataplane.conftest import Sites
from tests.dataplane.evidence.wiretap import Sent, Wiretap
from tests.dataplane.installation.mutations import rewrite
from tests.dataplane.installation.sites import Site
from tests.dataplane.instance import FOLDER
from tests.dataplane.neighbours.websites import Website, browser, certified, hosting, shown, website
from tests.dataplane.sandbox import Place

TRACK = "track.tracardi.test"
COLLECTOR = f"https://{TRACK}"
TRACKER = FOLDER / "app" / "tracker"
PAGE = (TRACKER / "index.html").read_text(encoding="utf-8")
SCRIPT = (TRACKER / "tracker.js").read_text(encoding="utf-8")
LEAVES = f'<script>location.href = "http://{TRACK}/tracker/";</script>'
COOKIE = '<script>document.cookie = "visitor=42; domain=tracardi.test; secure";</script>'
OWN_SCRIPT = f'<script>window.tracker = {{url: "{COLLECTOR}", source: "website", event: "own"}};</script>'
PAGES = {
    "/": PAGE,
    "/cookie": COOKIE + PAGE,
    "/leaves": LEAVES,
    "/returns": f'<script src="{COLLECTOR}/tracker/tracker.js"></script>{LEAVES}',
    "/own": f'<!DOCTYPE html><html><head>{OWN_SCRIPT}<script src="/own.js"></script></head></html>',
    "/own.js": SCRIPT,
}
PREFLIGHT = "acl track-method method POST OPTIONS"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Whom browsers trust."""
    return trustme.CA()


@pytest.fixture(scope="module")
def site(sites: Sites, authority: trustme.CA) -> Site:
    site = certified(sites, authority)
    site.run_track(replicas=1)
    return site


@pytest.fixture(scope="module")
def closed(sites: Sites, authority: trustme.CA) -> Site:
    """An installation without the route to the tracker script."""
    site = certified(sites, authority, track__routes=[])
    site.run_track(replicas=1)
    return site


@pytest.fixture(scope="module")
def connections(site: Site) -> Iterator[Wiretap]:
    """Reads along all connections to the only instance, which balancers keep from test to test."""
    with Wiretap(site.cluster.workloads[Role.TRACK_API].pods[0].place) as tap:
        yield tap


@pytest.fixture
def instance(connections: Wiretap) -> Wiretap:
    """What reaches the only instance from now on."""
    connections.requests()
    return connections


@pytest.fixture(scope="module")
def elsewhere(site: Site) -> Place:
    return hosting(site)


@pytest.fixture
def shop(elsewhere: Place, authority: trustme.CA) -> Iterator[Website]:
    with website(elsewhere, "www.shop.test", PAGES, authority) as shop:
        yield shop


def page_of(website: Website, path: str = "/", **options: str) -> str:
    """The address of a page that sends an event to the collector."""
    arguments = "&".join(f"{name}={value}" for name, value in options.items())
    return f"{website.origin}{path}?url={COLLECTOR}&source=website&{arguments}"


def by_method(tap: Wiretap) -> dict[str, Sent]:
    """What has arrived, each method once."""
    requests = tap.requests()
    found = {request.method: request for request in requests}
    assert len(found) == len(requests), [str(request) for request in requests]
    return found


def balancer_log(site: Site) -> list[str]:
    """The lines about requests that the only balancer has written: frontend, status, method and path of each."""
    (pod,) = site.cluster.workloads[Role.TRACK_BALANCER].pods
    lines = [line.split() for line in pod.log().splitlines() if line.endswith(("HTTP/1.1", "HTTP/2.0"))]
    return [f"{words[2].rstrip('~')} {words[5]} {words[-3]} {words[-2]}" for words in lines]


def test_a_page_of_another_origin_loads_the_script_and_sends_an_event(
    site: Site, shop: Website, instance: Wiretap, authority: trustme.CA
) -> None:
    page = browser(site, site.visitor, authority, shop).visit(page_of(shop, event="e-1"))

    # The page could read the answer: event and instance are in it.
    assert shown(page) == {"track": "200", "events": "e-1", "instance": "track-api-1"}
    assert page.console == ("track: 200",)
    arrived = by_method(instance)
    assert {method: request.target for method, request in arrived.items()} == {
        "GET": "/tracker/tracker.js",
        "OPTIONS": "/track",
        "POST": "/track",
    }
    assert arrived["OPTIONS"].all("origin") == arrived["POST"].all("origin") == [shop.origin]
    assert arrived["OPTIONS"].all("access-control-request-method") == ["POST"]
    assert arrived["OPTIONS"].all("access-control-request-headers") == ["content-type,x-timestamp"]
    assert json.loads(arrived["POST"].body)["events"] == [{"id": "e-1", "type": "page-view"}]
    assert arrived["POST"].all("x-forwarded-for") == [site.visitor.address]
    assert arrived["POST"].all("cookie") == []


def test_a_cookie_reaches_the_instance_and_the_answer_may_be_read_with_it(
    site: Site, elsewhere: Place, instance: Wiretap, authority: trustme.CA
) -> None:
    # Browsers take cookies to hosts of the same site; without one, Tracardi's own answer to credentials is no for all.
    with website(elsewhere, "www.tracardi.test", PAGES, authority) as own:
        page = browser(site, site.visitor, authority, own).visit(page_of(own, "/cookie", credentials="include"))

    assert shown(page)["track"] == "200"
    arrived = by_method(instance)
    assert arrived["POST"].all("cookie") == ["visitor=42"]
    assert arrived["OPTIONS"].all("cookie") == []
    assert arrived["OPTIONS"].all("origin") == arrived["POST"].all("origin") == [own.origin]


def test_a_browser_sends_nothing_to_a_collector_whose_authority_it_does_not_know(
    site: Site, elsewhere: Place, instance: Wiretap
) -> None:
    stranger = trustme.CA()
    with website(elsewhere, "www.shop.test", PAGES, stranger) as shop:
        visitor = browser(site, site.visitor, stranger, shop)
        page = visitor.visit(page_of(shop))

        with pytest.raises(PageError, match="ERR_CERT_AUTHORITY_INVALID"):
            visitor.visit(f"{COLLECTOR}/tracker/")

    assert shown(page) == {"track": "failed: no script"}
    assert instance.requests() == []


def test_a_browser_that_comes_by_plain_http_is_led_to_https(site: Site, authority: trustme.CA) -> None:
    before = len(balancer_log(site))

    page = browser(site, site.visitor, authority).visit(f"http://{TRACK}/tracker/?event=led")

    assert shown(page)["events"] == "led"
    assert balancer_log(site)[before:][:2] == ["plain 308 GET /tracker/", "entry 200 GET /tracker/"]


@pytest.mark.parametrize(
    ("path", "first"), [("/leaves", "plain 308 GET /tracker/"), ("/returns", "entry 200 GET /tracker/")]
)
def test_a_browser_that_was_there_before_never_speaks_plain_http_again(
    site: Site, shop: Website, authority: trustme.CA, path: str, first: str
) -> None:
    before = len(balancer_log(site))

    page = browser(site, site.visitor, authority, shop).visit(f"{shop.origin}{path}")

    assert shown(page)["track"] == "200"
    visited = [line for line in balancer_log(site)[before:] if line.endswith("GET /tracker/")]
    assert visited[0] == first
    assert visited[-1] == "entry 200 GET /tracker/"


def test_where_the_route_to_the_script_is_closed_pages_can_only_bring_their_own(
    closed: Site, authority: trustme.CA
) -> None:
    with website(hosting(closed), "www.shop.test", PAGES, authority) as shop:
        visitor = browser(closed, closed.visitor, authority, shop)
        page, own = visitor.visit(page_of(shop)), visitor.visit(f"{shop.origin}/own")

    assert shown(page) == {"track": "failed: no script"}
    assert "entry 404 GET /tracker/tracker.js" in balancer_log(closed)
    assert shown(own) == {"track": "200", "events": "own", "instance": "track-api-1"}


def test_without_an_answer_to_its_question_a_browser_sends_no_event(sites: Sites, authority: trustme.CA) -> None:
    site = certified(sites, authority)
    rewrite(site.objects, Role.TRACK_BALANCER, PREFLIGHT, PREFLIGHT.removesuffix(" OPTIONS"))
    api = site.run_track(replicas=1)

    with (
        website(hosting(site), "www.shop.test", PAGES, authority) as shop,
        Wiretap(api.pods[0].place) as instance,
    ):
        page = browser(site, site.visitor, authority, shop).visit(page_of(shop))

        assert shown(page) == {"track": "failed: Failed to fetch"}
        assert any("blocked by CORS policy" in line and "preflight" in line for line in page.console)
        assert [str(request) for request in instance.requests()] == ["GET /tracker/tracker.js"]
    assert "entry 405 OPTIONS /track" in balancer_log(site)
