"""What production loses while its nodes are drained: never more than one instance of a cluster at a time.

Evictions, budgets and scheduling are real. A simulated pod ends at once where a real one first finishes its requests,
the next one is ready at once, and its volume follows it to any node, which volumes that belong to a zone do not.
"""

import http.client
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.live import JsonObject, RefusedError, Watch, is_ready, role_of, told, worst
from tests.cluster.nodes import Nodes
from tests.cluster.stacks import BUDGETS, PODS, Deployment
from tests.measured import Measured
from tools.cluster.api import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

DRAIN = ("--ignore-daemonsets", "--delete-emptydir-data")
REFUSED = re.compile(r'error when evicting pods/"([^"]+)" .*: Cannot evict pod as it would violate')
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

SINGLE = {"redis": 1, "mysql": 1, "apm": 1}


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


def test_a_drain_of_every_node_in_turn_takes_one_instance_of_a_cluster_at_a_time(
    production: Deployment, nodes: Nodes, measured: Measured
) -> None:
    everything = {**INSTANCES, **SINGLE}
    with Watch(production.client, PODS) as watch:
        for node in nodes.workers():
            production.kubectl("drain", node, *DRAIN, "--timeout=60s")
            production.settle()
            placed = production.placed()
            assert node not in {name for names in placed.values() for name in names}
            assert {role: len(names) for role, names in placed.items()} == everything
            production.kubectl("uncordon", node)

    ready = worst(watch, everything)
    measured("every node drained in turn: ready at the worst moment", told(ready, everything))
    assert ready == {role: instances - 1 for role, instances in everything.items()}


@contextmanager
def draining(production: Deployment, node: str, said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A drain of `node` that goes on while the block runs; `said` is where it writes."""
    program = str(production.cluster.folder / "bin" / "kubectl")
    command = [program, f"--kubeconfig={production.cluster.kubeconfig}", "drain", node, *DRAIN]
    with said.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as drain:
        try:
            yield drain
        finally:
            drain.kill()


def unavailable(production: Deployment) -> set[str]:
    """Roles whose budget allows no eviction now."""
    return {role_of(item) for item in production.client.items(BUDGETS) if not item["status"]["disruptionsAllowed"]}


def test_a_second_drain_waits_for_the_places_of_the_first_and_then_goes_on(
    production: Deployment, nodes: Nodes, measured: Measured, tmp_path: Path
) -> None:
    """With three nodes left, what needs three has no other place while one of them is drained."""
    nodes.keep("worker-a1", "worker-b1", "worker-c1")
    for node in ("worker-a2", "worker-b2", "worker-c2"):
        production.kubectl("drain", node, *DRAIN, "--timeout=60s")
    production.settle()
    needs_three = {role for role, instances in INSTANCES.items() if instances == 3}
    said = tmp_path / "drain.txt"

    role = {pod["metadata"]["name"]: role_of(pod) for pod in production.pods()}

    def left(node: str) -> set[str]:
        return {role_of(pod) for pod in production.pods() if pod["spec"].get("nodeName") == node}

    def refused() -> set[str]:
        return {role[name] for name in REFUSED.findall(said.read_text(encoding="utf-8"))}

    with Watch(production.client, PODS) as watch:
        production.kubectl("drain", "worker-a1", *DRAIN, "--timeout=60s")
        wait_until(
            "all but the largest clusters to be whole", lambda: unavailable(production) == needs_three, seconds=30
        )
        with draining(production, "worker-b1", said) as second:
            wait_until("the second drain to be refused", lambda: refused() == needs_three, seconds=30)
            wait_until("the second drain to take the rest", lambda: left("worker-b1") == needs_three, seconds=30)
            assert second.poll() is None

            production.kubectl("uncordon", "worker-a1")
            assert second.wait(timeout=30) == 0
        assert refused() == needs_three
    production.kubectl("uncordon", "worker-b1")
    production.settle()

    ready = worst(watch, INSTANCES)
    measured("a second node drained beside the first: ready at the worst moment", told(ready, INSTANCES))
    assert all(ready[role] >= instances - 1 for role, instances in INSTANCES.items())


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
