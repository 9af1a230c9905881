"""Pods that are taken away while they are in use: nobody notices."""

import contextlib
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus

import httpx
import pytest

from model.lifecycle import DRAIN_SECONDS, GRACE_SECONDS, LEAVE_SECONDS
from model.ports import Port
from model.roles import Role
from tests.dataplane.clients.outcome import Outcome
from tests.dataplane.clients.raw import Exchange, Line
from tests.dataplane.clients.trust import trusting
from tests.dataplane.cluster import Pod, Workload
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.entries import (
    STORED,
    Entry,
    bad,
    clients_of_all_kinds,
    lost,
    redispatched,
    requests,
    twice,
)
from tests.dataplane.installation.mutations import with_argument
from tests.dataplane.installation.sites import Site, small
from tests.measured import Measured

_INSTANCES = 3
_BALANCERS = 2
_SERVICE_SECONDS = 2.0
"""How late nodes learn that a pod is leaving."""
_DNS_SECONDS = 30.0
"""How late balancers do, behind a cache on each node."""
_RATE = 25
"""Requests a second of each kind of client."""
_BEFORE_SECONDS = 2.0
"""For so long, clients send while no pod leaves yet."""
_SLOW_SECONDS = 12
_CONNECT_SECONDS = 2
"""`timeout connect`: after so long the next instance is asked."""
_HTTP2_BEGIN = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""The preface, and settings without any."""
_GOAWAY = 7
_BUSY_SECONDS = 1.0
"""What a busy machine may add to anything."""


@dataclass(frozen=True)
class Drain:
    """What clients of each kind met while one pod was being taken away."""

    api: Workload
    pod: Pod
    outcomes: dict[str, Outcome]
    gone_after: float
    redispatched: int
    """Requests that a balancer sent to another instance after one that it could not connect to."""

    @property
    def everything(self) -> Outcome:
        """Of all kinds together."""
        return Outcome(tuple(record for outcome in self.outcomes.values() for record in outcome.records))


def _site(sites: Sites, **delays: float) -> Site:
    replicas = {"min": _INSTANCES, "max": _INSTANCES}
    return sites(
        small(track__routes=["tracker"], track__replicas=replicas, track__balancer__replicas=_BALANCERS), **delays
    )


def _started(site: Site, **environment: str) -> Entry:
    site.run_track(_INSTANCES, _BALANCERS, STORED=STORED, **environment)
    entry = Entry(site)
    entry.settle(site.visitor, _INSTANCES)
    return entry


def _api(entry: Entry) -> Workload:
    return entry.site.cluster.workloads[Role.TRACK_API]


def _without_pre_stop(site: Site, role: Role) -> None:
    deployment = next(each for each in site.objects.of_kind("Deployment") if each["metadata"]["name"] == role.value)
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        del container["lifecycle"]
    site.objects.put(deployment)


@pytest.fixture(scope="module")
def balancers(sites: Sites) -> dict[str, Drain]:
    """One leaves, and one that does not wait."""
    patient, hasty = (_site(sites, service_seconds=_SERVICE_SECONDS) for _ in range(2))
    _without_pre_stop(hasty, Role.TRACK_BALANCER)
    entries = {name: _started(site, COST_MS="5") for name, site in (("patient", patient), ("hasty", hasty))}
    return _drained({name: (entry, entry.balancers) for name, entry in entries.items()})


@pytest.fixture(scope="module")
def instances(sites: Sites) -> dict[str, Drain]:
    """One leaves, which DNS learns late, and one that just ends."""
    patient, abrupt = (_site(sites) for _ in range(2))
    with_argument(abrupt.objects, Role.TRACK_API, f"--leave-seconds={LEAVE_SECONDS}", "--leave-seconds=0")
    entries = {name: _started(site, COST_MS="5") for name, site in (("patient", patient), ("abrupt", abrupt))}
    for entry in entries.values():
        entry.site.cluster.publisher.dns.seconds = _DNS_SECONDS
    return _drained({name: (entry, _api(entry)) for name, entry in entries.items()})


def _drained(leaving: Mapping[str, tuple[Entry, Workload]]) -> dict[str, Drain]:
    """Takes a pod of each workload away while its entry is used."""
    gone_after: dict[str, float] = {}
    with ExitStack() as running:
        runs = {name: running.enter_context(clients_of_all_kinds(entry, _RATE)) for name, (entry, _) in leaving.items()}
        time.sleep(_BEFORE_SECONDS)
        began = time.monotonic()
        pods = {name: workload.pods[0] for name, (_, workload) in leaving.items()}
        gone = {name: workload.delete(pods[name]) for name, (_, workload) in leaving.items()}
        for name in reversed(list(leaving)):
            assert gone[name].wait(GRACE_SECONDS + _BUSY_SECONDS), f"the pod of {name} outlived its grace period"
            gone_after[name] = time.monotonic() - began
        # Until checks have told balancers what DNS does not.
        time.sleep(6)
    return {
        name: Drain(
            _api(entry),
            pods[name],
            {kind: run.outcome() for kind, run in runs[name].items()},
            gone_after[name],
            sum(redispatched(balancer) for balancer in entry.balancers.pods),
        )
        for name, (entry, _) in leaving.items()
    }


@pytest.mark.parametrize("kind", ["kept-h1", "kept-h2", "new-h1", "new-h2"])
def test_no_client_notices_that_a_balancer_is_taken_away(
    balancers: dict[str, Drain], measured: Measured, kind: str
) -> None:
    outcome = balancers["patient"].outcomes[kind]
    measured(f"balancer drained, {kind}: failed", f"{len(bad(outcome).records)} of {outcome.sent}")

    assert outcome.sent
    assert not bad(outcome).records, bad(outcome)


def test_a_balancer_leaves_after_its_drain_and_within_its_grace_period(
    balancers: dict[str, Drain], measured: Measured
) -> None:
    drain = balancers["patient"]
    measured("balancer drained under load: seconds until it is gone", f"{drain.gone_after:.1f}")

    assert DRAIN_SECONDS <= drain.gone_after < GRACE_SECONDS
    assert not drain.pod.overran
    assert not twice(drain.api)
    assert not lost(drain.api, drain.everything)


def test_a_balancer_that_did_not_wait_would_refuse_new_connections(
    balancers: dict[str, Drain], measured: Measured
) -> None:
    """What the preStop sleep is for: nodes lead connections to the pod for a while after its end has begun."""
    outcome = balancers["hasty"].everything
    measured("the same without preStop: failed", f"{len(bad(outcome).records)} of {outcome.sent}")

    assert bad(outcome).where(lambda record: record.error.startswith("connect: ")).records


def test_no_client_notices_that_an_instance_is_taken_away_which_dns_still_lists(
    instances: dict[str, Drain], measured: Measured
) -> None:
    drain = instances["patient"]
    outcome = drain.everything
    slowest = max(record.took for record in outcome.records)
    last = max(record.at + record.took for record in outcome.records if record.instance == drain.pod.name)
    last_answer = last - _BEFORE_SECONDS
    measured(
        f"instance drained, DNS {_DNS_SECONDS:g} s late: failed",
        f"{len(bad(outcome).records)} of {outcome.sent}, slowest {slowest:.1f} s, "
        f"last answer {last_answer:.1f} s and end {drain.gone_after:.1f} s after the order",
    )

    assert not bad(outcome).records, bad(outcome)
    assert not twice(drain.api)
    assert not lost(drain.api, outcome)
    assert DRAIN_SECONDS < last_answer < drain.gone_after - _BUSY_SECONDS / 2, "balancers did not leave it in between"
    assert not drain.redispatched, "a request met the instance after its end"
    assert not drain.pod.overran


def test_an_instance_that_just_ended_would_be_met_after_its_end(
    instances: dict[str, Drain], measured: Measured
) -> None:
    """Its balancers look for another one then; what it had not read yet when it ended, they cannot save."""
    drain = instances["abrupt"]
    outcome = drain.everything
    slowest = max(record.took for record in outcome.records)
    measured(
        "the same without leaving first: failed",
        f"{len(bad(outcome).records)} of {outcome.sent}, {drain.redispatched} redispatched, slowest {slowest:.1f} s",
    )

    assert drain.redispatched
    assert slowest < _CONNECT_SECONDS + 2 * _BUSY_SECONDS, "more than one attempt was waited for"
    assert not twice(drain.api)
    assert not drain.pod.overran


@pytest.fixture(scope="module")
def patience(sites: Sites) -> "Patience":
    """A balancer and an instance leave while requests are under way through them, and connections idle at the first.

    Each request takes 12 s, and is under way when the pods are told to stop, 10 s after their end has begun.
    """
    entry = _started(_site(sites, service_seconds=_SERVICE_SECONDS), LATENCY_MS=str(_SLOW_SECONDS * 1000))
    balancer, instance = entry.balancers.pods[0], _api(entry).pods[0]
    with ExitStack() as open_clients:
        idle = open_clients.enter_context(_idle(entry, balancer, "http/1.1"))
        idle.send(_request(entry))
        assert idle.hear().statuses == [HTTPStatus.OK]
        idle2 = open_clients.enter_context(_idle(entry, balancer, "h2"))
        idle2.send(_HTTP2_BEGIN)
        direct = [open_clients.enter_context(entry.client(entry.site.visitor, pod)) for pod in entry.balancers.pods]
        before = sum(map(requests, entry.balancers.pods))
        with ThreadPoolExecutor(max_workers=len(direct) * _INSTANCES) as threads:
            slow = [
                threads.submit(client.track, f"slow-{number}-{turn}")
                for turn, client in enumerate(direct)
                for number in range(_INSTANCES)
            ]
            until(lambda: sum(map(requests, entry.balancers.pods)) >= before + len(slow), str, _BUSY_SECONDS * 5)
            gone = entry.balancers.delete(balancer), _api(entry).delete(instance)
            time.sleep(DRAIN_SECONDS + _BUSY_SECONDS)
            assert not gone[0].is_set(), "the balancer has not waited for the request"
            goodbye = _frames(idle2)
            idle.send(_request(entry))
            later = idle.hear()
            answers = [each.result() for each in slow]
        assert all(each.wait(GRACE_SECONDS) for each in gone)
    return Patience(answers, later, goodbye, (balancer, instance), _api(entry))


@dataclass(frozen=True)
class Patience:
    """What came for requests that were under way when pods left, and on connections that idled then."""

    slow: list[httpx.Response]
    http1: Exchange
    """Both answers of the connection: to the request before it idled, and to the one after."""
    http2: list[int]
    """The types of the frames that came without a request."""
    left: tuple[Pod, Pod]
    api: Workload


def test_requests_that_are_under_way_when_pods_leave_end_well(patience: Patience) -> None:
    balancer, instance = patience.left

    assert [answer.status_code for answer in patience.slow] == [HTTPStatus.OK] * len(patience.slow)
    assert instance.name in {answer.headers["x-instance"] for answer in patience.slow}
    assert all(answer.elapsed.total_seconds() >= _SLOW_SECONDS for answer in patience.slow)
    assert not twice(patience.api)
    assert not balancer.overran
    assert not instance.overran


def test_an_idle_connection_is_answered_once_more_and_told_to_end(patience: Patience) -> None:
    assert patience.http1.statuses == [HTTPStatus.OK, HTTPStatus.OK]
    assert [answer.header("connection") for answer in patience.http1.answers] == [None, "close"]


def test_an_idle_http2_connection_is_told_to_end_before_anything_is_sent(patience: Patience) -> None:
    assert _GOAWAY in patience.http2


def _idle(entry: Entry, balancer: Pod, protocol: str) -> Line:
    """A connection that leads to this balancer, as one through the entry does that was made before."""
    tls = trusting(entry.site.authority, protocols=(protocol,))
    host, port = entry.site.host(entry.role), int(Port.BALANCER_HTTPS)
    return Line(entry.site.visitor, balancer.address, port, tls=tls, server_name=host)


def _request(entry: Entry) -> bytes:
    return f"GET /tracker/ HTTP/1.1\r\nHost: {entry.site.host(entry.role)}\r\n\r\n".encode()


def _frames(line: Line) -> list[int]:
    """The types of the HTTP/2 frames that have come."""
    received = b""
    with contextlib.suppress(TimeoutError):
        while piece := line.receive(_BUSY_SECONDS):
            received += piece
    types = []
    while received:
        types.append(received[3])
        received = received[9 + int.from_bytes(received[:3], "big") :]
    return types
