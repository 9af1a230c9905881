"""How many collectors an autoscaler runs under a load, against what the model of capacity says that it will.

Everything is real but the work: simulated pods use the CPU that the model says a load costs, shared evenly, as they
would share requests. Times are shorter than in production, where it takes 5 minutes until the first collector goes, and
half a minute until the next.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

import pytest

from model.capacity import COSTS, CostModel, Load, wanted_by_autoscaler
from settings.clusters import TrackSettings
from tests.cluster.live import Client, JsonObject, Watch, is_ready, ready_of
from tests.cluster.metering import metered, use
from tests.cluster.nodes import Nodes
from tests.cluster.stacks import PODS, Deployment
from tests.cluster.test_autoscaling import AUTOSCALERS, DEPLOYMENTS, ON, number
from tests.measured import Measured
from tools.cluster.api import wait_until
from tools.toolchain import ensure

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

PATH = f"{AUTOSCALERS}/track-api"
BUSY, QUIET = Load(279, 279), Load(10, 10)
"""Requests a second. The first is near the most that seven carry: an autoscaler takes a tenth too much for enough."""
SECONDS = 180


class Visitors:
    """A load that is shared among the collectors that are ready, whenever these change."""

    def __init__(self, production: Deployment, load: Load) -> None:
        self._production = production
        self._cores = load.sustained * COSTS[CostModel.MEASURED].instance.mean(load.share)
        self._shared: set[str] = set()

    def share(self) -> list[JsonObject]:
        """The collectors that are there, ready or not."""
        found = self._production.pods("track-api")
        ready = [pod for pod in found if is_ready(pod)]
        if (now := {pod["metadata"]["uid"] for pod in ready}) != self._shared:
            use(self._production.client, ready, self._cores)
            self._shared = now
        return found


@contextlib.contextmanager
def impatient(client: Client) -> Iterator[None]:
    """An autoscaler that believes in the end of a load after 5 s and takes a collector away every 2 s."""
    usual = client.get(PATH)["spec"]["behavior"]["scaleDown"]
    policy = {"type": "Pods", "value": 1, "periodSeconds": 2}
    scale_down = {"stabilizationWindowSeconds": 5, "policies": [policy]}
    client.merge(PATH, {"spec": {"behavior": {"scaleDown": scale_down}}})
    try:
        yield
    finally:
        kept = {"stabilizationWindowSeconds": usual.get("stabilizationWindowSeconds"), "policies": usual["policies"]}
        client.merge(PATH, {"spec": {"behavior": {"scaleDown": kept}}})


def wait_for(production: Deployment, load: Load, collectors: int) -> None:
    """Wait until so many serve, and the autoscaler, which has measured these, wants no others."""
    visitors = Visitors(production, load)
    cores = load.sustained * COSTS[CostModel.MEASURED].instance.mean(load.share)
    used = cores / collectors / Fraction(1, 2) * 100

    def settled() -> bool:
        found = visitors.share()
        status = production.client.get(PATH)["status"]
        # An entry that says nothing stands for CPU that could not be learnt just now.
        current = [each["resource"]["current"] for each in status.get("currentMetrics") or () if "resource" in each]
        return (
            len(found) == status["desiredReplicas"] == collectors
            and all(map(is_ready, found))
            and [abs(each["averageUtilization"] - used) <= 2 for each in current] == [True]
        )

    wait_until(f"{collectors} collectors to carry {load.sustained} requests/s", settled, seconds=SECONDS)


def test_an_autoscaler_runs_as_many_collectors_as_the_model_says_and_spreads_them(
    production: Deployment, nodes: Nodes, measured: Measured
) -> None:
    if production.configuration["tracardi:track"]["replicas"] != ON:
        production.change(track__replicas=ON)
        production.stack.up()
        production.settle()
    target = TrackSettings.model_fields["cpu_target_percent"].default
    wanted = wanted_by_autoscaler(BUSY.sustained, BUSY, CostModel.MEASURED, target)
    assert ON["min"] < wanted < ON["max"]
    assert wanted_by_autoscaler(QUIET.sustained, QUIET, CostModel.MEASURED, target) < ON["min"]
    program = ensure(frozenset({"metrics"})).bin / "metrics-server"

    client, named = production.client, f"{DEPLOYMENTS}?fieldSelector=metadata.name%3Dtrack-api"
    with metered(production.cluster, client, program), impatient(client):
        with Watch(client, PODS) as pods:
            wait_for(production, BUSY, wanted)
            placed = Counter(production.placed()["track-api"])
        with Watch(client, named) as deployment, Watch(client, PODS) as fewer:
            wait_for(production, QUIET, ON["min"])
            production.settle()

    measured(f"autoscaler: collectors for {BUSY.sustained} requests/s, and by the model", f"{placed.total()}, {wanted}")
    zones = nodes.zones()
    assert set(placed) == set(nodes.workers())
    assert max(placed.values()) - min(placed.values()) <= 1
    per_zone = Counter(zones[str(name)] for name in placed.elements())
    assert max(per_zone.values()) - min(per_zone.values()) <= 1
    assert min(watch.fewest(ready_of("track-api")) for watch in (pods, fewer)) == ON["min"]
    # One at a time.
    assert deployment.seen(number) == set(range(ON["min"], wanted + 1))
    assert len(set(production.placed()["track-api"])) == ON["min"]
