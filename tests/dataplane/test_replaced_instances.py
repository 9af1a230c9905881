"""An instance is lost with its node, and another one gets its server slot: what requests meet then."""

import re
import time
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus

import pytest

from model.roles import Role
from tests.dataplane.clients.outcome import Outcome
from tests.dataplane.cluster import Workload
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.entries import Entry, bad, cut_off, metrics, up
from tests.dataplane.installation.mutations import rewrite
from tests.dataplane.installation.sites import small
from tests.dataplane.sandbox import Place
from tests.measured import Measured

_INSTANCES, _BALANCERS = 3, 2
_SLOTS = 4
"""One more, for rolling updates: where there are as many instances, none is free."""
_QUESTIONS = "    option srvtcpka\n"
_RATE, _CONNECTIONS, _LOAD_SECONDS = 60, 20, 3.0
_PATIENCE_SECONDS = 40.0
_IDLE = re.compile(r'^haproxy_server_idle_connections_current\{proxy="instances",server="(\w+)"\} (\d+)$', re.MULTILINE)


@dataclass(frozen=True)
class Replaced:
    """What balancers and their clients met."""

    idle: int
    """Idle connections that balancers had to each instance at least, just before one was lost."""
    left: int
    """Those to the lost one that they had when its slot was about to be another's."""
    after: Outcome
    """What became of requests once it was."""


@pytest.fixture(scope="module")
def replaced(sites: Sites) -> dict[str, Replaced]:
    """In two sites at the same time: the balancers, and some that do not ask whether idle connections still live."""
    entries = {"asked": _entry(sites), "never asked": _entry(sites, asked=False)}
    crowds = {name: entry.site.crowd() for name, entry in entries.items()}
    _loaded(entries, crowds)
    idle = {name: min(_idle(entry).values()) for name, entry in entries.items()}
    for entry in entries.values():
        cut_off(_api(entry).pods[0])
    for entry in entries.values():
        _until_up(entry, _INSTANCES - 1)
    for entry in entries.values():
        # By now its node is taken for lost, and DNS does not tell of it any more.
        _api(entry).delete(_api(entry).pods[0], hurry=True)
        _api(entry).scale(_SLOTS - 1)
    for entry in entries.values():
        _until_up(entry, _INSTANCES)
    left = {name: sum(_idle(entry, down=True).values()) for name, entry in entries.items()}
    for entry in entries.values():
        _api(entry).scale(_SLOTS)
        _until_up(entry, _SLOTS)
    after = _loaded(entries, crowds)
    return {name: Replaced(idle[name], left[name], after[name]) for name in entries}


def _entry(sites: Sites, *, asked: bool = True) -> Entry:
    site = sites(
        small(track__replicas={"min": _INSTANCES, "max": _INSTANCES}, track__balancer__replicas=_BALANCERS),
        dns_seconds=1.0,
    )
    if not asked:
        rewrite(site.objects, Role.TRACK_BALANCER, _QUESTIONS, "")
    site.run_track(_INSTANCES, _BALANCERS)
    entry = Entry(site)
    entry.settle(site.visitor, _INSTANCES)
    return entry


def _api(entry: Entry) -> Workload:
    return entry.site.cluster.workloads[Role.TRACK_API]


def _loaded(entries: dict[str, Entry], crowds: dict[str, Place]) -> dict[str, Outcome]:
    with ExitStack() as running:
        runs = {
            name: running.enter_context(
                entry.load(crowds[name], connections=_CONNECTIONS, name=name.replace(" ", "-")).running(_RATE)
            )
            for name, entry in entries.items()
        }
        time.sleep(_LOAD_SECONDS)
    return {name: run.outcome() for name, run in runs.items()}


def _until_up(entry: Entry, instances: int) -> None:
    balancers = entry.balancers.pods
    until(
        lambda: all(len(up(pod)) == instances for pod in balancers),
        lambda: "".join(pod.log() for pod in balancers),
        _PATIENCE_SECONDS,
    )


def _idle(entry: Entry, *, down: bool = False) -> dict[tuple[str, str], int]:
    """Idle connections in each server slot of each balancer whose instance is up, or is not."""
    return {
        (pod.name, slot): int(number)
        for pod in entry.balancers.pods
        for slot, number in _IDLE.findall(metrics(pod))
        if (slot not in up(pod)) == down
    }


def test_requests_do_not_meet_connections_to_an_instance_that_was_lost_before(
    replaced: dict[str, Replaced], measured: Measured
) -> None:
    found = replaced["asked"]
    measured(
        "idle connections to a lost instance: before, and when another one gets its slot", (found.idle, found.left)
    )

    assert found.idle > 0, "there was no connection that a request could have met"
    assert found.left == 0
    assert found.after.sent > 0
    assert not bad(found.after).records, bad(found.after)


def test_requests_would_meet_them_if_balancers_never_asked_whether_they_live(
    replaced: dict[str, Replaced], measured: Measured
) -> None:
    """HAProxy lets go of them where an instance leaves that was up; one that is lost is down before."""
    found = replaced["never asked"]
    failed = bad(found.after)
    measured("the same without keep-alive of TCP: failed", f"{failed.sent} of {found.after.sent}")

    assert found.left > 0
    assert set(failed.statuses) == {HTTPStatus.GATEWAY_TIMEOUT}
