"""Where the scheduler puts production's instances: each on a node of its own, whatever the nodes look like."""

from collections import Counter

import pytest

from tests.cluster.live import condition, is_ready, role_of
from tests.cluster.nodes import Nodes
from tests.cluster.stacks import Deployment
from tools.cluster.api import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

TRACK = "/apis/apps/v1/namespaces/tracardi-track/deployments/track-api"


def restart(production: Deployment, *deployments: str) -> None:
    """Replace every pod of deployments (`namespace/name`), by rolling updates, and wait for the end."""
    before = {pod["metadata"]["uid"] for pod in production.pods()}
    for deployment in deployments:
        namespace, name = deployment.split("/")
        production.kubectl("rollout", "restart", f"deployment/{name}", f"--namespace={namespace}")
    production.settle()
    roles = {deployment.partition("/")[2] for deployment in deployments}
    kept = {role_of(pod) for pod in production.pods() if pod["metadata"]["uid"] in before}
    assert not roles & kept, "a rolling update left pods as they were"


def scale(production: Deployment, replicas: int) -> None:
    production.client.merge(f"{TRACK}/scale", {"spec": {"replicas": replicas}})


def surge(production: Deployment, pods: int) -> None:
    production.client.merge(TRACK, {"spec": {"strategy": {"rollingUpdate": {"maxSurge": pods}}}})


def keep_of_each_node(production: Deployment, wanted: dict[str, int]) -> None:
    """Make the next reduction spare that many collectors of each node."""
    left = dict(wanted)
    for pod in production.pods("track-api"):
        node = pod["spec"]["nodeName"]
        left[node] -= 1
        cost = {"controller.kubernetes.io/pod-deletion-cost": "1" if left[node] >= 0 else "-1"}
        path = f"/api/v1/namespaces/tracardi-track/pods/{pod['metadata']['name']}"
        production.client.merge(path, {"metadata": {"annotations": cost}})


def reduce(production: Deployment, replicas: int) -> None:
    """Take collectors away one by one, as the autoscaler does."""
    while (found := len(production.pods("track-api"))) > replicas:
        scale(production, found - 1)
        production.settle()


def test_instances_never_share_a_node_even_where_the_scheduler_prefers_one(
    production: Deployment, nodes: Nodes
) -> None:
    nodes.prefer("worker-a1")

    restart(
        production, *(f"{d['metadata']['namespace']}/{d['metadata']['name']}" for d in production.objects("deploy"))
    )

    placed = production.placed()
    assert {role: len(names) for role, names in placed.items() if len(names) > 1} == {
        "track-api": 3,
        "track-balancer": 2,
        "gui-api": 2,
        "gui-api-balancer": 2,
        "gui": 2,
        "gui-balancer": 2,
        "elasticsearch": 3,
    }
    for role, names in placed.items():
        assert len(set(names)) == len(names), f"{role} runs on {names}"


def test_a_rolling_update_ends_with_an_instance_on_each_node_where_there_are_no_more_nodes_than_instances(
    production: Deployment, nodes: Nodes
) -> None:
    nodes.keep("worker-a1", "worker-b1", "worker-c1")
    nodes.prefer("worker-a1")

    restart(production, "tracardi-track/track-api")

    assert sorted(map(str, production.placed()["track-api"])) == ["worker-a1", "worker-b1", "worker-c1"]


def test_the_pods_of_an_update_are_spread_among_themselves_wherever_the_old_ones_are(
    production: Deployment, nodes: Nodes
) -> None:
    """Counted together with the old ones, they would fill the gaps between those, and be uneven once alone."""
    nodes.keep("worker-a1", "worker-b1", "worker-c1")
    try:
        # Two of three on one node, which is what taking several away at once may leave.
        scale(production, 6)
        production.settle()
        keep_of_each_node(production, {"worker-a1": 2, "worker-b1": 1, "worker-c1": 0})
        scale(production, 3)
        production.settle()
        assert Counter(production.placed()["track-api"]) == {"worker-a1": 2, "worker-b1": 1}

        surge(production, 3)  # old and new ones side by side, whatever is quickest
        restart(production, "tracardi-track/track-api")

        assert sorted(map(str, production.placed()["track-api"])) == ["worker-a1", "worker-b1", "worker-c1"]
    finally:
        surge(production, 1)
        scale(production, 3)


def test_more_instances_than_nodes_share_them_evenly_and_a_tainted_node_holds_none_of_them_back(
    production: Deployment, nodes: Nodes
) -> None:
    nodes.prefer("worker-a1")
    try:
        scale(production, 10)
        production.settle()

        shares = Counter(production.placed()["track-api"])
        assert set(shares) == set(nodes.workers())
        assert sorted(shares.values()) == [1, 1, 2, 2, 2, 2]

        # A drained node is a tainted one: a rolling update of as many instances fits on what remains.
        nodes.keep("worker-a1", "worker-b1", "worker-b2", "worker-c1")
        restart(production, "tracardi-track/track-api")

        shares = Counter(production.placed()["track-api"])
        assert set(shares) == set(nodes.workers())
        assert sorted(shares.values()) == [2, 2, 3, 3]

        reduce(production, 3)
        # At once, this would have emptied the two fuller nodes, and left two instances on one of the others.
        assert len(set(production.placed()["track-api"])) == 3
    finally:
        scale(production, 3)


def test_an_instance_without_a_node_of_its_own_stays_pending_until_there_is_one(
    production: Deployment, nodes: Nodes
) -> None:
    """Two instances on one node would be lost together; one that waits is seen, and is reported by any monitoring."""
    lost, *kept = production.pods("track-api")
    nodes.keep(*(pod["spec"]["nodeName"] for pod in kept))

    production.client.delete(f"/api/v1/namespaces/tracardi-track/pods/{lost['metadata']['name']}")

    def waits() -> bool:
        return [condition(pod, "PodScheduled") for pod in production.pods("track-api")].count("False") == 1

    wait_until("the third instance to be found unschedulable", waits, seconds=30)
    assert sum(map(is_ready, production.pods("track-api"))) == 2

    nodes.restore()
    production.settle()
    assert len(set(production.placed()["track-api"])) == 3
