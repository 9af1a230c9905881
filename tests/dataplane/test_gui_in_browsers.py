"""The console in a real browser: what its page needs works through the balancers, and nothing else does."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from model.releases import release_of
from model.roles import Role
from tests.dataplane.conftest import Sites
from tests.dataplane.evidence.wiretap import Wiretap
from tests.dataplane.installation.consoles import start_console
from tests.dataplane.installation.sites import Site
from tests.dataplane.neighbours.websites import Website, browser, certified, hosting, pem, shown, website
from tests.dataplane.sandbox import Place

CONSOLE = "https://gui.tracardi.test"
API = "https://api.tracardi.test"
VENDOR = "reports.vendor.test"
STYLE = "rgb(1, 2, 3) 321px"
FRAMED = f'<!DOCTYPE html><html><body><iframe src="{CONSOLE}/"></iframe></body></html>'
FILES = {"/tracker.js": "window.reported = true;", "/frames": FRAMED, "/healthcheck": "{}"}
BLOCKED = f"script-src-elem https://{VENDOR}/tracker.js;"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Whom browsers trust."""
    return trustme.CA()


@pytest.fixture(scope="module")
def site(sites: Sites, authority: trustme.CA) -> Site:
    return whole(certified(sites, authority), authority)


@pytest.fixture(scope="module")
def connections(site: Site) -> Iterator[Wiretap]:
    """Reads along all connections to the only instance of the GUI API."""
    with Wiretap(site.cluster.workloads[Role.GUI_API].pods[0].place) as tap:
        yield tap


@pytest.fixture
def api(connections: Wiretap) -> Wiretap:
    """What reaches the GUI API from now on."""
    connections.requests()
    return connections


@pytest.fixture(scope="module")
def elsewhere(site: Site) -> Place:
    return hosting(site)


@pytest.fixture
def vendor(elsewhere: Place, authority: trustme.CA) -> Iterator[Website]:
    """Whose script the page would load: up and trusted, so that only the page's policy is in the way."""
    with website(elsewhere, VENDOR, FILES, authority) as vendor:
        yield vendor


def whole(site: Site, authority: trustme.CA) -> Site:
    """Start console and GUI API with their balancers."""
    site.run(Role.GUI_API)
    site.run(Role.GUI_API_BALANCER)
    start_console(site, pem(authority))
    return site


def test_the_page_runs_and_calls_the_gui_api_and_no_script_of_strangers(
    site: Site, vendor: Website, api: Wiretap, authority: trustme.CA
) -> None:
    page = browser(site, site.office, authority, vendor).visit(f"{CONSOLE}/?api={API}")

    told = shown(page)
    assert (told["done"], told["api"], told["style"]) == ("yes", "200", STYLE)
    assert json.loads(told["env"]) == dict(release_of(site.settings.installation.release).gui_environment)
    assert told["reporter"] == "blocked"
    assert told["violations"] == BLOCKED
    assert [line for line in page.console if "Content Security Policy" in line and VENDOR in line]
    assert vendor.asked == []
    arrived = {request.method: request for request in api.requests()}
    assert {method: request.target for method, request in arrived.items()} == {
        "OPTIONS": "/healthcheck",
        "GET": "/healthcheck",
    }
    assert arrived["OPTIONS"].all("origin") == arrived["GET"].all("origin") == [CONSOLE]
    assert arrived["OPTIONS"].all("access-control-request-headers") == ["x-context"]
    assert arrived["GET"].all("x-context") == ["staging"]
    assert arrived["GET"].all("x-forwarded-for") == [site.office.address]


def test_the_page_calls_no_other_origin(site: Site, vendor: Website, authority: trustme.CA) -> None:
    page = browser(site, site.office, authority, vendor).visit(f"{CONSOLE}/?api={vendor.origin}")

    assert shown(page)["api"] == "failed: Failed to fetch"
    assert shown(page)["violations"] == f"{BLOCKED}connect-src {vendor.origin}/healthcheck;"
    assert vendor.asked == []


def test_no_other_page_can_frame_the_console(site: Site, vendor: Website, authority: trustme.CA) -> None:
    page = browser(site, site.office, authority, vendor).visit(f"{vendor.origin}/frames")

    assert any(line for line in page.console if "frame-ancestors 'none'" in line)


def test_with_tls_all_the_way_the_page_is_the_same(sites: Sites, authority: trustme.CA) -> None:
    site = whole(certified(sites, authority, certificates__encryption="full"), authority)

    told = shown(browser(site, site.office, authority).visit(f"{CONSOLE}/?api={API}"))

    assert (told["done"], told["api"], told["style"]) == ("yes", "200", STYLE)
    assert told["violations"] == BLOCKED


@pytest.mark.parametrize(
    ("policy", "reporter", "violations"),
    [
        ({"mode": "report-only"}, "loaded", BLOCKED),
        ({"mode": "off"}, "loaded", ""),
        ({"sources": [f"https://{VENDOR}"]}, "loaded", ""),
    ],
)
def test_the_stack_s_settings_decide_what_becomes_of_strangers_scripts(
    sites: Sites, authority: trustme.CA, policy: dict[str, Any], reporter: str, violations: str
) -> None:
    site = certified(sites, authority, gui__contentSecurityPolicy=policy)
    start_console(site, pem(authority))

    with website(hosting(site), VENDOR, FILES, authority) as vendor:
        told = shown(browser(site, site.office, authority, vendor).visit(f"{CONSOLE}/"))

    assert (told["reporter"], told["violations"]) == (reporter, violations)
    assert vendor.asked == ["/tracker.js"]
