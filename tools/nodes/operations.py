"""What can be done with a cluster of real nodes while it runs."""

import shutil
import time
from pathlib import Path

from tools.cluster.model import Cluster
from tools.errors import ToolError
from tools.nodes import remains
from tools.nodes.addresses import OUTSIDES, Node, nodes
from tools.nodes.layout import Places

_IMPORT_SECONDS = 300.0


def find(cluster: Cluster, name: str) -> Node:
    """The node of that name. Raises ToolError where the cluster has none."""
    known = nodes(Places(cluster.folder).read().count)
    for node in known:
        if node.name == name:
            return node
    raise ToolError(f"cluster {cluster.name} has no node {name}; it has {', '.join(node.name for node in known)}.")


def switch_off(cluster: Cluster, name: str) -> None:
    """Stop a node as a power cut would: no process gets to say goodbye, no connection is closed. Raises ToolError."""
    Places(cluster.folder).power(find(cluster, name).name).touch()


def switch_on(cluster: Cluster, name: str) -> None:
    """Start a node that was switched off, with the data that it had. Raises ToolError."""
    Places(cluster.folder).power(find(cluster, name).name).unlink(missing_ok=True)


def namespace(cluster: Cluster, place: str) -> Path:
    """The file that stands for the network of a node, or of a network outside. Raises ToolError where there is none."""
    pid = remains.machine(cluster.folder)
    if pid is None:
        raise ToolError(f"cluster {cluster.name}: its nodes do not run; `make cluster-up NODES=real` starts them.")
    if place not in {outside.name for outside in OUTSIDES}:
        find(cluster, place)
    return Path(f"/proc/{pid}/root/run/netns/{place}")


def import_images(cluster: Cluster, archive: Path) -> None:
    """Give every node the images in an archive, as `docker save` and its like write them; returns when all have them.

    Nodes that are off import them when they start. Raises ToolError where a node cannot read the archive.
    """
    places = Places(cluster.folder)
    target = places.images / f"{archive.stem}.tar"
    _lay_ready(archive, target)
    deadline = time.monotonic() + _IMPORT_SECONDS
    waiting = [node.name for node in nodes(places.read().count) if not places.power(node.name).exists()]
    for name in waiting:
        done = places.node(name) / "containerd" / "imported" / target.name
        while not (done.exists() and (status := done.read_text(encoding="ascii").strip())):
            if time.monotonic() > deadline:
                raise ToolError(f"{name} has not imported {archive} within {_IMPORT_SECONDS:.0f} s.")
            time.sleep(0.05)
        if status != "0":
            log = places.node(name) / "logs" / "images.log"
            raise ToolError(f"{name} cannot import {archive}; {log} says why.")


def _lay_ready(archive: Path, target: Path) -> None:
    """Put the archive where nodes look, complete from the first moment on; no copy is made where a link will do."""
    draft = target.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    try:
        draft.hardlink_to(archive.resolve())
    except OSError:
        shutil.copyfile(archive, draft)
    draft.replace(target)
