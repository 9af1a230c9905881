"""Clients who do what they can to be in the way of others: the others are served, and each abuse has its answer."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from model.lifecycle import (
    MAX_CONNECTIONS,
    MAX_CONNECTIONS_PER_CLIENT,
    MAX_REDIRECTS,
    MAX_REDIRECTS_PER_CLIENT,
    MAX_REQUESTS_PER_CLIENT,
    MAX_REQUESTS_PER_INSTANCE,
)
from model.roles import Role
from tests.dataplane.clients.drops import Drops, Held, drip
from tests.dataplane.clients.events import event
from tests.dataplane.clients.h2load import H2load
from tests.dataplane.clients.http1 import Peer
from tests.dataplane.clients.idle import handshaken, idle, still_open
from tests.dataplane.clients.raw import Line
from tests.dataplane.clients.streams import at_once, opened_and_reset
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.hostile.abuse import (
    asked,
    head,
    memory,
    memory_limit,
    most_sessions,
    one_from_each,
    others,
)
from tests.dataplane.installation.entries import Entry, requests
from tests.dataplane.installation.mutations import rewrite
from tests.dataplane.installation.sites import small
from tests.dataplane.sandbox import Place
from tests.measured import Measured

IDLE_CONNECTIONS = 10_000
HELD_SECONDS = 13.0
"""Longer than `timeout http-request`, shorter than the patience that a body in drops is met with."""
REQUEST_SECONDS = 10.0
"""`timeout http-request`."""
NOISE_SECONDS = 2.0
AT_ONCE_SECONDS = 1.0
OPENING_SECONDS = 3.5
"""While thousands connect, a packet may be dropped, and repeated after one second and again after two more."""
_DUAL_STACK = {"replicas": 1, "service": {"ipFamilyPolicy": "RequireDualStack"}}


@pytest.fixture(scope="module")
def entry(sites: Sites) -> Entry:
    site = sites(small(track__balancer=_DUAL_STACK))
    api = site.run_track()
    found = Entry(site)
    found.settle(site.visitor, len(api.pods))
    return found


@pytest.fixture(scope="module")
def crowd(entry: Entry) -> Place:
    return entry.site.crowd()


@pytest.fixture(scope="module")
def many(entry: Entry) -> Place:
    """A crowd of abusers: what one address may not do, they do together."""
    return entry.site.crowd(20, first=60)


@pytest.fixture
def abuser(entry: Entry) -> Place:
    """Somebody with an address that nobody else has."""
    return entry.site.stranger()


@pytest.fixture(scope="module")
def dripped(entry: Entry) -> dict[str, Held]:
    """What becomes of clients who send headers, short bodies and long bodies in drops, all at the same time."""
    kinds = {
        "headers": (300, Drops(b"POST /track HTTP/1.1\r\nX-Slow: 1\r\n", b"X-Slow: 1\r\n")),
        "short-bodies": (300, Drops(head(entry, 1000), b"{")),
        # Beyond what the balancer waits for before it chooses an instance.
        "long-bodies": (100, Drops(head(entry, 100_000) + b"{" * 20_000, b"{" * 10)),
    }
    with ThreadPoolExecutor() as threads:
        running = {
            kind: threads.submit(entry.site.stranger().call, drip, entry.peer(), drops, number, HELD_SECONDS)
            for kind, (number, drops) in kinds.items()
        }
    return {kind: result.result() for kind, result in running.items()}


def test_others_are_served_while_hundreds_send_in_drops(
    entry: Entry, crowd: Place, measured: Measured, request: pytest.FixtureRequest
) -> None:
    with others(entry, crowd, measured, "700 connections in drops"):
        held = request.getfixturevalue("dripped")

    measured(
        "700 connections in drops", {kind: (dict(each.answers), round(each.longest, 1)) for kind, each in held.items()}
    )


def test_headers_in_drops_are_given_up_on(dripped: dict[str, Held]) -> None:
    assert dripped["headers"].answers == {"408": 300}
    assert dripped["headers"].longest < REQUEST_SECONDS + NOISE_SECONDS


def test_short_bodies_in_drops_are_given_up_on(dripped: dict[str, Held]) -> None:
    assert dripped["short-bodies"].answers == {"408": 300}
    assert dripped["short-bodies"].longest < REQUEST_SECONDS + NOISE_SECONDS


def test_long_bodies_in_drops_hold_a_few_places_of_instances_only(dripped: dict[str, Held]) -> None:
    assert dripped["long-bodies"].answers == {"429": 100 - MAX_REQUESTS_PER_CLIENT, "held": MAX_REQUESTS_PER_CLIENT}


def test_others_are_served_beside_ten_thousand_idle_connections(
    entry: Entry, crowd: Place, many: Place, measured: Measured
) -> None:
    with (
        others(entry, crowd, measured, f"{IDLE_CONNECTIONS} idle connections", patience=OPENING_SECONDS),
        idle(many, entry.peer(), IDLE_CONNECTIONS) as connections,
    ):
        time.sleep(1)
        kept = still_open(connections)
        measured("HAProxy's resident memory with idle connections", f"{memory(entry)[0] / 2**20:.0f} MiB")

    assert kept == IDLE_CONNECTIONS


def test_one_address_cannot_hold_all_connections(entry: Entry, crowd: Place, abuser: Place, measured: Measured) -> None:
    with (
        others(entry, crowd, measured, "as many of one address", patience=OPENING_SECONDS),
        idle(abuser, entry.peer(), MAX_CONNECTIONS + 1) as connections,
    ):
        kept = still_open(connections)

    measured("idle connections of one address: kept", f"{kept} of {MAX_CONNECTIONS + 1}")
    assert kept == MAX_CONNECTIONS_PER_CLIENT


def redirects(entry: Entry) -> Peer:
    """The port that only redirects to https."""
    return replace(entry.peer(), port=80, tls=None)


def redirected(entry: Entry) -> list[int]:
    """What somebody else is answered there at once."""
    with Line(entry.site.visitor, entry.address, 80) as line:
        line.send(f"GET / HTTP/1.1\r\nHost: {entry.site.host(entry.role)}\r\nConnection: close\r\n\r\n".encode())
        return line.hear(seconds=AT_ONCE_SECONDS).statuses


def test_one_address_cannot_have_all_connections_of_the_redirect(entry: Entry, abuser: Place) -> None:
    with idle(abuser, redirects(entry), MAX_REDIRECTS + 1) as connections:
        said = redirected(entry)
        kept = still_open(connections)

    assert said == [308]
    assert kept == MAX_REDIRECTS_PER_CLIENT


@pytest.fixture(scope="module")
def household(entry: Entry) -> Place:
    """Somebody with many addresses, all of one IPv6 network of 64 bits."""
    world = entry.site.world
    addresses = (f"2001:db8:77::{number:x}" for number in range(2, 2 + 2 * MAX_REDIRECTS_PER_CLIENT))
    return world.place("household", world.network("household", "2001:db8:77::/64"), *addresses)


def test_addresses_of_one_ipv6_network_have_as_many_connections_as_one_address(entry: Entry, household: Place) -> None:
    six = (entry.site.cluster.entry(entry.role, 6),)
    with one_from_each(household, replace(redirects(entry), addresses=six)) as connections:
        redirected(entry)
        kept = still_open(connections)

    assert kept == MAX_REDIRECTS_PER_CLIENT


def test_addresses_of_one_ipv6_network_have_as_many_requests_at_once_as_one_address(
    entry: Entry, household: Place
) -> None:
    six = (entry.site.cluster.entry(entry.role, 6),)
    (balancer,) = entry.balancers.pods
    before = requests(balancer)
    with one_from_each(household, replace(entry.peer(), addresses=six)) as connections:
        *held, last = connections[: MAX_REQUESTS_PER_CLIENT + 1]
        for connection in held:
            connection.sendall(head(entry, 100_000) + b"{" * 20_000)
        until(lambda: requests(balancer) >= before + len(held), lambda: "few requests", HELD_SECONDS)
        last.sendall(head(entry, 0))
        said = last.recv(12)
        body = event("beside a household")
        others_say = asked(entry, entry.site.visitor, head(entry, len(body), "Connection: close") + body)

    assert said == b"HTTP/1.1 429"
    assert others_say == [200]


def test_others_are_served_beside_idle_connections_with_tls(
    entry: Entry, crowd: Place, many: Place, measured: Measured
) -> None:
    with others(entry, crowd, measured, "idle connections with TLS"), handshaken(many, entry.peer(), 4) as connections:
        measured("idle connections with TLS", f"{len(connections)}, {memory(entry)[0] / 2**20:.0f} MiB resident")
        assert still_open(connections)


def test_one_address_gets_no_more_than_its_rate_and_others_are_not_held_to_it(
    entry: Entry, crowd: Place, abuser: Place, measured: Measured
) -> None:
    load = H2load(place=abuser, address=entry.address, host=entry.site.host(entry.role), connections=8)
    with others(entry, crowd, measured, "a burst from one address"):
        report = load.run(8, "/track", body=event("burst"), headers=(("content-type", "application/json"),))

    measured("burst from one address", f"{report.requests} requests: {dict(report.statuses)}")
    allowed = 10 * entry.site.settings.track.balancer.requests_per_second
    assert report.requests > 1.2 * allowed, "no burst"
    assert 0.9 * allowed <= report.statuses["2xx"] <= 1.1 * allowed
    assert report.statuses["4xx"] == report.requests - report.statuses["2xx"]
    assert asked(entry, abuser, head(entry, 0, "Connection: close")) == [429]


def test_streams_of_one_connection_count_as_requests_at_once(entry: Entry, abuser: Place) -> None:
    statuses = at_once(abuser, entry.peer(http2=True), 100, ("x-fault", "slow-body"))

    assert statuses == {200: MAX_REQUESTS_PER_CLIENT, 429: 100 - MAX_REQUESTS_PER_CLIENT}


def test_others_are_served_while_streams_are_opened_and_reset(
    entry: Entry, crowd: Place, abuser: Place, measured: Measured
) -> None:
    with others(entry, crowd, measured, "a flood of reset streams"):
        began = time.monotonic()
        streams = opened_and_reset(abuser, entry.peer(http2=True), 20_000)
        measured("streams opened and reset", f"{streams} in {time.monotonic() - began:.1f} s")


@pytest.fixture(scope="module")
def careless(sites: Sites) -> Entry:
    """A balancer whose clients have as many connections, and requests at once, as they like."""
    site = sites(small())
    for limit in (
        f"sc_conn_cur(1) gt {MAX_CONNECTIONS_PER_CLIENT}",
        f"sc_conn_cur(1) gt {MAX_REDIRECTS_PER_CLIENT}",
        f"sc_trackers(0) gt {MAX_REQUESTS_PER_CLIENT}",
    ):
        rewrite(site.objects, Role.TRACK_BALANCER, f"{{ {limit} }}", "{ always_false }")
    api = site.run_track()
    found = Entry(site)
    found.settle(site.visitor, len(api.pods))
    return found


def test_one_address_shuts_others_out_where_connections_are_not_limited(careless: Entry) -> None:
    with idle(careless.site.stranger(), careless.peer(), MAX_CONNECTIONS + 1), pytest.raises(TimeoutError):
        asked(careless, careless.site.visitor, head(careless, 0))


def test_one_address_shuts_the_redirect_where_its_connections_are_not_limited(careless: Entry) -> None:
    with idle(careless.site.stranger(), redirects(careless), MAX_REDIRECTS + 1):
        assert redirected(careless) == []


def test_one_address_shuts_others_out_where_requests_at_once_are_not_limited(careless: Entry) -> None:
    slow = Drops(head(careless, 100_000) + b"{" * 20_000, b"{" * 10)
    places = 2 * MAX_REQUESTS_PER_INSTANCE
    with ThreadPoolExecutor() as threads:
        dripping = threads.submit(careless.site.stranger().call, drip, careless.peer(), slow, places, 8)
        until(lambda: requests(careless.balancers.pods[0]) > places, lambda: "few requests", HELD_SECONDS)
        said = asked(careless, careless.site.visitor, head(careless, 0, "Connection: close"))

    assert dripping.result().answers == {"held": places}
    assert said == [503]


def test_the_balancer_survives_all_of_it_and_its_resident_memory_stays_below_the_limit(
    entry: Entry, measured: Measured
) -> None:
    (balancer,) = entry.balancers.pods
    assert most_sessions(balancer) >= IDLE_CONNECTIONS, "there is something to survive when all of this file is run"
    _, most = memory(entry)

    measured("HAProxy's resident memory, at most", f"{most / 2**20:.0f} of {memory_limit(entry) / 2**20:.0f} MiB")
    assert balancer.restarts == 0
    assert [pod.restarts for pod in entry.site.cluster.workloads[Role.TRACK_API].pods] == [0, 0]
    assert most < memory_limit(entry)
