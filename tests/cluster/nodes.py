"""The nodes of an embedded cluster, changed for a test and put back as they were."""

from collections.abc import Callable
from functools import partial

from tests.cluster.live import Client, JsonObject, condition
from tools.cluster.api import wait_until

CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
"""The taint of a control-plane node."""

_NODES = "/api/v1/nodes"
_LOST = "tests/lost"
# The stage with which kwok makes a node ready again at once.
_INITIALIZE = "/apis/kwok.x-k8s.io/v1alpha1/stages/node-initialize"
_UNLESS_LOST = {"key": f'.metadata.annotations["{_LOST}"]', "operator": "DoesNotExist"}


class Nodes:
    """The nodes as they are when this is made, which `restore` brings back."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._taints = {node["metadata"]["name"]: _taints(node) for node in client.items(_NODES)}
        self._stage: JsonObject | None = None

    def workers(self) -> list[str]:
        """Nodes that take pods now, by name."""
        return sorted(node["metadata"]["name"] for node in self._client.items(_NODES) if _takes_pods(node))

    def add(self, name: str, taint: JsonObject) -> None:
        """Add a node with `taint`, like the others but for that, which stays."""
        model = self._client.get(f"{_NODES}/{self.workers()[0]}")
        metadata = {
            "name": name,
            "labels": {**model["metadata"]["labels"], "kubernetes.io/hostname": name},
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        }
        status = {key: model["status"][key] for key in ("capacity", "allocatable")}
        node = {"kind": "Node", "apiVersion": "v1", "metadata": metadata, "spec": {"taints": [taint]}, "status": status}
        self._client.post(_NODES, node)
        self._await(f"node {name} to be ready", name, lambda found: condition(found, "Ready") == "True")
        self._taints[name] = [taint]

    def keep(self, *names: str) -> None:
        """Cordon every worker but these."""
        for name in set(self.workers()) - set(names):
            self._client.merge(f"{_NODES}/{name}", {"spec": {"unschedulable": True}})
            # Spread goes by the taint, which a controller adds a moment later.
            self._await(f"node {name} to be cordoned", name, lambda found: not _takes_pods(found))

    def prefer(self, name: str) -> None:
        """Make the scheduler prefer one node to all others, where it has a choice."""
        shunned = {"key": "tests/shunned", "effect": "PreferNoSchedule"}
        for other in set(self.workers()) - {name}:
            self._client.merge(f"{_NODES}/{other}", {"spec": {"taints": [*self._taints[other], shunned]}})

    def lose(self, name: str) -> None:
        """Let a node fall silent, as far as the control plane can tell; returns once it has been noticed."""
        self._stage = self._client.get(_INITIALIZE)
        selector = self._stage["spec"]["selector"]
        expressions = [*selector["matchExpressions"], _UNLESS_LOST]
        self._client.merge(_INITIALIZE, {"spec": {"selector": {"matchExpressions": expressions}}})
        self._client.merge(f"{_NODES}/{name}", {"metadata": {"annotations": {_LOST: "yes"}}})

        def noticed() -> bool:
            node = self._client.get(f"{_NODES}/{name}")
            if condition(node, "Ready") == "True":  # at first, and where kwok still goes by the stage as it was
                conditions = [_unknown(entry) for entry in node["status"]["conditions"]]
                self._client.merge(f"{_NODES}/{name}/status", {"status": {"conditions": conditions}})
            return any(taint["effect"] == "NoExecute" for taint in _taints(node))

        wait_until(f"node {name} to be taken for lost", noticed, seconds=30)

    def restore(self) -> None:
        """Bring back the nodes as they were."""
        if self._stage is not None:
            expressions = self._stage["spec"]["selector"]["matchExpressions"]
            self._client.merge(_INITIALIZE, {"spec": {"selector": {"matchExpressions": expressions}}})
        for name, taints in self._taints.items():
            undo = {"metadata": {"annotations": {_LOST: None}}, "spec": {"unschedulable": None, "taints": taints}}
            self._client.merge(f"{_NODES}/{name}", undo)
        for name, taints in self._taints.items():
            self._await(f"node {name} to be as it was", name, partial(_has_taints, taints))

    def _await(self, what: str, name: str, true: Callable[[JsonObject], bool]) -> None:
        wait_until(what, lambda: true(self._client.get(f"{_NODES}/{name}")), seconds=30)


def _taints(node: JsonObject) -> list[JsonObject]:
    return list(node["spec"].get("taints", []))


def _has_taints(expected: list[JsonObject], node: JsonObject) -> bool:
    return _taints(node) == expected


def _takes_pods(node: JsonObject) -> bool:
    return all(taint["effect"] == "PreferNoSchedule" for taint in _taints(node))


def _unknown(entry: JsonObject) -> JsonObject:
    return {**entry, "status": "Unknown"} if entry["type"] == "Ready" else entry
