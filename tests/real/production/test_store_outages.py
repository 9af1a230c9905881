"""Redis, MySQL or Elasticsearch away for 30 seconds: what collectors answer meanwhile, and how everything recovers.

Tracardi asks an Elasticsearch that refuses three times more. A node refuses connections to a Service without pods for
Kubernetes, but tells each pod so once a second only (Linux, `icmp_ratelimit`): of questions at once, all but one find
out by Elasticsearch's time-out of 12 s.
"""

import signal
import time
from http import HTTPStatus

import pytest

from model.lifecycle import SERVER_TIMEOUT_SECONDS
from tests.dataplane.clients.outcome import Outcome
from tests.measured import Measured
from tests.real.load import Account, Traffic, traffic
from tests.real.load.changes import PATIENCE, scale, settle
from tests.real.load.pods import pods, restarts
from tests.real.site import Installation
from tools.cluster.api import wait_until

pytestmark = [pytest.mark.own_nodes("connects from networks outside"), pytest.mark.timeout(600)]

_AWAY_SECONDS = 30.0
_BEFORE_SECONDS = 3.0
_AFTER_SECONDS = 5.0
_NOTICED_SECONDS = 5.0
"""Collectors go on with the event source that they have read for 2 s; and this is a busy machine."""
_AT_ONCE_SECONDS = 5.0
"""Far below any time-out on the way."""
_WAITING = frozenset({HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.GATEWAY_TIMEOUT})
"""A balancer waits for 20 s, and the second of Tracardi's tries may last longer."""
_RATE = 0.5
_SLOW_RATE = 0.125
"""Where answers take 20 s: of the requests of one client, a balancer carries 16 at a time. Not one in 10 s:
that is when it gives up on a connection that has said nothing yet."""


@pytest.mark.parametrize("store", ["redis", "mysql"])
def test_collectors_say_at_once_that_a_store_is_away_and_recover_by_themselves(
    production: Installation, measured: Measured, store: str
) -> None:
    meanwhile = _while_away(production, measured, store)

    assert set(meanwhile.statuses) == {HTTPStatus.INTERNAL_SERVER_ERROR}, meanwhile
    assert meanwhile.p50 < _AT_ONCE_SECONDS, meanwhile


def test_collectors_say_that_elasticsearch_is_away_and_recover_by_themselves(
    production: Installation, measured: Measured
) -> None:
    meanwhile = _while_away(production, measured, "elasticsearch")

    assert set(meanwhile.statuses) <= _WAITING, meanwhile
    assert meanwhile.statuses[HTTPStatus.INTERNAL_SERVER_ERROR] > meanwhile.sent / 2, meanwhile
    assert meanwhile.percentile(1) < SERVER_TIMEOUT_SECONDS + _AT_ONCE_SECONDS, meanwhile


def _while_away(production: Installation, measured: Measured, store: str) -> Outcome:
    """What clients met once collectors had noticed; all have answers, nothing was lost, and all is well afterwards."""
    before, instances = restarts(production), len(pods(production, store))
    with traffic(production, _RATE) as load:
        time.sleep(_BEFORE_SECONDS)
        scale(production, store, 0)
        wait_until(f"{store} to be away", lambda: not _there(production, store), seconds=PATIENCE)
        away = load.now()
        time.sleep(_AWAY_SECONDS)
        back = load.now()
        scale(production, store, instances)
        settle(production)
        time.sleep(_AFTER_SECONDS)
        complete = load.now() - _AFTER_SECONDS

    account = load.account()
    measured(f"{store} away for 30 s", account)
    measured(f"{store} away for 30 s: first event accepted again", f"after {_first_accepted(load, back):.0f} s")
    meanwhile = account.outcome.begun(after=away + _NOTICED_SECONDS, before=back)
    assert meanwhile.sent > 0
    assert not meanwhile.failed, account.explained()
    # Pods of the store are other ones, and begin to count again.
    assert not restarts(production) - before
    _is_well_since(account, complete)
    return meanwhile


def test_collectors_wait_for_a_redis_that_is_frozen_and_are_not_restarted(
    production: Installation, measured: Measured
) -> None:
    before = restarts(production)
    (redis,) = pods(production, "redis")
    with traffic(production, _SLOW_RATE) as load:
        # Between two events: one at the same moment would come first or not.
        time.sleep(0.5 / _SLOW_RATE)
        frozen = load.now()
        production.machine.kill(redis, signal.SIGSTOP)
        try:
            time.sleep(_AWAY_SECONDS)
            # Answers come before the signal's sender goes on.
            back = load.now()
        finally:
            production.machine.kill(redis, signal.SIGCONT)
        settle(production)
        time.sleep(1 / _SLOW_RATE)
        complete = load.now() - 1 / _SLOW_RATE

    account = load.account()
    measured("redis frozen for 30 s", account)
    measured("redis frozen for 30 s: first event accepted again", f"after {_first_accepted(load, back):.0f} s")
    meanwhile = account.outcome.where(lambda record: record.at > frozen and record.until < back)
    # The balancers' patience with an instance ends, or they have found that no instance is well.
    assert set(meanwhile.statuses) <= {HTTPStatus.GATEWAY_TIMEOUT, HTTPStatus.SERVICE_UNAVAILABLE}, account.explained()
    assert meanwhile.statuses, account.explained()
    assert restarts(production) == before
    _is_well_since(account, complete)


def _there(production: Installation, store: str) -> bool:
    """Whether a store has a pod, even one that leaves."""
    namespace = production.namespace("data")
    label = f"app.kubernetes.io/component%3D{store}"
    return bool(production.client.items(f"/api/v1/namespaces/{namespace}/pods?labelSelector={label}"))


def _first_accepted(load: Traffic, since: float) -> float:
    """Seconds from a moment to the first event after it that was accepted."""
    accepted = load.outcome().with_status(HTTPStatus.OK).records
    return min(record.until for record in accepted if record.until > since) - since


def _is_well_since(account: Account, moment: float) -> None:
    assert not account.lost, account.explained()
    since = account.outcome.begun(after=moment)
    assert set(since.statuses) == {HTTPStatus.OK}, account.explained()
    assert not since.failed, account.explained()
