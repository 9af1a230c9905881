"""Collectors under CPU load, as the cluster's own metrics see it: more of them come, spread evenly, and go again."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.cluster.live import JsonObject, Watch, is_ready
from tests.measured import Measured
from tests.real.load import traffic
from tests.real.load.changes import PATIENCE, settle
from tests.real.load.pods import node, pods, ready
from tests.real.site import Installation
from tools.cluster.api import wait_until

pytestmark = [pytest.mark.own_nodes("needs the CPU of nodes of its own"), pytest.mark.timeout(600)]

_API = "track-api"
_LEAST = 3
_BUSY, _QUIET = 5.0, 0.5
"""Events a second of each kind of connections."""
_PERCENT = 10
"""Of the half core that each asks for. Settings allow no less than 20, for which two cores that also send the events,
and store them, are not enough."""
_WINDOW_SECONDS = 15
"""Kubernetes' own is 5 minutes, for which nobody waits here."""


def test_collectors_come_with_cpu_load_and_go_with_it(production: Installation, measured: Measured) -> None:
    listed = (
        f"/api/v1/namespaces/{production.namespace('track')}/pods?labelSelector=app.kubernetes.io/component%3D{_API}"
    )
    with _sensitive_autoscaler(production), Watch(production.client, listed) as watch:
        with traffic(production, _BUSY) as load:
            began = time.monotonic()
            wait_until("another collector to serve", lambda: len(ready(production, _API)) > _LEAST, seconds=PATIENCE)
            grown = time.monotonic() - began
            spread = Counter(node(pod) for pod in pods(production, _API))
        with traffic(production, _QUIET) as rest:
            ended = time.monotonic()
            wait_until("spare collectors to leave", lambda: len(pods(production, _API)) == _LEAST, seconds=PATIENCE)
            shrunk = time.monotonic() - ended
            settle(production)

    busy, quiet = load.account(), rest.account()
    measured(f"autoscaling: {spread.total()} collectors after {grown:.0f} s, {_LEAST} again after {shrunk:.0f} s", busy)
    assert max(spread.values()) - min(spread.values()) <= 1, spread
    assert set(spread) == set(production.machine.nodes)
    assert watch.fewest(is_ready) >= _LEAST
    assert set(Counter(node(pod) for pod in pods(production, _API)).values()) == {1}
    for account in (busy, quiet):
        assert not account.lost, account.explained()
        assert not account.failed.records, account.explained()


@contextlib.contextmanager
def _sensitive_autoscaler(production: Installation) -> Iterator[None]:
    """One that little load is enough for, and that soon believes in its end."""
    namespace = production.namespace("track")
    path = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/{_API}"
    usual = production.client.get(path)["spec"]
    (metric,) = usual["metrics"]
    usual_percent = metric["resource"]["target"]["averageUtilization"]
    usual_window = usual["behavior"]["scaleDown"].get("stabilizationWindowSeconds")
    production.client.merge(path, _settings(_PERCENT, _WINDOW_SECONDS))
    try:
        yield
    finally:
        production.client.merge(path, _settings(usual_percent, usual_window))


def _settings(percent: int, window: int | None) -> JsonObject:
    target = {"type": "Utilization", "averageUtilization": percent}
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    return {"spec": {"metrics": [metric], "behavior": {"scaleDown": {"stabilizationWindowSeconds": window}}}}
