"""What production loses while its nodes are drained, or lost: never more than one instance of a cluster at a time."""

import http.client
from functools import partial

import pytest

from tests.cluster.live import JsonObject, RefusedError, Watch, is_ready, ready_of, role_of
from tests.cluster.nodes import Nodes
from tests.cluster.stacks import PODS, Deployment
from tools.cluster.api import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

TRACK = "app.kubernetes.io/component%3Dtrack-api"
INSTANCES = {
    "track-api": 3,
    "track-balancer": 2,
    "gui-api": 2,
    "gui-api-balancer": 2,
    "gui": 2,
    "gui-balancer": 2,
    "elasticsearch": 3,
}
"""Roles of which production has several instances."""


def path_of(pod: JsonObject) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def evict(production: Deployment, pod: JsonObject) -> bool:
    """Ask for a pod to be evicted, as a drain does; False where its budget says no."""
    metadata = {key: pod["metadata"][key] for key in ("name", "namespace")}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    try:
        production.client.post(f"{path_of(pod)}/eviction", eviction)
    except RefusedError as refused:
        if refused.status == http.client.TOO_MANY_REQUESTS:
            return False
        raise
    return True


@pytest.mark.parametrize("role", INSTANCES)
def test_only_one_instance_at_a_time_may_be_evicted(production: Deployment, nodes: Nodes, role: str) -> None:
    nodes.keep()  # nothing that is evicted comes back

    allowed = [evict(production, pod) for pod in production.pods(role)]

    assert allowed == [True] + [False] * (INSTANCES[role] - 1)
    assert sum(map(is_ready, production.pods(role))) == INSTANCES[role] - 1


@pytest.mark.usefixtures("nodes")
def test_a_drain_moves_everything_elsewhere_single_instances_too(production: Deployment) -> None:
    (redis,) = production.pods("redis")
    node = redis["spec"]["nodeName"]
    with Watch(production.client, PODS) as watch:
        production.kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s")
        production.settle()

    placed = production.placed()
    assert node not in {name for names in placed.values() for name in names}
    assert {role: len(placed[role]) for role in (*INSTANCES, "redis", "mysql")} == {**INSTANCES, "redis": 1, "mysql": 1}
    for role, instances in INSTANCES.items():
        assert watch.fewest(ready_of(role)) >= instances - 1, role


def test_instances_that_are_broken_anyway_do_not_hold_a_drain_up(production: Deployment, nodes: Nodes) -> None:
    """The budget would protect them for ever where they never become ready, as after an update that went wrong."""
    nodes.keep()  # nothing that is evicted comes back
    *broken, sound = production.pods("track-api")
    for pod in broken:
        conditions = [{"type": kind, "status": "False"} for kind in ("Ready", "ContainersReady")]
        production.client.merge(f"{path_of(pod)}/status", {"status": {"conditions": conditions}})

    def noticed() -> bool:
        budget = production.client.get("/apis/policy/v1/namespaces/tracardi-track/poddisruptionbudgets/track-api")
        return bool(budget["status"]["currentHealthy"] == 1)

    try:
        wait_until("the budget to know of one healthy instance", noticed, seconds=30)

        assert [evict(production, pod) for pod in (*broken, sound)] == [True, True, False]
    finally:
        production.client.delete(f"/api/v1/namespaces/tracardi-track/pods?labelSelector={TRACK}")


def test_instances_of_a_lost_node_are_back_elsewhere_within_a_minute(production: Deployment, nodes: Nodes) -> None:
    node = production.pods("track-api")[0]["spec"]["nodeName"]
    lost = {role_of(pod) for pod in production.pods() if pod["spec"]["nodeName"] == node}
    nodes.lose(node)

    def elsewhere(role: str) -> bool:
        ready = [pod for pod in production.pods(role) if is_ready(pod) and pod["spec"]["nodeName"] != node]
        return len(ready) == INSTANCES[role]

    stateless = lost & INSTANCES.keys() - {"elasticsearch"}
    assert "track-api" in stateless
    for role in stateless:
        wait_until(f"{role} to be complete without {node}", partial(elsewhere, role), seconds=45)
