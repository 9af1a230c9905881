"""Requests are spread over the instances that are there and healthy, whoever sends them and however."""

import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from model.lifecycle import SURGE
from model.roles import Role
from tests.dataplane.clients.http import Client, origin
from tests.dataplane.cluster import Workload
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.entries import STORED, Entry, bad, unhindered, up, without_dns
from tests.dataplane.installation.sites import Site, small
from tests.dataplane.sandbox import Place
from tests.measured import Measured

_FEW, _MOST = 2, 4
_PICKED_UP_SECONDS = 10.0
"""DNS is a second late here; then HAProxy asks within a second, and takes a check of 2 s to believe in an instance. One
that has left stays for `hold obsolete`, 5 s."""
_REQUESTS = 24
_NO_DNS_SECONDS = 20
_HOLD_NX_SECONDS = 10
_STEP_SECONDS = 0.25


@pytest.fixture(scope="module")
def site(sites: Sites) -> Site:
    """As many instances as the autoscaler may want at most, and two balancers."""
    site = sites(small(track__routes=["tracker"], track__replicas={"min": _FEW, "max": _MOST}), dns_seconds=1.0)
    site.run_track(replicas=_FEW, balancers=2, COST_MS="2", STORED=STORED)
    Entry(site).settle(site.visitor, _FEW)
    return site


@pytest.fixture
def entry(site: Site) -> Entry:
    """The public entry."""
    return Entry(site)


@pytest.fixture(scope="module")
def crowd(site: Site) -> Place:
    """Visitors whom no limit for a single client holds."""
    return site.crowd()


@pytest.fixture
def api(site: Site) -> Workload:
    """The instances, as few as ever, and known to the balancers."""
    api = site.cluster.workloads[Role.TRACK_API]
    api.scale(_FEW)
    Entry(site).settle(site.visitor, _FEW)
    return api


@contextlib.contextmanager
def _denied(site: Site) -> Iterator[None]:
    """No instance is published: the name of the headless Service does not exist."""
    service = next(each for each in site.objects.of_kind("Service") if each["metadata"]["name"] == Role.TRACK_API.value)
    nobody = {**service, "spec": {**service["spec"], "selector": {"app": "nobody"}}}
    site.objects.put(nobody)
    try:
        yield
    finally:
        site.objects.put(service)


def _answered_by(client: Client, requests: int = _REQUESTS) -> list[str]:
    return [client.track(f"balancing-{number}").headers["x-instance"] for number in range(requests)]


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_requests_of_one_connection_go_to_the_instances_in_turn(
    site: Site, entry: Entry, api: Workload, *, http2: bool
) -> None:
    with entry.client(site.visitor, http2=http2) as client:
        answers = [client.track(f"turn-{number}") for number in range(_REQUESTS)]

    assert len({origin(answer) for answer in answers}) == 1, "the connection was not kept"
    instances = [answer.headers["x-instance"] for answer in answers]
    assert set(instances) == {pod.name for pod in api.pods}
    assert all(one != other for one, other in itertools.pairwise(instances)), instances


def test_clients_without_a_kept_connection_are_spread_evenly_by_each_balancer(
    site: Site, entry: Entry, api: Workload
) -> None:
    for balancer in entry.balancers.pods:
        answers = []
        for number in range(_REQUESTS):
            with entry.client(site.visitor, balancer) as client:
                answers.append(client.track(f"even-{number}"))
        shares = Counter(answer.headers["x-instance"] for answer in answers)
        share = _REQUESTS // len(api.pods)
        assert all(abs(shares[pod.name] - share) <= 1 for pod in api.pods), (balancer.name, shares)


def test_no_answer_ties_a_client_to_an_instance(site: Site, entry: Entry) -> None:
    with entry.client(site.visitor) as client:
        answers = [client.track("free"), client.get("/tracker/"), client.get("/install")]

    assert [answer.status_code for answer in answers] == [200, 200, 404]
    assert not any("set-cookie" in answer.headers for answer in answers)


def test_replicas_that_come_and_go_are_picked_up_within_seconds_and_nothing_fails(
    crowd: Place, entry: Entry, api: Workload, measured: Measured
) -> None:
    with entry.load(crowd, name="scaling").running(rate=60) as run:
        api.scale(_MOST)
        added = run.now()
        until(lambda: len(run.outcome().begun(after=run.now() - 1).instances) == _MOST, str, _PICKED_UP_SECONDS)
        took = run.now() - added
        api.scale(_FEW)
        removed = run.now()
        until(lambda: len(run.outcome().begun(after=run.now() - 1).instances) == _FEW, str, _PICKED_UP_SECONDS)
        left = run.now() - removed
    outcome = run.outcome()

    measured("scaling 2 to 4: seconds until all four serve", f"{took:.1f}")
    measured("scaling 4 to 2: seconds until only two serve", f"{left:.1f}")
    assert not bad(outcome).records, bad(outcome)


def test_as_many_instances_as_there_may_be_during_an_update_all_get_their_share(
    site: Site, entry: Entry, api: Workload
) -> None:
    api.scale(_MOST + SURGE)
    entry.settle(site.visitor, _MOST + SURGE)
    names = {pod.name for pod in api.pods}

    for balancer in entry.balancers.pods:
        with entry.client(site.visitor, balancer) as client:
            # One that an earlier scaling sent away may still be on its way out.
            until(lambda: set(_answered_by(client, _MOST + SURGE)) == names, balancer.log, _PICKED_UP_SECONDS)
            assert Counter(_answered_by(client, 2 * (_MOST + SURGE))) == dict.fromkeys(names, 2)


def test_an_instance_beyond_the_slots_would_get_nothing(site: Site, entry: Entry, api: Workload) -> None:
    """What the number of slots is for; no more are ever wanted than `replicas.max` and the surge of an update."""
    api.scale(_MOST + SURGE + 1)
    entry.settle(site.visitor, _MOST + SURGE)
    time.sleep(_PICKED_UP_SECONDS / 3)

    for balancer in entry.balancers.pods:
        assert len(up(balancer)) == _MOST + SURGE


def test_traffic_goes_on_for_as_long_as_dns_is_away(
    crowd: Place, entry: Entry, api: Workload, measured: Measured
) -> None:
    with entry.load(crowd, name="no-dns").running(rate=60) as run:
        with contextlib.ExitStack() as answering:
            for balancer in entry.balancers.pods:
                without_dns(balancer)
                answering.callback(unhindered, balancer)
            time.sleep(_NO_DNS_SECONDS)
        back = run.now()
        api.scale(_FEW + 1)
        until(lambda: len(run.outcome().begun(after=run.now() - 1).instances) == _FEW + 1, str, _PICKED_UP_SECONDS)
        took = run.now() - back
    outcome = run.outcome()

    measured(f"DNS away for {_NO_DNS_SECONDS} s: failed", f"{len(bad(outcome).records)} of {outcome.sent}")
    measured("seconds after DNS is back until a new instance serves", f"{took:.1f}")
    assert not bad(outcome).records, bad(outcome)
    assert len(outcome.begun(before=back).instances) == _FEW


@pytest.mark.usefixtures("api")
def test_a_name_that_dns_denies_for_a_moment_is_remembered_for_hold_nx(
    site: Site, entry: Entry, measured: Measured
) -> None:
    with _denied(site), entry.client(site.visitor) as client:
        began = time.monotonic()
        while client.track("denied").status_code == HTTPStatus.OK:
            assert time.monotonic() < began + 2 * _HOLD_NX_SECONDS, "whether the name is denied has no effect"
            time.sleep(_STEP_SECONDS)
    held = time.monotonic() - began

    measured("DNS denies the instances' name: seconds until 503", f"{held:.1f}")
    assert held > _HOLD_NX_SECONDS
    # All of them are back as soon as DNS is.
    entry.settle(site.visitor, _FEW)
