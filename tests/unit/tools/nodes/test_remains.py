"""What there is of a cluster's nodes, seen in processes that only look like them."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.cluster import Cluster, clusters, down, processes
from tools.nodes import cgroups, remains

Start = Callable[..., "subprocess.Popen[bytes]"]
_WAIT = "import time; time.sleep(60)"


@pytest.fixture(autouse=True)
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of control groups, without any."""
    folder = tmp_path / "groups"
    (folder / "memory").mkdir(parents=True)
    monkeypatch.setattr(cgroups, "_ROOT", folder)
    return folder


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a process whose command line is that of a cluster's machine; all end with the test."""
    started = []

    def begin(cluster: Path, *, starter: str = "", module: str = "tools.nodes.machine") -> "subprocess.Popen[bytes]":
        link = tmp_path / (starter or "python3")
        if not link.is_symlink():
            link.symlink_to(sys.executable)
        child = subprocess.Popen([link, "-c", _WAIT, "-m", module, cluster, "3"])
        started.append(child)
        deadline = time.monotonic() + 5
        # A process shows its command line a moment after it was started.
        while str(cluster).encode() not in Path(f"/proc/{child.pid}/cmdline").read_bytes():
            assert time.monotonic() < deadline
        return child

    yield begin
    for child in started:
        child.kill()
        child.wait()


def test_the_machine_is_told_from_what_started_it(cluster: Cluster, start: Start) -> None:
    start(cluster.folder, starter="unshare")
    assert remains.machine(cluster.folder) is None

    machine = start(cluster.folder)

    assert remains.machine(cluster.folder) == machine.pid


def test_only_the_cluster_s_own_processes_are_ended(cluster: Cluster, start: Start) -> None:
    own = [start(cluster.folder), start(cluster.folder, starter="unshare")]
    other = start(cluster.folder.with_name("demo-2"))
    reader = start(cluster.folder, module="tools.nodes")

    assert remains.remove(cluster.folder) == 2

    assert [child.wait(timeout=5) for child in own] == [-9, -9]
    assert (other.poll(), reader.poll()) == (None, None)


def test_processes_and_control_groups_are_told_in_words(cluster: Cluster, start: Start, groups: Path) -> None:
    machine = start(cluster.folder)
    cgroups.make(cluster.folder, "node-a")

    group = groups / "memory" / cgroups.name(cluster.folder)
    assert remains.left(cluster.folder) == [
        f"process {machine.pid}",
        f"control group {group / 'node-a'}",
        f"control group {group}",
    ]


def test_a_cluster_that_has_lost_its_folder_is_still_listed_and_taken_down(
    cluster: Cluster, start: Start, tmp_path: Path
) -> None:
    machine = start(cluster.folder)
    cgroups.make(cluster.folder, "node-a")
    told: list[str] = []

    assert [known.name for known in clusters(work=tmp_path)] == ["demo"]
    down("demo", work=tmp_path, tell=told.append)

    assert machine.wait(timeout=5) == -9
    assert told == ["cluster demo: removed (1 processes ended)"]
    assert (clusters(work=tmp_path), remains.left(cluster.folder)) == ([], [])


def test_groups_alone_are_taken_down_as_well(cluster: Cluster, tmp_path: Path) -> None:
    cgroups.make(cluster.folder, "node-a")

    down("demo", work=tmp_path, tell=lambda _: None)

    assert remains.left(cluster.folder) == []


def test_clusters_of_another_work_folder_are_not_listed(cluster: Cluster, start: Start, tmp_path: Path) -> None:
    start(Cluster.at("demo", tmp_path / "elsewhere").folder)

    assert processes.clusters(cluster.folder.parent) == set()
