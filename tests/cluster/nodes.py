"""The nodes of an embedded cluster, changed for a test and put back as they were."""

from collections.abc import Callable, Iterable
from functools import partial

from tests.cluster.live import Client, JsonObject, condition, is_leaving
from tools.cluster.api import wait_until

CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
"""The taint of a control-plane node."""

_NODES = "/api/v1/nodes"
_RUNNING = "/api/v1/pods?fieldSelector=status.phase%3DRunning"
_LOST = "tests/lost"
_STAGES = "/apis/kwok.x-k8s.io/v1alpha1/stages"
_END = f"{_STAGES}/pod-delete"
# With the first, kwok makes a node ready again at once; with the second, it confirms that a pod has ended.
_STEPS = (f"{_STAGES}/node-initialize", _END)
_MARK = {"metadata": {"annotations": {_LOST: "yes"}}}
_UNMARK = {"metadata": {"annotations": {_LOST: None}}}
_UNLESS_LOST = {"key": f'.metadata.annotations["{_LOST}"]', "operator": "DoesNotExist"}


class Nodes:
    """The nodes as they are when this is made, which `restore` brings back."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._taints = {node["metadata"]["name"]: _taints(node) for node in client.items(_NODES)}
        self._steps: dict[str, list[JsonObject]] = {}

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

    def zones(self) -> dict[str, str]:
        """The zone of each node."""
        items = self._client.items(_NODES)
        return {item["metadata"]["name"]: item["metadata"]["labels"]["topology.kubernetes.io/zone"] for item in items}

    def lose(self, *names: str) -> None:
        """Let nodes fall silent, as far as the control plane can tell; returns once it has been noticed.

        Their pods are not ready from then on, and those that are told to go stay, because nobody confirms their end.
        In production it takes silence of 50 s to be noticed, unless the cluster is set up otherwise.
        """
        if not self._steps:
            self._steps = {path: self._client.get(path)["spec"]["selector"]["matchExpressions"] for path in _STEPS}
            for path, expressions in self._steps.items():
                self._select(path, [*expressions, _UNLESS_LOST])
        for name in names:
            for pod in self._client.items(f"{_RUNNING}%2Cspec.nodeName%3D{name}"):
                self._client.merge(_path(pod), _MARK)
            self._client.merge(f"{_NODES}/{name}", _MARK)
        silent = f"nodes {', '.join(sorted(names))} to be taken for lost"
        wait_until(silent, partial(self._taken_for_lost, names), seconds=60)
        # The control plane does so as well, but only for nodes whose silence it has timed itself.
        for pod in self._lost_pods():
            self._report(pod, "False")

    def describe(self) -> str:
        """Which nodes are ready, and what keeps pods off them, for a message."""
        return ", ".join(
            f"{node['metadata']['name']} ready: {condition(node, 'Ready')} {[taint['key'] for taint in _taints(node)]}"
            for node in self._client.items(_NODES)
        )

    def restore(self) -> None:
        """Bring back the nodes as they were."""
        for pod in self._lost_pods():
            if not is_leaving(pod):
                self._report(pod, "True")
            self._client.merge(_path(pod), _UNMARK)
        for path, expressions in self._steps.items():
            self._select(path, expressions)
        self._steps = {}
        for name, taints in self._taints.items():
            undo = {"metadata": {"annotations": {_LOST: None}}, "spec": {"unschedulable": None, "taints": taints}}
            self._client.merge(f"{_NODES}/{name}", undo)
        for name, taints in self._taints.items():
            self._await(f"node {name} to be as it was", name, partial(_has_taints, taints))

    def _select(self, path: str, expressions: list[JsonObject]) -> None:
        self._client.merge(path, {"spec": {"selector": {"matchExpressions": expressions}}})

    def _taken_for_lost(self, names: Iterable[str]) -> bool:
        # All in one look: kwok may still make one ready by the stage as it was, and its taint is gone soon after.
        looks = [self._silent(name) for name in names]
        return all(looks)

    def _silent(self, name: str) -> bool:
        node = self._client.get(f"{_NODES}/{name}")
        if condition(node, "Ready") == "True":  # at first, and where kwok has made it so again
            conditions = [_unknown(entry) for entry in node["status"]["conditions"]]
            self._client.merge(f"{_NODES}/{name}/status", {"status": {"conditions": conditions}})
            return False
        return any(taint["effect"] == "NoExecute" for taint in _taints(node))

    def _lost_pods(self) -> list[JsonObject]:
        return [pod for pod in self._client.items(_RUNNING) if _LOST in pod["metadata"].get("annotations", {})]

    def _report(self, pod: JsonObject, ready: str) -> None:
        kinds = {"Ready", "ContainersReady"}
        conditions = [
            {**entry, "status": ready} if entry["type"] in kinds else entry for entry in pod["status"]["conditions"]
        ]
        self._client.merge(f"{_path(pod)}/status", {"status": {"conditions": conditions}})

    def _await(self, what: str, name: str, true: Callable[[JsonObject], bool]) -> None:
        wait_until(what, lambda: true(self._client.get(f"{_NODES}/{name}")), seconds=30)


def let_pods_take_time_to_end(client: Client) -> None:
    """Make simulated pods take a second to end, as real ones do at least.

    Of a pod that is evicted, gone, and there again under its name before anybody has looked, the disruption controller
    believes for two minutes that it is still to go, and allows no other eviction meanwhile.
    """
    client.merge(_END, {"spec": {"delay": {"durationMilliseconds": 1000}}})


def _taints(node: JsonObject) -> list[JsonObject]:
    return list(node["spec"].get("taints", []))


def _has_taints(expected: list[JsonObject], node: JsonObject) -> bool:
    return _taints(node) == expected


def _takes_pods(node: JsonObject) -> bool:
    return all(taint["effect"] == "PreferNoSchedule" for taint in _taints(node))


def _unknown(entry: JsonObject) -> JsonObject:
    return {**entry, "status": "Unknown"} if entry["type"] == "Ready" else entry


def _path(pod: JsonObject) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
