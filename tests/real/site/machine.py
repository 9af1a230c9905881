"""The nodes and networks of a cluster of real nodes, as tests use them."""

import os
import signal
from pathlib import Path
from typing import Any

from tests.cluster.live import Client, JsonObject, condition
from tests.dataplane.sandbox import Place
from tools.cluster import Cluster
from tools.cluster.api import wait_until
from tools.nodes import cgroups, operations
from tools.nodes.addresses import INTERNET, TRUSTED, nodes
from tools.nodes.lifecycle import count

_HIERARCHIES = (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup"))
_NODES = "/api/v1/nodes"


class Namespaces:
    """Finds the network namespace of a place by its name: an outside network, a node, or `pod:` and a pod's UID."""

    def __init__(self, machine: "Machine") -> None:
        self._machine = machine

    def namespace(self, name: str) -> Path:
        """The file that stands for it."""
        if name.startswith("pod:"):
            return Path(f"/proc/{self._machine.processes(name.removeprefix('pod:'))[0]}/ns/net")
        return operations.namespace(self._machine.cluster, name)


class Machine:
    """The nodes of a cluster, the two networks outside it, and the processes in its pods."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.nodes = tuple(node.name for node in nodes(count(cluster)))
        self.internet = self._place(INTERNET.name, str(INTERNET.client))
        self.trusted = self._place(TRUSTED.name, str(TRUSTED.client))
        self._client = Client(cluster)

    def pod(self, pod: JsonObject) -> Place:
        """Inside a pod's network: what connects from there is the pod, to everybody else."""
        return self._place(f"pod:{pod['metadata']['uid']}", pod["status"]["podIP"])

    def node(self, name: str) -> Place:
        """On a node, outside its pods."""
        return self._place(name, str(operations.find(self.cluster, name).address))

    def processes(self, uid: str) -> list[int]:
        """The processes in the containers of a pod, by this machine's numbers, the oldest first.

        What holds the pod's namespaces is not among them, as long as a container runs.
        """
        found: list[int] = []
        for group in self._groups(uid):
            found.extend(map(int, (group / "cgroup.procs").read_text(encoding="ascii").split()))
        programs = [pid for pid in found if b"catatonit" not in Path(f"/proc/{pid}/cmdline").read_bytes()]
        return sorted(programs or found)

    def kill(self, pod: JsonObject, number: int = signal.SIGKILL) -> None:
        """Send a signal to every process of a pod at once."""
        for pid in self.processes(pod["metadata"]["uid"]):
            os.kill(pid, number)

    def switch_off(self, node: str) -> None:
        """Stop a node as a power cut would; returns at once."""
        operations.switch_off(self.cluster, node)

    def switch_on(self, node: str) -> None:
        """Start a node again; returns once Kubernetes has it back, with its pods to come."""
        operations.switch_on(self.cluster, node)
        wait_until(f"{node} to be ready again", lambda: self.is_ready(node), seconds=120)

    def is_ready(self, node: str) -> bool:
        """Whether Kubernetes believes the node to be alive."""
        return condition(self._client.get(f"{_NODES}/{node}"), "Ready") == "True"

    def restore(self) -> None:
        """Switch on, and open to pods, whatever a test left otherwise."""
        for node in self.nodes:
            operations.switch_on(self.cluster, node)
            self._client.merge(f"{_NODES}/{node}", {"spec": {"unschedulable": None}})
        wait_until("all nodes to be ready", lambda: all(map(self.is_ready, self.nodes)), seconds=120)

    def _groups(self, uid: str) -> list[Path]:
        group = cgroups.name(self.cluster.folder)
        top = next(each / group for each in _HIERARCHIES if (each / group).is_dir())
        return [entry for pod in top.rglob(f"pod{uid}") for entry in pod.iterdir() if entry.is_dir()]

    def _place(self, name: str, address: str) -> Place:
        finder: Any = Namespaces(self)
        return Place(finder, name, (address,))
