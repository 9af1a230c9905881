"""An instance that dies, vanishes or freezes: what is lost, for how long, and why no event is stored twice."""

import os
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus

import pytest

from model.lifecycle import MAX_REQUESTS_PER_INSTANCE, SERVER_TIMEOUT_SECONDS
from model.roles import Role
from tests.dataplane.clients.outcome import Outcome
from tests.dataplane.cluster import Workload
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.entries import STORED, Entry, bad, cut_off, lost, stored, twice, up
from tests.dataplane.installation.mutations import rewrite
from tests.dataplane.installation.sites import Site, small
from tests.measured import Measured

_INSTANCES = 3
_BALANCERS = 2
_RETRIES = "retry-on conn-failure"
_INTERVAL_SECONDS, _FALL, _CONNECT_SECONDS, _CHECK_SECONDS = 2, 3, 2, 5
"""As the template has them; a check that gets no connection gives up after the lesser of the interval and of `timeout
connect`."""
_NOTICED_SECONDS = 1.0
"""A moment of a busy machine, for what happens at once."""


_LATE_SECONDS = 3.0
"""The same for what takes several steps."""
_PATIENCE_SECONDS = 40.0
_LIKE_THE_OTHERS_SECONDS = 1.5
"""Longer than a request takes that no silent instance has to do with, on a busy machine."""


@dataclass(frozen=True)
class Loss:
    """What a load met while instances were lost, and when each was."""

    api: Workload
    outcome: Outcome
    moments: tuple[float, ...]


def _site(sites: Sites, **environment: str) -> Site:
    site = sites(
        small(track__replicas={"min": _INSTANCES, "max": _INSTANCES}, track__balancer__replicas=_BALANCERS),
        dns_seconds=1.0,
    )
    site.run(Role.TRACK_API, _INSTANCES, STORED=STORED, **environment)
    return site


def _api(site: Site) -> Workload:
    return site.cluster.workloads[Role.TRACK_API]


def _ready(site: Site) -> Entry:
    site.run(Role.TRACK_BALANCER, _BALANCERS)
    entry = Entry(site)
    entry.settle(site.visitor, _INSTANCES)
    return entry


@pytest.fixture(scope="module")
def killed(sites: Sites) -> dict[str, Loss]:
    """Each instance is killed once under load; and again where balancers repeat whatever has failed.

    Instances store at once and answer later, so that a kill always meets events that are stored and not answered.
    """
    as_it_is, reckless = (_site(sites, COST_MS="2", LATENCY_MS="200", STORE_AT="begin") for _ in range(2))
    rewrite(reckless.objects, Role.TRACK_BALANCER, _RETRIES, "retry-on all-retryable-errors")
    loads = {"http1": as_it_is, "http2": as_it_is, "reckless": reckless}
    entries = {id(site): _ready(site) for site in (as_it_is, reckless)}
    crowds = {id(site): site.crowd() for site in (as_it_is, reckless)}
    with ExitStack() as running:
        runs = {
            name: running.enter_context(
                entries[id(site)]
                .load(crowds[id(site)], connections=40, name=name, http2=name != "http1")
                .running(rate=75)
            )
            for name, site in loads.items()
        }
        time.sleep(2)
        moments: dict[str, list[float]] = {name: [] for name in runs}
        for number in range(_INSTANCES):
            for site in (as_it_is, reckless):
                for name, run in runs.items():
                    if loads[name] is site:
                        moments[name].append(run.now())
                _api(site).pods[number].kill()
            # The kubelet starts the process anew, and balancers believe in it after a check or two.
            time.sleep(1)
            for entry in entries.values():
                _api(entry.site).wait()
                entry.settle(entry.site.visitor, _INSTANCES)
    return {name: Loss(_api(loads[name]), run.outcome(), tuple(moments[name])) for name, run in runs.items()}


@pytest.mark.parametrize("kind", ["http1", "http2"])
def test_a_killed_instance_loses_no_more_than_what_it_was_working_on(
    killed: dict[str, Loss], measured: Measured, kind: str
) -> None:
    loss = killed[kind]
    failed = bad(loss.outcome)
    measured(f"kill -9 of each instance once, {kind}: failed", f"{failed.sent} of {loss.outcome.sent}")

    for moment in loss.moments:
        under_way = [record for record in loss.outcome.records if record.at <= moment <= record.until]
        assert under_way, "nothing was under way: the test shows nothing"
    others = failed.where(
        lambda record: not any(record.at - _NOTICED_SECONDS <= at <= record.until for at in loss.moments)
    )
    assert not others.records, others
    assert 0 < failed.sent <= len(loss.moments) * MAX_REQUESTS_PER_INSTANCE


@pytest.mark.parametrize("kind", ["http1", "http2"])
def test_no_event_is_stored_twice_when_an_instance_is_killed(killed: dict[str, Loss], kind: str) -> None:
    loss = killed[kind]
    failed = {record.event for record in bad(loss.outcome).records}

    assert not twice(loss.api)
    assert not lost(loss.api, loss.outcome), "accepted, and not stored"
    assert failed & stored(loss.api).keys(), "no failed event was stored: repeating one would have shown nothing"


def test_repeating_whatever_failed_would_store_events_twice(killed: dict[str, Loss], measured: Measured) -> None:
    """The same with another `retry-on`."""
    loss = killed["reckless"]
    measured("the same with retry-on all-retryable-errors: stored twice", len(twice(loss.api)))

    assert twice(loss.api)


@dataclass(frozen=True)
class Silence:
    """What a load met while one instance did not answer, and what balancers thought meanwhile."""

    loss: Loss
    silent: str
    down_after: float
    """Seconds until every balancer had it down."""
    new: Outcome
    """What visitors met who made a connection for each request, from the loss on."""
    served_again_after: float = 0.0

    @property
    def began(self) -> float:
        """When."""
        return self.loss.moments[0]


@pytest.fixture(scope="module")
def silent(sites: Sites) -> dict[str, Silence]:
    """One instance's node is lost, and at the same time, in another site, one instance freezes for 25 s."""
    lost_node, frozen = (_site(sites, COST_MS="5") for _ in range(2))
    entries = _ready(lost_node), _ready(frozen)
    crowds = [entry.site.crowd() for entry in entries]
    with ExitStack() as running:
        runs, new = (
            [
                running.enter_context(entry.load(crowd, name=name, **options).running(rate=rate))
                for entry, crowd in zip(entries, crowds, strict=True)
            ]
            for name, rate, options in (("silent", 60, {"connections": 20}), ("silent-new", 20, {"reuse": False}))
        )
        time.sleep(2)
        victims = [entry.site.cluster.workloads[Role.TRACK_API].pods[0] for entry in entries]
        began, began_new = ([run.now() for run in each] for each in (runs, new))
        cut_off(victims[0])
        os.kill(victims[1].pid, signal.SIGSTOP)
        down = [0.0, 0.0]
        while not all(down):
            for number, entry in enumerate(entries):
                seen = [len(up(balancer)) for balancer in entry.balancers.pods]
                if not down[number] and all(healthy < _INSTANCES for healthy in seen):
                    down[number] = runs[number].now() - began[number]
            assert runs[0].now() < _PATIENCE_SECONDS, "an instance that is silent counts as healthy"
            time.sleep(0.1)
        # Let the balancers do without it for a while.
        time.sleep(3)
        os.kill(victims[1].pid, signal.SIGCONT)
        thawed = runs[1].now()
        until(lambda: runs[1].outcome().begun(after=thawed).instances[victims[1].name] > 0, str, _PATIENCE_SECONDS)
        back = runs[1].now() - thawed
    losses = [
        Loss(entry.site.cluster.workloads[Role.TRACK_API], run.outcome(), (at,))
        for entry, run, at in zip(entries, runs, began, strict=True)
    ]
    return {
        "lost": Silence(losses[0], victims[0].name, down[0], new[0].outcome().begun(after=began_new[0])),
        "frozen": Silence(losses[1], victims[1].name, down[1], new[1].outcome().begun(after=began_new[1]), back),
    }


@pytest.mark.parametrize("kind", ["lost", "frozen"])
def test_a_silent_instance_is_noticed_by_its_checks(silent: dict[str, Silence], measured: Measured, kind: str) -> None:
    patience = {"lost": min(_INTERVAL_SECONDS, _CONNECT_SECONDS), "frozen": _CHECK_SECONDS}[kind]
    measured(f"{kind} instance: seconds until balancers have it down", f"{silent[kind].down_after:.1f}")

    assert silent[kind].down_after < _FALL * (_INTERVAL_SECONDS + patience) + _LATE_SECONDS


@pytest.mark.parametrize("kind", ["lost", "frozen"])
def test_a_silent_instance_costs_only_requests_begun_until_it_is_noticed(
    silent: dict[str, Silence], measured: Measured, kind: str
) -> None:
    """Those that it had, and those that balancers send on connections that they have, or get from the kernel."""
    silence = silent[kind]
    failed = bad(silence.loss.outcome)
    measured(f"{kind} instance: failed", f"{failed.sent} of {silence.loss.outcome.sent}, {dict(failed.statuses)}")

    assert 0 < failed.sent <= MAX_REQUESTS_PER_INSTANCE * (1 + silence.down_after // SERVER_TIMEOUT_SECONDS)
    assert set(failed.statuses) == {HTTPStatus.GATEWAY_TIMEOUT}
    assert all(record.took < SERVER_TIMEOUT_SECONDS + _NOTICED_SECONDS for record in failed.records)
    # A second before: a request that had begun and was not answered yet.
    before, after = silence.began - _NOTICED_SECONDS, silence.began + silence.down_after + _NOTICED_SECONDS
    assert not failed.where(lambda record: not before <= record.at <= after).records


def test_a_lost_instance_costs_nobody_who_connects_after_its_loss(
    silent: dict[str, Silence], measured: Measured
) -> None:
    """Balancers send the first request of a client's connection on a connection of its own, which they do not get."""
    new = silent["lost"].new
    measured("lost instance: failed on new connections", f"{bad(new).sent} of {new.sent}")

    assert max(record.took for record in new.records) > _CONNECT_SECONDS, "nobody tried the lost instance"
    assert not bad(new).records, str(bad(new))


@pytest.mark.parametrize("kind", ["lost", "frozen"])
def test_requests_to_the_other_instances_are_answered_as_ever(
    silent: dict[str, Silence], measured: Measured, kind: str
) -> None:
    silence = silent[kind]
    others = silence.loss.outcome.where(lambda record: bool(record.instance) and record.instance != silence.silent)
    after = others.begun(after=silence.began + silence.down_after + _NOTICED_SECONDS)
    measured(f"{kind} instance: p99 of the others in s, and once it is down", f"{others.p99:.2f}, {after.p99:.2f}")

    # One attempt that gets no connection is what a request may wait for, before it is given to another instance.
    tried = _CONNECT_SECONDS if kind == "lost" else 0
    assert max(record.took for record in others.records) < tried + _LIKE_THE_OTHERS_SECONDS
    assert max(record.took for record in after.records) < _LIKE_THE_OTHERS_SECONDS


@pytest.mark.parametrize("kind", ["lost", "frozen"])
def test_what_a_silent_instance_does_later_is_stored_once(silent: dict[str, Silence], kind: str) -> None:
    loss = silent[kind].loss

    assert not twice(loss.api)
    assert not lost(loss.api, loss.outcome)


def test_an_instance_that_goes_on_gets_traffic_again(silent: dict[str, Silence], measured: Measured) -> None:
    after = silent["frozen"].served_again_after
    measured("frozen instance: seconds until it serves again", f"{after:.1f}")

    assert after < _INTERVAL_SECONDS + _CHECK_SECONDS + _LATE_SECONDS
