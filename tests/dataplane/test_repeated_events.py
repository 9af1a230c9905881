"""Clients that repeat what they believe was not looked at: an event must not be stored twice by them either."""

import json
import os
import signal
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import httpx
import pytest
from h2.errors import ErrorCodes

from model.roles import Role
from tests.dataplane.clients.browser import Browser
from tests.dataplane.cluster import Workload
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.entries import STORED, Entry, stored
from tests.dataplane.installation.mutations import rewrite
from tests.dataplane.installation.sites import small
from tests.measured import Measured

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


_STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Repeated:
    """The entry, and the instances behind it."""

    entry: Entry
    api: Workload


def _begun(sites: Sites, *, staged: bool) -> Repeated:
    site = sites(small())
    if staged:
        rewrite(site.objects, Role.TRACK_BALANCER, "default_backend instances", "default_backend stage")
        rewrite(site.objects, Role.TRACK_BALANCER, "backend instances\n", f"{_STAGE}backend instances\n")
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


def test_a_browser_repeats_an_event_whose_instance_died_before_it_answered(
    as_it_is: Repeated, measured: Measured
) -> None:
    """What is wanted is once. HAProxy cannot be had to say so (docs/decisions/0015-events-that-clients-repeat.md)."""
    times = _seen_by_a_browser(as_it_is)
    measured("a browser's event, stored by an instance that dies before it answers: times stored", times)

    assert times > 1, "HAProxy has changed for the better: decision 15 and the operations page can go"


@pytest.mark.parametrize(
    ("told", "http2"),
    [
        ("Server disconnected without sending a response.", False),
        (f"error_code:{int(ErrorCodes.REFUSED_STREAM)}", True),
    ],
    ids=["http1", "http2"],
)
def test_clients_are_invited_to_repeat_what_an_instance_had_in_hand(
    as_it_is: Repeated, told: str, *, http2: bool
) -> None:
    assert told in str(_told_to_a_client(as_it_is, http2=http2))


def test_with_a_second_stage_a_browser_does_not_repeat_the_event(staged: Repeated, measured: Measured) -> None:
    times = _seen_by_a_browser(staged)
    measured("the same with a second stage in the balancer: times stored", times)

    assert times == 1


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_with_a_second_stage_clients_get_an_answer(staged: Repeated, *, http2: bool) -> None:
    assert _told_to_a_client(staged, http2=http2) == HTTPStatus.BAD_GATEWAY


def test_a_second_stage_would_lose_requests_whenever_a_balancer_drains(sites: Sites) -> None:
    """Why there is none."""
    assert _told_amid_a_drain(_begun(sites, staged=True), stopped="stage") == HTTPStatus.SERVICE_UNAVAILABLE


def test_without_one_a_draining_balancer_answers_on_the_connections_it_has(sites: Sites) -> None:
    """The other side of the same."""
    assert _told_amid_a_drain(_begun(sites, staged=False), stopped="entry") == HTTPStatus.OK


def _told_amid_a_drain(repeated: Repeated, stopped: str) -> int:
    """The status of a request on a kept connection once `stopped` is; the site's only balancer ends with it."""
    entry = repeated.entry
    (balancer,) = entry.balancers.pods
    with entry.client(entry.site.visitor) as client:
        assert client.track("before").status_code == HTTPStatus.OK
        os.kill(balancer.pid, signal.SIGTERM)
        until(lambda: f"Proxy {stopped} stopped" in balancer.log(), balancer.log, _STOP_SECONDS)
        return client.track("meanwhile").status_code
