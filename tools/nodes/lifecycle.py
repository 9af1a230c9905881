"""Bringing up the nodes of a cluster, and what every cluster of real nodes is furnished with."""

import os
import socket
import string
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tools.cluster.model import Cluster
from tools.errors import ToolError
from tools.layout import repository
from tools.nodes import credentials, images, remains
from tools.nodes.addresses import ROUTER, SERVICES, Node, nodes
from tools.nodes.layout import Furniture, Places

_MANIFESTS = Path(__file__).parent / "manifests"
_CONTROL_PLANE = Path(__file__).with_name("kwokctl.yaml")
_START_SECONDS = 30.0
_BACKLOG = 128
_NAMESPACES = ("--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--mount", "--net", "--uts", "--ipc")
# Of a shell of root: a user's own PATH decides nothing in there.
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
COUNT = 3
"""How many nodes, unless somebody says: the fewest that show what happens when one is lost."""
MOST = 30


def refuse_without_root() -> None:
    """Raise ToolError where this user may not make namespaces."""
    if os.geteuid():
        raise ToolError(
            "real nodes take root: each runs a container runtime in namespaces of its own. Run the command as root "
            "(sudo), or leave NODES=real out for simulated nodes."
        )


def is_real(cluster: Cluster) -> bool:
    """Whether the cluster has, or had when it was created, real nodes."""
    return Places(cluster.folder).furniture.exists()


def count(cluster: Cluster) -> int:
    """How many nodes the cluster has. Raises OSError where it has no real ones."""
    return Places(cluster.folder).read().count


def refuse_number(number: int) -> None:
    """Raise ToolError unless a cluster may have so many nodes."""
    if not 1 <= number <= MOST:
        raise ToolError(f"{number} nodes: a cluster has 1 to {MOST} real ones. Give another COUNT.")


def start(cluster: Cluster, debian: Path, programs: Path, number: int) -> None:
    """Start the machine: the network that the control plane is in, as yet without its `number` of nodes.

    `debian` is the root file system of nodes, `programs` the folder of kubelet, containerd and the others. A cluster
    that ran before keeps its port; nodes that were switched off are on again. Raises ToolError.
    """
    places = Places(cluster.folder)
    for folder in (places.images, places.volumes, places.logs):
        folder.mkdir(parents=True, exist_ok=True)
    known = places.read().port if places.furniture.exists() else 0
    with _listener(cluster, known) as listener:
        port = listener.getsockname()[1]
        places.write(Furniture(str(debian), str(programs), str(repository()), port, number))
        for node in nodes(number):
            (places.node(node.name) / "logs").mkdir(parents=True, exist_ok=True)
            places.power(node.name).unlink(missing_ok=True)
        archive = places.images / "cluster.tar"
        if not archive.exists():
            images.cluster_images(programs, archive)
        _start_machine(places, listener)


def began(cluster: Cluster) -> float:
    """When the machine that runs now was started, in seconds of the epoch. Raises OSError where none was."""
    return Places(cluster.folder).machine.stat().st_mtime


def control_plane(cluster: Cluster) -> Path:
    """Write the control plane's configuration for kwokctl; its path."""
    values = {
        "port": str(Places(cluster.folder).read().port),
        "router": str(ROUTER),
        "service": str(SERVICES[1]),
        "services": str(SERVICES),
        "pki": str(cluster.folder / "pki"),
    }
    file = cluster.folder / "control-plane.yaml"
    file.write_text(string.Template(_CONTROL_PLANE.read_text(encoding="utf-8")).substitute(values), encoding="utf-8")
    return file


def entering(cluster: Cluster) -> list[str]:
    """What runs a program in the machine's network. Raises ToolError where the machine does not run."""
    pid = remains.machine(cluster.folder)
    if pid is None:
        raise ToolError(f"cluster {cluster.name}: its nodes do not run; `make cluster-up NODES=real` starts them.")
    return ["nsenter", f"--net=/proc/{pid}/ns/net", "--"]


def join(cluster: Cluster) -> None:
    """Give every node the credentials that it waits for. Harmless where it has them. Raises ToolError."""
    places = Places(cluster.folder)
    furniture = places.read()
    for node in nodes(furniture.count):
        folder = places.node(node.name) / "pki"
        if not folder.exists():
            credentials.issue(node, cluster.folder / "pki", folder, Path(furniture.debian), furniture.port)


def documents(cluster: Cluster) -> str:
    """YAML documents of the nodes, their DNS, volumes, metrics and firewall."""
    authority = (cluster.folder / "pki" / "ca.crt").read_text(encoding="ascii")
    values = {"authority": "".join(f"    {line}\n" for line in authority.splitlines())}
    texts = [string.Template(text).safe_substitute(values) for text in _manifests().values()]
    return "\n---\n".join([*map(_node, nodes(count(cluster))), *texts])


def manifests() -> str:
    """The text of everything that clusters are furnished with, as it stands in this clone."""
    return "".join(_manifests().values())


def _manifests() -> Mapping[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in sorted(_MANIFESTS.glob("*.yaml"))}


def _node(node: Node) -> str:
    return (
        f"{{apiVersion: v1, kind: Node, metadata: {{name: {node.name}, labels: {{"
        f"topology.kubernetes.io/region: embedded, topology.kubernetes.io/zone: {node.zone}}}}}, "
        f"spec: {{podCIDR: {node.pods}, podCIDRs: [{node.pods}]}}}}"
    )


def _listener(cluster: Cluster, port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise ToolError(
            f"cluster {cluster.name} cannot start again: another process listens on its port {port}. End that "
            "process, or give up the cluster and what is in it: "
            f"`python3 -m tools.cluster down --name {cluster.name}`."
        ) from error
    listener.listen(_BACKLOG)
    return listener


def _start_machine(places: Places, listener: socket.socket) -> None:
    ready = places.machine
    ready.unlink(missing_ok=True)
    log_file = places.logs / "machine.log"
    number = listener.fileno()
    # Of a session of its own: it outlives the command that starts it, and the terminal.
    command = [
        "setsid",
        "--fork",
        "unshare",
        *_NAMESPACES,
        "--",
        sys.executable,
        "-m",
        "tools.nodes.machine",
        str(places.cluster),
    ]
    with log_file.open("ab") as log:
        subprocess.run(
            [*command, str(number)],
            cwd=repository(),
            env={"PATH": _PATH, "PYTHONPATH": str(repository()), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(number,),
            check=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while not ready.exists():
        if time.monotonic() > deadline:
            said = log_file.read_text(encoding="utf-8").strip().splitlines()[-5:]
            raise ToolError("\n  ".join(["the machine for real nodes does not start:", *said]))
        time.sleep(0.02)
