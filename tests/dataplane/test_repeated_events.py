"""Clients that repeat what they believe was not looked at: an event must not be stored twice by them either."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import httpx
import pytest

from model.roles import Role
from tests.dataplane.clients.browser import Browser
from tests.dataplane.cluster import Workload
from tests.dataplane.conftest import Measured, Sites
from tests.dataplane.entries import STORED, Entry, reconfigured, stored
from tests.dataplane.sites import small

_CUT = {"X-Fault": "close"}
"""Asks an instance to store, and to end the connection without an answer, as one does that is killed then."""
_EVENTS: tuple[tuple[str, dict[str, str]], ...] = (("first", {}), ("second", {}), ("cut", _CUT), ("last", {}))
"""Connections are kept by the time that one is cut: a connection's first request is another matter."""
_PAGE = """<body><script>
const send = async (id, headers) => {
  const body = {source: {id: "website"}, session: {id: "s"}, events: [{id, type: "page-view"}]};
  const options = {method: "POST", body: JSON.stringify(body)};
  const sent = {"Content-Type": "application/json", ...headers};
  try { return (await fetch("https://HOST/track", {...options, headers: sent})).status; } catch (error) { return 0; }
};
(async () => { for (const [id, headers] of EVENTS) document.title += " " + await send(id, headers); })();
</script>"""


@dataclass(frozen=True)
class Repeated:
    """The entry, and the instances behind it."""

    entry: Entry
    api: Workload


def _begun(sites: Sites, *, staged: bool) -> Repeated:
    site = sites(small())
    if staged:
        reconfigured(site, Role.TRACK_BALANCER, "default_backend instances", "default_backend stage")
        reconfigured(site, Role.TRACK_BALANCER, "backend instances\n", f"{_STAGE}backend instances\n")
    api = site.run_track(2, 1, STORED=STORED)
    entry = Entry(site)
    entry.settle(site.visitor, 2)
    return Repeated(entry, api)


_STAGE = """backend stage
    http-reuse never
    option http-server-close
    server stage abns@stage

frontend stage
    bind abns@stage
    default_backend instances

"""
"""To HAProxy's second stage, every request is the first of its connection, and its end without an answer a 502."""


@pytest.fixture(scope="module")
def as_it_is(sites: Sites) -> Repeated:
    """What the program configures."""
    return _begun(sites, staged=False)


@pytest.fixture(scope="module")
def staged(sites: Sites) -> Repeated:
    """The same with a second stage between entry and instances."""
    return _begun(sites, staged=True)


def _seen_by_a_browser(repeated: Repeated) -> int:
    """How often the event was stored whose connection was cut."""
    entry = repeated.entry
    host, site = entry.site.host(entry.role), entry.site
    page = _PAGE.replace("HOST", host).replace("EVENTS", json.dumps(_EVENTS))
    shown = Browser(site.visitor, site.authority, {host: entry.address}).visit(f"data:text/html,{quote(page)}")
    assert shown.title.split() == ["200", "200", "0", "200"], shown
    return stored(repeated.api)["cut"]


def _told_to_a_client(repeated: Repeated, *, http2: bool) -> object:
    with repeated.entry.client(repeated.entry.site.visitor, http2=http2) as client:
        assert client.track(f"{http2}-first").status_code == HTTPStatus.OK
        try:
            return client.track(f"{http2}-cut", headers=_CUT).status_code
        except httpx.RemoteProtocolError as error:
            return str(error)


@pytest.mark.xfail(strict=True, reason="HAProxy tells browsers REFUSED_STREAM for a request that was looked at")
def test_a_browser_does_not_repeat_an_event_whose_instance_dies(as_it_is: Repeated, measured: Measured) -> None:
    times = _seen_by_a_browser(as_it_is)
    measured("a browser's event, stored by an instance that dies before it answers: times stored", times)

    assert times == 1


@pytest.mark.xfail(strict=True, reason="HAProxy closes kept connections without a word, or says REFUSED_STREAM")
@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_clients_are_told_that_a_request_may_have_been_looked_at(as_it_is: Repeated, *, http2: bool) -> None:
    assert _told_to_a_client(as_it_is, http2=http2) == HTTPStatus.BAD_GATEWAY


def test_with_a_second_stage_a_browser_does_not_repeat_the_event(staged: Repeated, measured: Measured) -> None:
    times = _seen_by_a_browser(staged)
    measured("the same with a second stage in the balancer: times stored", times)

    assert times == 1


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_with_a_second_stage_clients_get_an_answer(staged: Repeated, *, http2: bool) -> None:
    assert _told_to_a_client(staged, http2=http2) == HTTPStatus.BAD_GATEWAY
