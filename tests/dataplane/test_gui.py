"""What the console answers, to whom, and what it writes down about it."""

import json
import re
from collections.abc import Iterator
from http import HTTPStatus

import httpx
import pytest

from model.releases import release_of
from model.roles import Role
from tests.dataplane.clients.http import Client
from tests.dataplane.clients.raw import exchange
from tests.dataplane.clients.trust import trusting
from tests.dataplane.cluster import Pod
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.consoles import PAGE, SECURITY, console, plain_answer, start_console
from tests.dataplane.installation.sites import Site, small

OWN_FILES = ("worker_processes", "window._env_ =", "supervise.sh", "root:x:", "nginx.pid")
"""What is in files of the pod that are no page."""


@pytest.fixture(scope="module")
def site(sites: Sites) -> Site:
    site = sites(small())
    start_console(site, site.authority)
    return site


@pytest.fixture(scope="module")
def nginx(site: Site) -> Pod:
    (pod,) = site.cluster.workloads[Role.GUI].pods
    return pod


@pytest.fixture
def office(site: Site) -> Iterator[Client]:
    with console(site, site.office, site.authority) as client:
        yield client


def test_the_console_is_told_what_the_catalogue_says_and_asks_again_each_time(site: Site, office: Client) -> None:
    answer = office.get("/env-config.js")

    told = json.loads(answer.text.removeprefix("window._env_ = ").removesuffix(";\n"))
    assert told == dict(release_of(site.settings.installation.release).gui_environment)
    assert answer.headers["content-type"].partition(";")[0] in {"application/javascript", "text/javascript"}
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/index.html", "/login", "/resources/events?page=2", "/no/such/file.js"])
def test_every_path_of_the_console_is_its_page(office: Client, path: str) -> None:
    answer = office.get(path)

    assert (answer.status_code, answer.content) == (HTTPStatus.OK, PAGE)
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        ("GET", "/", {}, HTTPStatus.OK),
        ("HEAD", "/", {}, HTTPStatus.OK),
        ("GET", "/env-config.js", {}, HTTPStatus.OK),
        ("GET", "/no/such/file.js", {}, HTTPStatus.OK),
        ("GET", "/", {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, HTTPStatus.OK),
        ("GET", "/", {"Range": "bytes=1-2"}, HTTPStatus.OK),
        ("GET", "/", {"Range": "bytes=999999-"}, HTTPStatus.OK),
        ("POST", "/", {}, HTTPStatus.METHOD_NOT_ALLOWED),
        ("GET", "/env-config.js/", {}, HTTPStatus.OK),
        ("GET", "/%00", {}, HTTPStatus.BAD_REQUEST),
    ],
)
def test_every_answer_says_what_browsers_may_do(
    office: Client, method: str, target: str, headers: dict[str, str], status: HTTPStatus
) -> None:
    answer = office.request(method, target, headers=headers)

    assert answer.status_code == status
    assert SECURITY.items() <= answer.headers.items()
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    # No version that an attacker could look up.
    assert answer.headers.get("server", "nginx") == "nginx"


def test_a_page_that_a_browser_has_is_not_sent_again(office: Client) -> None:
    first = office.get("/")
    again = office.get("/", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (HTTPStatus.NOT_MODIFIED, b"")
    assert SECURITY.items() <= again.headers.items()


@pytest.mark.parametrize(
    "target",
    [
        *("/../../../../etc/passwd", "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2f..%2f..%2fetc/passwd"),
        *("/%252e%252e/%252e%252e/etc/passwd", "//etc/passwd", "/.//..//..//..//..//etc/passwd", "/..;/etc/passwd"),
        *(
            "/env-config.js/../nginx.conf",
            "/env-config.js/../../../etc/tracardi/nginx.conf",
            "/env-config.js../nginx.conf",
        ),
        *("/etc/tracardi/nginx.conf", "/nginx.conf", "/..%5c..%5c..%5cetc/passwd", "/nginx.pid", "/50x.html%00"),
        *("/..%c0%af..%c0%afetc/passwd", "/proc/self/environ", "/../html/../../../../proc/self/environ"),
    ],
)
def test_no_path_leads_out_of_the_document_root(site: Site, nginx: Pod, target: str) -> None:
    answer = plain_answer(site, nginx, target)

    assert (answer.status, answer.body) == (HTTPStatus.OK, PAGE) or answer.status == HTTPStatus.BAD_REQUEST
    assert not [text for text in OWN_FILES if text in answer.body.decode() + str(answer.headers)]


def test_the_host_names_of_others_are_not_served(site: Site) -> None:
    role = Role.GUI_BALANCER
    request = b"GET / HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n"

    answer = exchange(
        site.office, site.cluster.entry(role), 443, request, trusting(site.authority), site.host(role)
    ).answer

    assert answer.status == HTTPStatus.MISDIRECTED_REQUEST


def test_large_requests_are_refused_and_the_next_one_is_served(site: Site, office: Client) -> None:
    limit = site.settings.gui.balancer.max_body_bytes

    assert office.get(f"/?{'a' * 7000}").status_code == HTTPStatus.OK
    assert office.get(f"/?{'a' * 40000}").status_code == HTTPStatus.BAD_REQUEST
    assert office.post("/", content=b"a" * (limit + 1)).status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert office.get("/").content == PAGE


def test_logs_have_paths_without_arguments(site: Site, nginx: Pod, office: Client) -> None:
    office.get("/logged?api=https://secret.test")
    plain_answer(site, nginx, "/not%20found/..?token=secret", "POST")

    assert re.search(r'"GET /logged" 200 \d+$', nginx.log(), re.MULTILINE)
    assert '"POST /not%20found/.." 405' in nginx.log()
    (balancer,) = site.cluster.workloads[Role.GUI_BALANCER].pods
    assert "GET /logged HTTP/1.1" in balancer.log()
    assert "secret" not in nginx.log() + balancer.log()


# Who gets anything at all


@pytest.mark.parametrize("plain", [False, True])
def test_the_internet_gets_nothing(site: Site, plain: bool) -> None:  # noqa: FBT001 - a parameter
    served = HTTPStatus.PERMANENT_REDIRECT if plain else HTTPStatus.OK
    with (
        console(site, site.visitor, site.authority, plain=plain) as visitor,
        console(site, site.office, site.authority, plain=plain) as office,
    ):
        with pytest.raises(httpx.TransportError):
            visitor.get("/")
        with pytest.raises(httpx.TransportError):
            visitor.get("/", headers={"X-Forwarded-For": site.office.address})

        assert office.get("/").status_code == served
