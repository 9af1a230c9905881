"""`python3 -m tools.nodes`: what each command does, and what is said where it cannot."""

import subprocess
from pathlib import Path

import pytest

import tools.nodes.__main__ as commands
from tools.cluster import Cluster
from tools.nodes import operations
from tools.nodes.layout import Furniture, Places


@pytest.fixture
def places(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A cluster with three nodes, in this clone's work folder."""
    monkeypatch.setattr(commands, "work_dir", lambda: tmp_path)
    places = Places(cluster.folder)
    places.node("node-b").mkdir(parents=True)
    places.write(Furniture("/debian", "/programs", "/clone", 6443, 3))
    return places


def test_a_cluster_without_real_nodes_is_refused_with_what_makes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "work_dir", lambda: tmp_path)

    assert commands.main(["off", "node-b"]) == 1

    said = capsys.readouterr().err
    assert said == "error: there is no cluster tracardi with real nodes; `make cluster-up NODES=real` makes one.\n"


def test_off_and_on_act_on_the_named_cluster(places: Places) -> None:
    assert commands.main(["--name", "demo", "off", "node-b"]) == 0
    assert places.power("node-b").exists()

    assert commands.main(["--name", "demo", "on", "node-b"]) == 0
    assert not places.power("node-b").exists()


@pytest.mark.usefixtures("places")
def test_a_mistake_ends_in_one_line_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["--name", "demo", "off", "node-x"]) == 1

    assert capsys.readouterr().err.startswith("error: cluster demo has no node node-x;")


@pytest.mark.usefixtures("places")
def test_every_archive_is_given_to_the_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Path] = []
    monkeypatch.setattr(operations, "import_images", lambda _, archive: given.append(archive))

    assert commands.main(["--name", "demo", "images", "one.tar", "two.tar"]) == 0
    assert given == [Path("one.tar"), Path("two.tar")]


@pytest.mark.usefixtures("places")
def test_a_command_runs_in_the_network_that_was_named_and_its_status_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], *, check: bool) -> "subprocess.CompletedProcess[str]":
        assert not check
        ran.append(command)
        return subprocess.CompletedProcess(command, 22)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(operations, "namespace", lambda _, place: Path("/networks") / place)

    assert commands.main(["--name", "demo", "run", "internet", "--", "curl", "-v", "https://203.0.113.1/"]) == 22
    assert ran == [["nsenter", "--net=/networks/internet", "--", "curl", "-v", "https://203.0.113.1/"]]
