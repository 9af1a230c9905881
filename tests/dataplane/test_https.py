"""Plain HTTP leads to HTTPS, and every answer keeps browsers there."""

import contextlib
import re

import pytest

from model.ports import Port
from model.roles import Role
from tests.dataplane.clients.answers import Answer
from tests.dataplane.clients.h2raw import H2Request, h2_exchange
from tests.dataplane.clients.raw import Exchange, Line, exchange
from tests.dataplane.clients.trust import trusting
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.sites import Site, small
from tests.dataplane.installation.variants import (
    await_entry,
    client_of,
    deployment,
    one_more,
    text_of,
    unselected,
    with_text,
)

_ENTRIES = (Role.TRACK_BALANCER, Role.GUI_API_BALANCER, Role.GUI_BALANCER)
_STRICT = "max-age=31536000"
_PER_SECOND = 20
_QUIET_SECONDS = 0.05
_STARTS_SECONDS = 10.0
_PREFLIGHT = (
    b"OPTIONS /track HTTP/1.1\r\nHost: HOST\r\nOrigin: https://a.test\r\nAccess-Control-Request-Method: POST\r\n\r\n"
)


@pytest.fixture(scope="module")
def site(sites: Sites) -> Site:
    """All three entries, with one balancer and one instance each."""
    site = sites(small(track__routes=["tracker"], track__balancer__requestsPerSecond=_PER_SECOND))
    for role in (Role.TRACK_API, Role.GUI_API, Role.GUI, *_ENTRIES):
        site.run(role, 1)
    for role in _ENTRIES:
        await_entry(site, role)
    return site


def _https(site: Site, request: bytes, role: Role = Role.TRACK_BALANCER) -> Exchange:
    host = site.host(role)
    tls = trusting(site.authority)
    return exchange(
        client_of(site, role), site.cluster.entry(role), 443, request.replace(b"HOST", host.encode()), tls, host
    )


@pytest.mark.parametrize(
    ("request_line", "headers", "target"),
    [
        ("GET / HTTP/1.1", "Host: HOST", "/"),
        ("GET /tracker/?a=b&c=%20d HTTP/1.1", "Host: HOST", "/tracker/?a=b&c=%20d"),
        ("POST /track HTTP/1.1", "Host: HOST\r\nContent-Length: 0", "/track"),
        ("GET /x HTTP/1.1", "Host: evil.test:8080", "/x"),
        ("GET /x HTTP/1.1", "Host: HOST\r\nX-Forwarded-Host: evil.test", "/x"),
        ("GET http://evil.test/x?y HTTP/1.1", "Host: evil.test", "/x?y"),
        ("GET http://HOST@evil.test/x HTTP/1.1", "Host: evil.test", "/x"),
        ("GET http://evil.test HTTP/1.1", "Host: evil.test", "/"),
        ("GET //evil.test/ HTTP/1.1", "Host: HOST", "//evil.test/"),
        ("CONNECT evil.test:443 HTTP/1.1", "Host: evil.test:443", "/"),
        ("GET /x HTTP/1.0", "Accept: */*", "/x"),
    ],
)
def test_plain_http_is_sent_to_our_host_with_its_method_whatever_the_client_claims(
    site: Site, request_line: str, headers: str, target: str
) -> None:
    for role in _ENTRIES:
        host = site.host(role)
        request = f"{request_line}\r\n{headers}\r\n\r\n".replace("HOST", host).encode()

        with Line(client_of(site, role), site.cluster.entry(role), 80) as line:
            line.send(request)
            answer = line.hear(quiet=_QUIET_SECONDS).answer

        # 308 is the one that keeps the method and the body.
        assert (answer.status, answer.header("location")) == (308, f"https://{host}{target}")


@pytest.mark.parametrize("target", ["@evil.test/", ".evil.test/", "evil.test", "http://evil.test?x"])
def test_a_target_that_would_continue_our_host_name_is_refused(site: Site, target: str) -> None:
    request = f"GET {target} HTTP/1.1\r\nHost: {site.host(Role.TRACK_BALANCER)}\r\n\r\n".encode()

    assert exchange(site.visitor, site.cluster.entry(Role.TRACK_BALANCER), 80, request).answer.status == 400


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /tracker/ HTTP/1.1\r\nHost: HOST\r\n\r\n", 200),
        (_PREFLIGHT, 200),
        (b"POST /track HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n\r\n", 422),
        (b"GET /install HTTP/1.1\r\nHost: HOST\r\n\r\n", 404),
        (b"PUT /track HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", 421),
        (b"POST /track HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 413),
    ],
)
def test_answers_and_denials_alike_tell_browsers_to_stay_with_https(site: Site, request_: bytes, status: int) -> None:
    answer = _https(site, request_).answer

    assert (answer.status, answer.header("strict-transport-security")) == (status, _STRICT)


@pytest.mark.parametrize(("role", "path"), [(Role.GUI_BALANCER, "/"), (Role.GUI_API_BALANCER, "/healthcheck")])
def test_the_console_and_its_api_tell_browsers_to_stay_with_https(site: Site, role: Role, path: str) -> None:
    answer = _https(site, f"GET {path} HTTP/1.1\r\nHost: HOST\r\n\r\n".encode(), role).answer

    assert (answer.status, answer.header("strict-transport-security")) == (200, _STRICT)


def test_whoever_is_over_the_limit_is_told_as_well(site: Site) -> None:
    host, tls = site.host(Role.TRACK_BALANCER), trusting(site.authority, protocols=("h2",))
    requests = (H2Request.of("GET", host, "/"),) * (_PER_SECOND * 10 + 1)

    last = h2_exchange(site.crowd(1), site.cluster.entry(Role.TRACK_BALANCER), 443, tls, host, *requests)[-1]

    assert (last.status, last.headers["strict-transport-security"]) == (429, _STRICT)


def test_an_entry_without_instances_tells_browsers_to_stay_with_https(site: Site) -> None:
    manifest, host = unselected(deployment(site, Role.TRACK_BALANCER)), site.host(Role.TRACK_BALANCER)
    text = text_of(manifest, "configuration", "haproxy.cfg", site)
    text = re.sub(r"(server-template instance \d+ )", r"\1nobody-", text)
    manifest = with_text(manifest, "configuration", "haproxy.cfg", text, site)

    with one_more(site, Role.TRACK_BALANCER, manifest, waits=False) as balancer:
        request = f"GET /tracker/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        port, tls, answers = int(Port.BALANCER_HTTPS), trusting(site.authority), list[Answer]()

        def answered() -> bool:
            # It never gets ready, as it reaches no instance; until it listens, connections are refused.
            with contextlib.suppress(ConnectionError):
                answers.append(exchange(site.visitor, balancer.address, port, request, tls, host).answer)
            return bool(answers)

        until(answered, balancer.log, _STARTS_SECONDS)
        ready = balancer.ready

    (answer,) = answers
    assert (answer.status, answer.header("strict-transport-security")) == (503, _STRICT)
    assert not ready
