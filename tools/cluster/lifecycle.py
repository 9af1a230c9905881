"""Bringing a cluster up, and taking it down so that nothing remains."""

import contextlib
import hashlib
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tools.cluster import contents, kwokctl, ports, processes
from tools.cluster.api import Api, wait_until
from tools.cluster.model import Cluster, ClusterTools, clusters_folder
from tools.debian import root as debian
from tools.errors import ToolError
from tools.layout import work_dir
from tools.locks import exclusive
from tools.nodes import lifecycle as nodes
from tools.nodes import remains

Say = Callable[[str], None]
_REMOVAL_SECONDS = 5.0
_START_SECONDS = 90.0
"""How long a busy machine may take before a cluster's data count as broken."""


def say(line: str) -> None:
    """Tell the person at the terminal; standard output stays free for what programs read."""
    print(line, file=sys.stderr, flush=True)


def up(
    name: str,
    tools: ClusterTools,
    *,
    real: bool = False,
    count: int | None = None,
    work: Path | None = None,
    tell: Say = say,
) -> Cluster:
    """Make sure that the cluster runs, is reachable and furnished; returns at once where it is.

    A cluster whose processes are gone, as after a reboot, is started on its data; one that was never finished, or does
    not start, is created anew. `real` asks for nodes that run containers, which takes root, and `count` says how many
    nodes (3 real ones, 6 others); a cluster that is there stays what it is. `work` is the folder that holds clusters
    (`.work` of this clone by default).

    Raises:
        ToolError: it cannot be brought up, or it is there with other nodes than those that are asked for.
    """
    cluster = Cluster.at(name, work or work_dir())
    begun = time.monotonic()
    with _only_one(cluster, tell):
        _refuse_other_nodes(cluster, count, real=real)
        if not cluster.finished.exists():
            number = count or (nodes.COUNT if real else contents.COUNT)
            tell(f"cluster {name}: creating it, with {_size(number, real=real)}")
            _create(cluster, tools, number, real=real)
        elif not _alive(cluster):
            _revive(cluster, tools, tell)
        elif cluster.finished.read_text() != _digest(cluster):
            tell(f"cluster {name}: bringing its contents up to date")
            _furnish(cluster)
        else:
            tell(f"cluster {name}: up")
            return cluster
    tell(f"cluster {name}: ready after {time.monotonic() - begun:.1f} s")
    return cluster


def down(name: str, *, work: Path | None = None, tell: Say = say) -> None:
    """End the cluster's processes and remove its folder, Pulumi state included. Harmless where there is none.

    Needs no toolchain, so it works when that is gone. Raises ToolError.
    """
    cluster = Cluster.at(name, work or work_dir())
    if not cluster.folder.exists() and not processes.of(cluster) and not remains.left(cluster.folder):
        tell(f"cluster {name}: there is none")
        return
    with _only_one(cluster, tell):
        ended = _remove(cluster)
    tell(f"cluster {name}: removed ({ended} processes ended)")


def running(name: str, *, work: Path | None = None) -> Cluster | None:
    """The cluster if it is finished and all its processes live, else None. Raises ToolError on a bad name."""
    cluster = Cluster.at(name, work or work_dir())
    return cluster if cluster.finished.exists() and processes.complete(cluster) else None


def clusters(*, work: Path | None = None) -> list[Cluster]:
    """Every cluster under the work folder, running or not, by name; also one that has lost its folder, but runs."""
    root = work or work_dir()
    folder = clusters_folder(root)
    names = {entry.name for entry in folder.glob("*/")} | processes.clusters(folder)
    return [Cluster.at(name, root) for name in sorted(names)]


def _refuse_other_nodes(cluster: Cluster, count: int | None, *, real: bool) -> None:
    if real:
        nodes.refuse_without_root()
    if count is not None:
        (nodes if real else contents).refuse_number(count)
    elif not real:
        return
    if not cluster.finished.exists():
        return
    if nodes.is_real(cluster) == real and count in {None, _count(cluster)}:
        return
    kind = "real" if nodes.is_real(cluster) else "simulated"
    raise ToolError(
        f"cluster {cluster.name} is there, with {_count(cluster)} {kind} nodes. Remove it first (`make cluster-down`), "
        "or give the other a name of its own: CLUSTER=other."
    )


def _count(cluster: Cluster) -> int:
    """How many nodes the cluster has, or had when it was created."""
    if nodes.is_real(cluster):
        return nodes.count(cluster)
    return int(cluster.number.read_text()) if cluster.number.exists() else contents.COUNT


def _digest(cluster: Cluster) -> str:
    if not nodes.is_real(cluster):
        return contents.digest(_count(cluster))
    return hashlib.sha256((contents.custom_kinds() + nodes.manifests()).encode()).hexdigest()


def _size(number: int, *, real: bool) -> str:
    kind, zones = "real" if real else "simulated", min(number, len(contents.ZONES))
    return f"{number} {kind} nodes in {zones} zones"


def _only_one(cluster: Cluster, tell: Say) -> contextlib.AbstractContextManager[None]:
    # Beside the clusters: kwokctl complains of files among them, and a lock outlives the removal of what it locks.
    path = cluster.folder.parent.parent / "locks" / f"cluster-{cluster.name}"
    return exclusive(path, lambda: tell(f"cluster {cluster.name}: another command is at work on it; waiting"))


def _alive(cluster: Cluster) -> bool:
    if not processes.complete(cluster):
        return False
    try:
        _answering(cluster, seconds=30)  # patient: a busy machine is no reason to restart a cluster
    except ToolError:
        return False
    return True


def _answering(cluster: Cluster, seconds: float) -> None:
    wait_until(f"the API server of cluster {cluster.name}", lambda: Api.of(cluster).answers(), seconds=seconds)


def _create(cluster: Cluster, tools: ClusterTools, number: int, *, real: bool) -> None:
    """Make it anew, with so many nodes."""
    _remove(cluster)
    cluster.state.mkdir(parents=True)
    cluster.folder.chmod(0o700)
    contents.from_modules()  # where they cannot be had, nothing has been started yet
    if real:
        nodes.start(cluster, debian("node"), tools.bin, number)
    else:
        cluster.number.write_text(str(number))
    kwokctl.link(cluster, tools)
    kwokctl.create(cluster)
    kwokctl.write_kubeconfig(cluster)
    _furnish(cluster)


def _revive(cluster: Cluster, tools: ClusterTools, tell: Say) -> None:
    tell(f"cluster {cluster.name}: it does not run any more; starting it again with its data")
    processes.end(cluster)
    # What is wrong around the cluster is told before the attempt: it is no reason to throw the data away.
    contents.from_modules()
    real, number = nodes.is_real(cluster), _count(cluster)
    if real:
        nodes.refuse_without_root()
        remains.remove(cluster.folder)
        nodes.start(cluster, debian("node"), tools.bin, number)
    else:
        ports.refuse_taken(cluster)
    kwokctl.link(cluster, tools)
    cluster.finished.write_text("")  # if we are interrupted, the next command furnishes it
    try:
        kwokctl.start(cluster)
        _answering(cluster, seconds=_START_SECONDS)
        if not real:
            _furnish(cluster)
    except ToolError as error:
        tell(f"{error}\ncluster {cluster.name}: it does not start on its data; creating it anew, without what it held")
        _create(cluster, tools, number, real=real)
        return
    if real:
        # Nodes that are slow to come back are no reason to throw their data away.
        _furnish(cluster)


def _furnish(cluster: Cluster) -> None:
    """Apply the contents and wait until they are real. Harmless where they are there already."""
    api = Api.of(cluster)
    known = _digest(cluster)
    if nodes.is_real(cluster):
        _furnish_real(cluster, api)
        cluster.finished.write_text(known)
        return
    _served(api, contents.STAGES)
    kwokctl.apply(cluster, contents.documents(_count(cluster)))
    _served(api, contents.CUSTOM_KINDS)
    # kwok began before there were stages, or kinds for them. Left alone, it would look again after five seconds.
    kwokctl.restart(cluster, "kwok-controller")
    expected = _count(cluster)
    _wait(cluster, "the nodes to be ready", lambda: api.ready_nodes() >= expected, seconds=30)
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    _wait(cluster, "the default service account", lambda: api.read(account) is not None, seconds=30)
    cluster.finished.write_text(known)


def _furnish_real(cluster: Cluster, api: Api) -> None:
    _answering(cluster, seconds=60)
    kwokctl.apply(cluster, f"{contents.custom_kinds()}\n---\n{nodes.documents(cluster)}")
    nodes.join(cluster)
    _served(api, contents.CUSTOM_KINDS)
    # Of nodes that were cut off, the API server knows only how they were.
    since = nodes.began(cluster)
    dns, expected = "k8s-app=kube-dns", nodes.count(cluster)
    try:
        _wait(cluster, "the nodes to be ready", lambda: api.ready_nodes(since) >= expected, seconds=90)
        _wait(cluster, "DNS on every node", lambda: api.ready_pods(dns, since) >= expected, seconds=60)
    except ToolError as error:
        raise ToolError(
            f"{error}; read kubelet.log in {cluster.folder}/nodes/NODE/logs, and the control plane's in "
            f"{cluster.folder}/logs."
        ) from error


def _wait(cluster: Cluster, what: str, true: Callable[[], bool], *, seconds: float) -> None:
    """Wait for what the control plane's programs do: one of them that gave up while others began is started again."""

    def checked() -> bool:
        if true():
            return True
        if not processes.complete(cluster):
            kwokctl.start(cluster)
        return False

    wait_until(what, checked, seconds=seconds)


def _served(api: Api, wanted: Mapping[str, frozenset[str]]) -> None:
    for group_version, kinds in wanted.items():
        wait_until(f"{group_version} to be served", partial(api.serves, group_version, kinds), seconds=30)


def _remove(cluster: Cluster) -> int:
    ended = processes.end(cluster) + remains.remove(cluster.folder)
    if cluster.folder.exists():
        cluster.finished.unlink(missing_ok=True)  # first: what is half removed must not look like a cluster
        _discard(cluster.folder)
    return ended


def _discard(folder: Path) -> None:
    deadline = time.monotonic() + _REMOVAL_SECONDS
    # What an `up` that was killed had begun may write its last file here meanwhile.
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if time.monotonic() > deadline:
                raise ToolError(f"{folder} cannot be removed: {error}. Run the command as its owner.") from error
            time.sleep(0.05)
