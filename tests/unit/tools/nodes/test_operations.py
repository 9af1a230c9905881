"""What can be done with a cluster of real nodes, with files in place of the nodes that do it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.cluster import Cluster
from tools.errors import ToolError
from tools.nodes import operations, remains
from tools.nodes.layout import Furniture, Places

Say = Callable[[str, str], None]
_NODES = ("node-a", "node-b", "node-c")


@pytest.fixture
def places(cluster: Cluster) -> Places:
    """A cluster with three nodes."""
    places = Places(cluster.folder)
    places.images.mkdir(parents=True)
    for name in _NODES:
        (places.node(name) / "containerd" / "imported").mkdir(parents=True)
    places.write(Furniture("/debian", "/programs", "/clone", 6443, 3))
    return places


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of images, by its name."""
    archive = tmp_path / "images.archive"
    archive.write_text("layers")
    return archive


@pytest.fixture
def say(places: Places, archive: Path) -> Say:
    """Has a node say what came of the import of the archive as it is now."""

    def write(node: str, status: str) -> None:
        known = archive.stat()
        name = f"images.{known.st_mtime_ns:x}-{known.st_size:x}.tar"
        (places.node(node) / "containerd" / "imported" / name).write_text(status)

    return write


def test_a_node_is_switched_off_and_on_by_a_file_that_its_machine_sees(cluster: Cluster, places: Places) -> None:
    operations.switch_off(cluster, "node-b")
    assert places.power("node-b").exists()

    operations.switch_on(cluster, "node-b")
    operations.switch_on(cluster, "node-b")
    assert not places.power("node-b").exists()


@pytest.mark.usefixtures("places")
def test_a_node_that_is_none_is_refused_with_those_that_are(cluster: Cluster) -> None:
    with pytest.raises(ToolError, match=r"has no node node-d; it has node-a, node-b, node-c\."):
        operations.switch_off(cluster, "node-d")


@pytest.mark.parametrize("place", ["internet", "trusted", "node-c"])
@pytest.mark.usefixtures("places")
def test_networks_are_those_of_the_machine(cluster: Cluster, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remains, "machine", lambda _: 4711)

    assert operations.namespace(cluster, place) == Path(f"/proc/4711/root/run/netns/{place}")


@pytest.mark.usefixtures("places")
def test_networks_of_a_machine_that_does_not_run_are_refused(cluster: Cluster) -> None:
    with pytest.raises(ToolError, match="its nodes do not run; `make cluster-up NODES=real` starts them"):
        operations.namespace(cluster, "internet")


def test_an_archive_is_laid_ready_whole_and_awaited(cluster: Cluster, places: Places, archive: Path, say: Say) -> None:
    for node in _NODES:
        say(node, "0\n")

    operations.import_images(cluster, archive)

    (laid,) = places.images.iterdir()
    assert laid.suffix == ".tar"
    assert laid.samefile(archive)


def test_an_archive_that_has_changed_is_another_one_and_takes_the_place_of_the_first(
    cluster: Cluster, places: Places, archive: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    for node in _NODES:
        say(node, "0\n")
    operations.import_images(cluster, archive)
    archive.write_text("other layers")
    monkeypatch.setattr(operations, "_IMPORT_SECONDS", 0.0)

    with pytest.raises(ToolError, match="node-a has not imported"):
        operations.import_images(cluster, archive)

    (laid,) = places.images.iterdir()
    assert laid.read_text() == "other layers"


def test_archives_of_other_names_stay(cluster: Cluster, places: Places, archive: Path, say: Say) -> None:
    for name in ("cluster.tar", "images-2.0-0.tar"):
        (places.images / name).touch()
    for node in _NODES:
        say(node, "0\n")

    operations.import_images(cluster, archive)

    assert len(list(places.images.iterdir())) == 3


def test_a_node_that_cannot_read_the_archive_is_named_with_its_log(
    cluster: Cluster, places: Places, archive: Path, say: Say
) -> None:
    say("node-a", "0\n")
    say("node-b", "1\n")

    with pytest.raises(ToolError, match=rf"node-b cannot import {archive}; {places.node('node-b')}/logs/images\.log"):
        operations.import_images(cluster, archive)

    assert list(places.images.iterdir()) == []


def test_nodes_that_are_off_are_not_awaited(cluster: Cluster, places: Places, archive: Path, say: Say) -> None:
    say("node-a", "0\n")
    say("node-c", "0\n")
    operations.switch_off(cluster, "node-b")

    operations.import_images(cluster, archive)

    assert len(list(places.images.iterdir())) == 1


@pytest.mark.usefixtures("places")
def test_a_node_that_says_nothing_is_not_awaited_for_ever(
    cluster: Cluster, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "_IMPORT_SECONDS", 0.0)

    with pytest.raises(ToolError, match=rf"node-a has not imported {archive} within 0 s"):
        operations.import_images(cluster, archive)


@pytest.mark.usefixtures("places")
def test_an_archive_that_is_not_there_is_named(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=rf"there is no archive {tmp_path}/none\.tar"):
        operations.import_images(cluster, tmp_path / "none.tar")
