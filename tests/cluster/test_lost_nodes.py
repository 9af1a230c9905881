"""What production has left when a node, or a whole zone, falls silent, and how soon it is whole again.

Taints, tolerations, evictions, budgets and scheduling are real. The rest is simulated: the control plane is told of the
silence at once, which it otherwise notices after 50 s; pods of lost nodes go when these are back and not before, as
nobody is there to confirm their end, so StatefulSets replace none of theirs; a new pod is ready as soon as it has a
node. Volumes belong to no zone here, and that makes no difference: what has one does not move.
"""

import time
from collections import Counter

import pytest

from tests.cluster.live import Watch, is_ready, role_of, told, worst
from tests.cluster.nodes import Nodes
from tests.cluster.stacks import PODS, Deployment
from tests.cluster.test_drain import INSTANCES, SINGLE
from tests.measured import Measured
from tools.cluster.api import wait_until
from tools.errors import ToolError

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

STATELESS = {"apm", *INSTANCES} - {"elasticsearch"}
BACK_SECONDS = 60


@pytest.fixture
def spread(production: Deployment, nodes: Nodes) -> Deployment:
    """The production stack with its instances in as many zones as they can be, as on nodes that were always there."""
    zones = nodes.zones()
    placed = production.placed()
    for role, instances in INSTANCES.items():
        if len({zones[str(name)] for name in placed[role]}) < instances:
            namespace = production.pods(role)[0]["metadata"]["namespace"]
            selector = f"app.kubernetes.io/component%3D{role}"
            production.client.delete(f"/api/v1/namespaces/{namespace}/pods?labelSelector={selector}")
    production.settle()
    return production


@pytest.mark.parametrize("lost", ["a node", "a zone"])
def test_what_is_lost_with_nodes_is_one_instance_of_a_cluster_and_soon_back_elsewhere(
    spread: Deployment, nodes: Nodes, measured: Measured, lost: str
) -> None:
    zones, everything, placed = nodes.zones(), {**INSTANCES, **SINGLE}, spread.placed()
    crowd = Counter(str(name) for names in placed.values() for name in names)
    (worst_node, _), *_ = crowd.most_common()
    neighbours = {name for name in nodes.workers() if zones[name] == zones[worst_node]}
    gone = {worst_node} if lost == "a node" else neighbours
    before = {role: sum(name not in gone for name in names) for role, names in placed.items()}
    back: dict[str, float] = {}

    with Watch(spread.client, PODS) as watch:
        nodes.lose(*gone)
        began = time.monotonic()

        def whole() -> bool:
            ready = [pod for pod in spread.pods() if is_ready(pod) and pod["spec"]["nodeName"] not in gone]
            for role, found in Counter(map(role_of, ready)).items():
                if found == everything[role]:
                    back.setdefault(role, time.monotonic() - began)
            return back.keys() >= STATELESS

        try:
            wait_until(f"everything without a volume to be whole without {lost}", whole, seconds=BACK_SECONDS)
        except ToolError as error:
            raise AssertionError(f"{error}; whole: {back}; placed: {spread.placed()}; {nodes.describe()}") from error

    ready = worst(watch, everything)
    measured(f"{lost} lost: ready at the worst moment", told(ready, everything))
    measured(f"{lost} lost: all stateless pods ready elsewhere, after it was noticed", f"{max(back.values()):.0f} s")
    assert ready == before
    assert ready != everything
    assert all(ready[role] >= instances - 1 for role, instances in INSTANCES.items())
