"""Three times as many requests as the instances can do: Tracardi queues them for ever, so the balancers must not."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

import pytest

from model.lifecycle import MAX_REQUESTS_PER_INSTANCE, QUEUE_TIMEOUT_SECONDS
from model.roles import Role
from tests.dataplane.clients.outcome import Outcome
from tests.dataplane.cluster import Workload
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.entries import Entry, up
from tests.dataplane.installation.mutations import rewrite
from tests.dataplane.installation.sites import Site, small
from tests.measured import Measured

COST_SECONDS = 0.03
"""Of an instance's only thread, for each request: what Tracardi takes for a new visitor with most of a core."""
INSTANCES = 2
BALANCERS = 2
CONFIGURATION = small(track__balancer={"replicas": BALANCERS}, track__replicas={"min": INSTANCES, "max": INSTANCES})
CAPACITY = INSTANCES / COST_SECONDS
SECONDS = 60.0
RECOVERY_SECONDS = 5.0
WINDOW_SECONDS = 15.0
"""Instances work on all their requests in turn, and so answer in waves; this is a few of them."""
NOISE_SECONDS = 1.5
"""What a busy machine adds, beside the lateness of the load generator itself."""
LONGEST_SECONDS = QUEUE_TIMEOUT_SECONDS + MAX_REQUESTS_PER_INSTANCE * COST_SECONDS
"""The longest wait for a place at an instance, and the longest answer of an instance that has no place left."""
QUIET = 0.4
"""A part of the capacity that leaves instances idle in between."""


@dataclass(frozen=True)
class Overload:
    """What happened while there were too many requests, and afterwards."""

    outcome: Outcome
    recovery: Outcome
    restless: Counter[str]
    """How often somebody was found not to be ready, or down."""
    logs: str
    api: Workload


@dataclass
class Watch:
    """Looks at readiness, as Kubernetes and the balancers see it, again and again."""

    entry: Entry
    api: Workload
    found: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Look for as long as the context lasts."""
        over = threading.Event()
        looking = threading.Thread(target=self._look, args=(over,))
        looking.start()
        try:
            yield
        finally:
            over.set()
            looking.join()

    def look(self) -> None:
        """Look once."""
        for pod in (*self.api.pods, *self.entry.balancers.pods):
            self.found[f"{pod.name} is not ready"] += not pod.ready
        for balancer in self.entry.balancers.pods:
            self.found[f"{balancer.name} takes an instance for dead"] += len(up(balancer)) != len(self.api.pods)

    def _look(self, over: threading.Event) -> None:
        while not over.wait(0.5):
            self.look()


def loaded(site: Site) -> tuple[Entry, Workload]:
    """The track cluster of a site, where an event costs `COST_SECONDS`."""
    api = site.run_track(COST_MS=str(round(COST_SECONDS * 1000)))
    return Entry(site), api


@pytest.fixture(scope="module")
def overload(sites: Sites) -> Overload:
    entry, api = loaded(sites(CONFIGURATION))
    crowd = entry.site.crowd()
    entry.settle(crowd, INSTANCES)
    load = entry.load(crowd, connections=int(3 * CAPACITY * LONGEST_SECONDS))
    watch = Watch(entry, api)
    with watch.running(), load.running(rate=3 * CAPACITY) as run:
        time.sleep(SECONDS)
    with entry.load(crowd, name="later").running(rate=QUIET * CAPACITY) as later:
        time.sleep(RECOVERY_SECONDS)
    logs = "".join(pod.log() for pod in entry.balancers.pods)
    return Overload(run.outcome(), later.outcome(), +watch.found, logs, api)


def accepted(overload: Overload) -> list[int]:
    """How many requests were answered in each window, one every second, from the moment on that queues are full."""
    began = LONGEST_SECONDS + NOISE_SECONDS
    ends = [record.until for record in overload.outcome.with_status(HTTPStatus.OK).records]
    starts = [began + second for second in range(int(SECONDS - began - WINDOW_SECONDS))]
    return [sum(start <= end < start + WINDOW_SECONDS for end in ends) for start in starts]


def test_throughput_stays_near_its_peak_while_three_times_as_much_is_asked_for(
    overload: Overload, measured: Measured
) -> None:
    windows = accepted(overload)

    measured(
        "overload: answered per second, of the capacity",
        f"{sum(windows) / len(windows) / WINDOW_SECONDS:.1f} of {CAPACITY:g}",
    )
    measured(
        f"overload: worst {WINDOW_SECONDS:g} s, of the peak",
        f"{min(windows) / max(windows):.0%}; requests late by {overload.outcome.lag:.2f} s at most",
    )
    assert overload.outcome.lag < 2, "the load generator did not keep up"
    assert not overload.outcome.skipped, "the load generator did not keep up"
    assert overload.outcome.sent >= 0.97 * 3 * CAPACITY * SECONDS, f"the load itself was less: {overload.outcome}"
    assert min(windows) >= 0.8 * max(windows), windows
    # What an answer costs besides is the machine's matter.
    assert sum(windows) / len(windows) >= 0.7 * CAPACITY * WINDOW_SECONDS, windows


def test_what_is_too_much_is_refused_early_and_nothing_fails(overload: Overload, measured: Measured) -> None:
    refused = overload.outcome.with_status(HTTPStatus.SERVICE_UNAVAILABLE)

    measured(
        "overload: refused with 503",
        f"{refused.sent} of {overload.outcome.sent}, p50 {refused.p50:.2f} s, p99 {refused.p99:.2f} s",
    )
    assert set(overload.outcome.statuses) == {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE}
    assert not overload.outcome.failed, str(overload.outcome)
    latest = QUEUE_TIMEOUT_SECONDS + NOISE_SECONDS + overload.outcome.lag
    assert refused.percentile(1) <= latest, "later than QUEUE_TIMEOUT_SECONDS"


def test_accepted_requests_wait_for_a_bounded_time(overload: Overload, measured: Measured) -> None:
    answered = overload.outcome.with_status(HTTPStatus.OK)

    measured(
        "overload: accepted requests",
        f"p50 {answered.p50:.2f} s, p99 {answered.p99:.2f} s, reckoned {LONGEST_SECONDS:.2f} s at most, machine aside",
    )
    assert answered.percentile(1) <= LONGEST_SECONDS + NOISE_SECONDS + overload.outcome.lag, (
        "longer than QUEUE_TIMEOUT_SECONDS and MAX_REQUESTS_PER_INSTANCE allow"
    )


def test_saturated_instances_are_neither_marked_down_nor_restarted(overload: Overload) -> None:
    assert not overload.restless
    assert " is DOWN" not in overload.logs
    assert [pod.restarts for pod in overload.api.pods] == [0] * INSTANCES


def test_the_service_is_quick_again_as_soon_as_the_load_is_gone(overload: Overload, measured: Measured) -> None:
    measured("overload: 5 s after it", str(overload.recovery))
    assert set(overload.recovery.statuses) == {HTTPStatus.OK}
    assert overload.recovery.p50 < 5 * COST_SECONDS + 0.1


def test_instances_without_the_limit_are_taken_for_dead_under_the_same_load(sites: Sites, measured: Measured) -> None:
    site = sites(CONFIGURATION)
    # Balancers send every request on at once.
    rewrite(site.objects, Role.TRACK_BALANCER, f" maxconn {MAX_REQUESTS_PER_INSTANCE // BALANCERS}", "")
    entry, api = loaded(site)
    crowd = site.crowd()
    entry.settle(crowd, INSTANCES)
    watch = Watch(entry, api)

    with entry.load(crowd, seconds=10).running(rate=3 * CAPACITY) as run:

        def harmed() -> bool:
            watch.look()
            return bool(+watch.found)

        until(harmed, lambda: str(run.outcome()), SECONDS)
        measured("overload without a limit: an instance is taken for dead after", f"{run.now():.0f} s")
