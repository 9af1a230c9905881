"""What can be done with a cluster of real nodes while it runs."""

import shutil
import time
from glob import escape
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

    An archive of the same name that was given before, and has changed since, is replaced. Nodes that are off import
    when they start. Raises ToolError where there is no archive, or a node cannot read it.
    """
    places = Places(cluster.folder)
    target = _lay_ready(archive, places.images)
    deadline = time.monotonic() + _IMPORT_SECONDS
    waiting = [node.name for node in nodes(places.read().count) if not places.power(node.name).exists()]
    for name in waiting:
        done = places.node(name) / "containerd" / "imported" / target.name
        while not (done.exists() and (status := done.read_text(encoding="ascii").strip())):
            if time.monotonic() > deadline:
                raise ToolError(f"{name} has not imported {archive} within {_IMPORT_SECONDS:.0f} s.")
            time.sleep(0.05)
        if status != "0":
            target.unlink()
            log = places.node(name) / "logs" / "images.log"
            raise ToolError(f"{name} cannot import {archive}; {log} says why.")


def _lay_ready(archive: Path, images: Path) -> Path:
    """Put the archive where nodes look, complete from the first moment on; no copy is made where a link will do."""
    if not archive.is_file():
        raise ToolError(f"there is no archive {archive}; `docker save` and its like write one.")
    known = archive.stat()
    # Nodes go by the name: a changed archive is a new one.
    target = images / f"{archive.stem}.{known.st_mtime_ns:x}-{known.st_size:x}.tar"
    draft = target.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    try:
        draft.hardlink_to(archive.resolve())
    except OSError:
        shutil.copyfile(archive, draft)
    draft.replace(target)
    for former in images.glob(f"{escape(archive.stem)}.*-*.tar"):
        if former != target:
            former.unlink()
    return target
