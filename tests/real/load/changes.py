"""What administrators do to an installation, with the waiting that belongs to it."""

import contextlib
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.cluster.live import JsonObject, is_ready
from tests.real.load.pods import name, pods, ready
from tests.real.site import Installation
from tools.cluster.api import wait_until
from tools.nodes import configuration

PATIENCE = 180.0
"""Seconds for what Kubernetes does by itself, on a machine that runs three nodes and more."""


def delete(installation: Installation, role: str, pod: JsonObject) -> None:
    """Delete a pod, with the time that it has to leave; returns once another one serves in its place."""
    wanted = len(pods(installation, role))
    place = f"--namespace={pod['metadata']['namespace']}"
    installation.kubectl("delete", "pod", name(pod), place, "--wait=false")

    def replaced() -> bool:
        there = {name(each) for each in ready(installation, role)}
        return name(pod) not in there and len(there) == wanted

    wait_until(f"another pod in the place of {name(pod)}", replaced, seconds=PATIENCE)


def settle(installation: Installation) -> None:
    """Wait until everything is complete and nothing is on its way out, however busy the machine is."""
    wait_until("all pods to be ready", lambda: all(map(is_ready, pods(installation))), seconds=PATIENCE)
    installation.settle()


def restart(installation: Installation, tier: str, deployments: Iterable[str]) -> None:
    """Restart Deployments of a tier, all at once, one pod of each after the other; returns when all are new."""
    namespace = f"--namespace={installation.namespace(tier)}"
    for deployment in deployments:
        installation.kubectl("rollout", "restart", f"deployment/{deployment}", namespace)
    for deployment in deployments:
        installation.kubectl("rollout", "status", f"deployment/{deployment}", namespace, f"--timeout={PATIENCE:.0f}s")


def scale(installation: Installation, store: str, number: int) -> None:
    """Give a store so many pods; returns at once."""
    namespace = f"--namespace={installation.namespace('data')}"
    installation.kubectl("scale", f"statefulset/{store}", f"--replicas={number}", namespace)


def tag(installation: Installation, image: str, other: str) -> None:
    """Let every node know an image under another name as well."""
    cluster = installation.machine.cluster.folder
    for node in installation.machine.nodes:
        inside = ["nsenter", f"--target={_first_process(cluster, node)}", "--mount", "--pid", "--net", "--"]
        # The node's own programs are not on the path of whoever comes in.
        command = [*inside, "/opt/programs/ctr", *configuration.CTR[1:], "images", "tag", "--force", image, other]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def _first_process(cluster: Path, node: str) -> int:
    """The first process of a node, by the numbers of whoever asks."""
    for entry in Path("/proc").glob("[0-9]*"):
        # It may end while we look.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            command = (entry / "cmdline").read_text(encoding="utf-8").split("\0")
            if command[1:5] == ["-m", "tools.nodes.node", node, str(cluster)]:
                return int(entry.name)
    raise AssertionError(f"{node} does not run")
