"""The life of an embedded cluster, with stand-ins for its programs: real processes that only sleep."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.cluster import (
    Cluster,
    ClusterTools,
    clusters,
    contents,
    down,
    kwokctl,
    lifecycle,
    processes,
    running,
    up,
)
from tools.cluster.__main__ import main
from tools.cluster.model import COMPONENTS
from tools.errors import ToolError

Started = list[subprocess.Popen[bytes]]


@pytest.fixture
def started() -> Iterator[Started]:
    """Processes of a test; whatever the test leaves of them ends with it."""
    children: Started = []
    yield children
    for child in children:
        child.kill()
        child.wait()


@pytest.fixture
def create(monkeypatch: pytest.MonkeyPatch, started: Started) -> Callable[[], int]:
    """Stand-ins for everything that needs a control plane; how often a cluster was created."""
    created = []

    def create(cluster: Cluster) -> None:
        created.append(cluster)
        started.extend(_start(cluster, component) for component in COMPONENTS)

    def furnish(cluster: Cluster) -> None:
        cluster.finished.write_text(lifecycle._digest(cluster))

    monkeypatch.setattr(contents, "from_modules", lambda: "")
    monkeypatch.setattr(kwokctl, "link", lambda *_: None)
    monkeypatch.setattr(kwokctl, "create", create)
    monkeypatch.setattr(kwokctl, "write_kubeconfig", lambda cluster: cluster.kubeconfig.touch())
    monkeypatch.setattr(lifecycle, "_furnish", furnish)
    monkeypatch.setattr(lifecycle, "_answering", lambda *_, **__: None)
    return lambda: len(created)


def _start(cluster: Cluster, component: str) -> subprocess.Popen[bytes]:
    link = cluster.folder / "bin" / component
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to("/bin/sleep")
    child = subprocess.Popen([link, "60"])
    deadline = time.monotonic() + 5
    # A process shows its command line a moment after it was started.
    while child.pid not in {process.pid for process in processes.of(cluster)} and time.monotonic() < deadline:
        time.sleep(0.001)
    return child


def _alive(child: subprocess.Popen[bytes]) -> bool:
    return child.poll() is None


def _silent(_line: str) -> None:
    pass


def test_only_the_processes_of_the_cluster_are_ended(cluster: Cluster, started: Started, tmp_path: Path) -> None:
    own = _start(cluster, "etcd")
    neighbour = _start(Cluster.at("demo-2", tmp_path), "etcd")
    reader = subprocess.Popen(["/bin/sh", "-c", f"sleep 60; : {cluster.folder}/bin/etcd "])
    started.extend([own, neighbour, reader])

    assert [process.program for process in processes.of(cluster)] == ["etcd"]
    assert processes.end(cluster) == 1

    assert own.wait(timeout=5) != 0
    assert _alive(neighbour)
    assert _alive(reader)


def test_one_component_can_be_ended_alone(cluster: Cluster, started: Started) -> None:
    etcd, kwok = _start(cluster, "etcd"), _start(cluster, "kwok-controller")
    started.extend([etcd, kwok])

    assert processes.end(cluster, only="kwok-controller") == 1

    assert kwok.wait(timeout=5) != 0
    assert _alive(etcd)


def test_a_cluster_is_complete_only_with_every_component(cluster: Cluster, started: Started) -> None:
    started.extend(_start(cluster, component) for component in COMPONENTS[1:])
    assert not processes.complete(cluster)

    started.append(_start(cluster, COMPONENTS[0]))
    assert processes.complete(cluster)


def test_a_second_up_leaves_a_running_cluster_alone(
    cluster: Cluster, tools: ClusterTools, create: Callable[[], int], tmp_path: Path
) -> None:
    up("demo", tools, work=tmp_path, tell=_silent)
    before = {process.pid for process in processes.of(cluster)}
    said: list[str] = []

    assert up("demo", tools, work=tmp_path, tell=said.append) == cluster

    assert {process.pid for process in processes.of(cluster)} == before
    assert create() == 1
    assert said == ["cluster demo: up"]


def test_a_cluster_that_was_never_finished_is_created_anew(
    cluster: Cluster, tools: ClusterTools, create: Callable[[], int], started: Started, tmp_path: Path
) -> None:
    half = _start(cluster, "etcd")
    started.append(half)
    (cluster.folder / "kwok.yaml").write_text("half of it")

    up("demo", tools, work=tmp_path, tell=_silent)

    assert half.wait(timeout=5) != 0
    assert not (cluster.folder / "kwok.yaml").exists()
    assert create() == 1
    assert processes.complete(cluster)


def test_a_cluster_without_processes_is_started_on_its_data(
    cluster: Cluster,
    tools: ClusterTools,
    create: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    up("demo", tools, work=tmp_path, tell=_silent)
    (cluster.folder / "kwok.yaml").touch()
    (cluster.state / "stack").write_text("state")
    processes.end(cluster)
    restarted: list[Cluster] = []
    monkeypatch.setattr(kwokctl, "start", restarted.append)

    up("demo", tools, work=tmp_path, tell=_silent)

    assert restarted == [cluster]
    assert create() == 1
    assert (cluster.state / "stack").read_text() == "state"


def test_a_cluster_that_does_not_start_on_its_data_is_created_anew_without_its_state(
    cluster: Cluster,
    tools: ClusterTools,
    create: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    up("demo", tools, work=tmp_path, tell=_silent)
    (cluster.folder / "kwok.yaml").touch()
    (cluster.state / "stack").write_text("state of a cluster that is no more")
    processes.end(cluster)

    def refuse(*_: object) -> None:
        raise ToolError("etcd: database is broken")

    monkeypatch.setattr(kwokctl, "start", refuse)
    said: list[str] = []

    up("demo", tools, work=tmp_path, tell=said.append)

    assert create() == 2
    assert list(cluster.state.iterdir()) == []
    assert "etcd: database is broken" in "\n".join(said)
    assert "creating it anew, without what it held" in "\n".join(said)


def test_what_is_wrong_around_a_stopped_cluster_costs_it_no_data(
    cluster: Cluster,
    tools: ClusterTools,
    create: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    up("demo", tools, work=tmp_path, tell=_silent)
    (cluster.folder / "kwok.yaml").touch()
    (cluster.state / "stack").write_text("state")
    processes.end(cluster)

    def refuse(*_: object) -> None:
        raise ToolError("no etcd in the toolchain")

    monkeypatch.setattr(kwokctl, "link", refuse)

    with pytest.raises(ToolError, match="no etcd in the toolchain"):
        up("demo", tools, work=tmp_path, tell=_silent)

    assert create() == 1
    assert (cluster.state / "stack").read_text() == "state"


def test_other_contents_are_applied_to_a_running_cluster(
    cluster: Cluster, tools: ClusterTools, create: Callable[[], int], tmp_path: Path
) -> None:
    up("demo", tools, work=tmp_path, tell=_silent)
    cluster.finished.write_text("contents of last week")

    up("demo", tools, work=tmp_path, tell=_silent)

    assert cluster.finished.read_text() == contents.digest()
    assert create() == 1


def test_a_number_of_nodes_is_kept_and_another_is_refused(
    cluster: Cluster, tools: ClusterTools, create: Callable[[], int], tmp_path: Path
) -> None:
    up("demo", tools, count=30, work=tmp_path, tell=_silent)

    with pytest.raises(ToolError, match="demo is there, with 30 simulated nodes"):
        up("demo", tools, count=6, work=tmp_path, tell=_silent)
    for count in (None, 30):
        up("demo", tools, count=count, work=tmp_path, tell=_silent)
    assert create() == 1
    assert cluster.finished.read_text() == contents.digest(30) != contents.digest()

    processes.end(cluster)
    (cluster.folder / "kwok.yaml").unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError, match=r"kwok\.yaml"):  # nothing that could be started again
        up("demo", tools, work=tmp_path, tell=_silent)
    assert cluster.number.read_text() == "30"


def test_down_leaves_neither_process_nor_folder_and_may_be_repeated(
    cluster: Cluster, tools: ClusterTools, create: Callable[[], int], tmp_path: Path
) -> None:
    up("demo", tools, work=tmp_path, tell=_silent)
    said: list[str] = []

    down("demo", work=tmp_path, tell=said.append)
    down("demo", work=tmp_path, tell=said.append)

    assert create() == 1
    assert processes.of(cluster) == []
    assert not cluster.folder.exists()
    assert said == ["cluster demo: removed (5 processes ended)", "cluster demo: there is none"]


def test_down_ends_processes_whose_folder_is_gone(cluster: Cluster, started: Started, tmp_path: Path) -> None:
    orphan = _start(cluster, "kube-apiserver")
    started.append(orphan)
    cluster.folder.joinpath("bin", "kube-apiserver").unlink()
    cluster.folder.joinpath("bin").rmdir()
    cluster.folder.rmdir()

    down("demo", work=tmp_path, tell=_silent)

    assert orphan.wait(timeout=5) != 0


def test_clusters_are_listed_and_only_whole_ones_count_as_running(
    tools: ClusterTools, create: Callable[[], int], tmp_path: Path
) -> None:
    up("demo", tools, work=tmp_path, tell=_silent)
    Cluster.at("half", tmp_path).folder.mkdir()

    assert create() == 1
    assert [cluster.name for cluster in clusters(work=tmp_path)] == ["demo", "half"]
    assert running("demo", work=tmp_path) == Cluster.at("demo", tmp_path)
    assert running("half", work=tmp_path) is None
    assert running("none", work=tmp_path) is None
    Cluster.at("demo", tmp_path).finished.unlink()
    assert running("demo", work=tmp_path) is None


def test_a_mistake_of_the_user_ends_in_one_line_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["kubeconfig", "--name", "no-such-cluster"])

    assert status == 1
    assert capsys.readouterr() == (
        "",
        "error: cluster no-such-cluster is not running; start it with `make cluster-up`.\n",
    )
