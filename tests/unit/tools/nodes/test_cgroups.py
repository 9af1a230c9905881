"""The control groups of a cluster's nodes, on a file system that only looks like the kernel's."""

from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.nodes import cgroups

_CLUSTER = Path("/clone/.work/clusters/demo")
_OTHER = Path("/another/.work/clusters/demo")


@pytest.fixture
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Control groups of the first version: several hierarchies, one of which has two names."""
    for hierarchy in ("memory", "cpu", "unified"):
        (tmp_path / hierarchy).mkdir()
    (tmp_path / "cpuacct").symlink_to("cpu")
    monkeypatch.setattr(cgroups, "_ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Control groups of the second version."""
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    monkeypatch.setattr(cgroups, "_ROOT", tmp_path)
    return tmp_path


def test_clusters_of_one_name_in_two_clones_have_groups_of_their_own() -> None:
    assert cgroups.name(_CLUSTER) != cgroups.name(_OTHER)
    assert cgroups.name(_CLUSTER) == cgroups.name(Path(str(_CLUSTER)))


def test_a_node_has_a_group_in_every_hierarchy(first: Path) -> None:
    cgroups.make(_CLUSTER, "node-a")
    cgroups.make(_CLUSTER, "node-a")

    assert {group.parent.parent.name for group in first.rglob("node-a")} == {"memory", "cpu", "unified"}


def test_all_pods_together_weigh_more_than_one_process(first: Path) -> None:
    group = first / "cpu" / cgroups.name(_CLUSTER)
    (group / "node-a").mkdir(parents=True)
    for each in (group, group / "node-a"):
        (each / "cpu.shares").write_text("1024\n")

    cgroups.make(_CLUSTER, "node-a")

    assert {int((each / "cpu.shares").read_text()) for each in (group, group / "node-a")} == {8192}


def test_what_is_left_is_told_innermost_first_and_removed_with_what_is_below(first: Path) -> None:
    cgroups.make(_CLUSTER, "node-a")
    (first / "memory" / cgroups.name(_CLUSTER) / "node-a" / "kubepods" / "pod1").mkdir(parents=True)
    cgroups.make(_OTHER, "node-a")

    left = cgroups.left(_CLUSTER)
    cgroups.remove(_CLUSTER)

    assert [group.name for group in left if "memory" in group.parts] == [
        "pod1",
        "kubepods",
        "node-a",
        cgroups.name(_CLUSTER),
    ]
    assert cgroups.left(_CLUSTER) == []
    assert len(cgroups.left(_OTHER)) == 6


def test_a_group_that_stays_in_use_is_told_with_where_to_look(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cgroups.make(_CLUSTER, "node-a")
    (first / "cpu" / cgroups.name(_CLUSTER) / "node-a" / "task").touch()  # a folder with a file cannot be removed
    monkeypatch.setattr(cgroups, "_PATIENCE_SECONDS", 0.0)

    with pytest.raises(ToolError, match=r"node-a is still in use; its file cgroup\.procs names the processes"):
        cgroups.remove(_CLUSTER)


def test_where_there_is_nothing_nothing_is_removed(first: Path) -> None:
    cgroups.remove(_CLUSTER)

    assert sorted(entry.name for entry in first.iterdir()) == ["cpu", "cpuacct", "memory", "unified"]


def test_controllers_are_passed_on_down_to_a_node(second: Path) -> None:
    for folder in (cgroups.name(_CLUSTER), f"{cgroups.name(_CLUSTER)}/node-a"):
        (second / folder).mkdir()
        (second / folder / "cgroup.controllers").write_text("cpu memory\n")

    cgroups.make(_CLUSTER, "node-a")

    assert (second / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    assert (second / cgroups.name(_CLUSTER) / "node-a" / "cgroup.subtree_control").read_text() == "+cpu +memory"
