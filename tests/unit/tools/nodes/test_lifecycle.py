"""What is said where nodes cannot be brought up, and what a cluster of real nodes is furnished with."""

import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.cluster import Cluster, ClusterTools, contents, down, kwokctl, lifecycle, processes, up
from tools.cluster.__main__ import main
from tools.cluster.api import Api
from tools.errors import ToolError
from tools.nodes import images, remains
from tools.nodes import lifecycle as nodes
from tools.nodes.layout import Furniture, Places

_FURNITURE = Furniture(debian="/debian", programs="/programs", repository="/clone", port=6443, count=3)


@pytest.fixture
def real(cluster: Cluster) -> Cluster:
    """A cluster of real nodes that does not run."""
    cluster.folder.mkdir(parents=True)
    (cluster.folder / "pki").mkdir()
    (cluster.folder / "pki" / "ca.crt").write_text("-----BEGIN\nauthority\n-----END\n")
    Places(cluster.folder).write(_FURNITURE)
    return cluster


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, whoever runs the tests."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not root, whoever runs the tests."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


def _documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


@pytest.mark.usefixtures("nobody")
def test_without_root_real_nodes_are_refused_before_anything_is_built(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.toolchain.ensure", lambda _: pytest.fail("builds"))

    assert main(["up", "--name", "demo", "--nodes", "real"]) == 1

    said = capsys.readouterr().err
    assert said.startswith("error: real nodes take root")
    assert "leave NODES=real out for simulated nodes" in said


@pytest.mark.usefixtures("root")
def test_a_cluster_with_simulated_nodes_is_not_taken_for_the_one_that_was_asked_for(
    cluster: Cluster, tools: ClusterTools, tmp_path: Path
) -> None:
    cluster.folder.mkdir(parents=True)
    cluster.finished.touch()

    with pytest.raises(ToolError, match=r"is there, with 6 simulated nodes.*`make cluster-down`.*CLUSTER="):
        up("demo", tools, real=True, work=tmp_path)


@pytest.mark.usefixtures("root")
def test_a_cluster_with_another_number_of_nodes_is_not_taken_for_the_one_that_was_asked_for(
    real: Cluster, tools: ClusterTools, tmp_path: Path
) -> None:
    real.finished.touch()

    with pytest.raises(ToolError, match=r"is there, with 3 real nodes.*`make cluster-down`.*CLUSTER="):
        up("demo", tools, real=True, count=4, work=tmp_path)


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["--nodes", "real", "--count", "0"], "0 nodes: a cluster has 1 to 30 real ones. Give another COUNT."),
        (["--nodes", "real", "--count", "31"], "31 nodes: a cluster has 1 to 30 real ones. Give another COUNT."),
        (["--count", "0"], "0 nodes: a cluster has 1 to 200 simulated ones. Give another COUNT."),
        (["--count", "201"], "201 nodes: a cluster has 1 to 200 simulated ones. Give another COUNT."),
    ],
)
def test_a_number_of_nodes_that_cannot_be_had_is_refused_before_anything_is_built(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], remedy: str
) -> None:
    monkeypatch.setattr("tools.toolchain.ensure", lambda _: pytest.fail("builds"))

    assert main(["up", "--name", "demo", *arguments]) == 1

    assert capsys.readouterr().err == f"error: {remedy}\n"


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("real", "asked", "number"), [(True, None, 3), (True, 1, 1), (True, 7, 7), (False, None, 6), (False, 30, 30)]
)
def test_a_new_cluster_gets_as_many_nodes_as_are_asked_for(
    cluster: Cluster,
    tools: ClusterTools,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    real: bool,
    asked: int | None,
    number: int,
) -> None:
    made: list[tuple[int, bool]] = []
    monkeypatch.setattr(lifecycle, "_create", lambda _cluster, _tools, number, real: made.append((number, real)))
    told: list[str] = []

    up("demo", tools, real=real, count=asked, work=tmp_path, tell=told.append)

    assert made == [(number, real)]
    kind = "real" if real else "simulated"
    assert told[0] == f"cluster {cluster.name}: creating it, with {number} {kind} nodes in {min(number, 3)} zones"


def test_as_many_nodes_are_registered_as_the_cluster_has(real: Cluster) -> None:
    Places(real.folder).write(Furniture("/debian", "/programs", "/clone", 6443, 5))

    registered = [each["metadata"]["name"] for each in _documents(nodes.documents(real)) if each["kind"] == "Node"]

    assert registered == ["node-a", "node-b", "node-c", "node-a2", "node-b2"]


def test_real_nodes_that_are_there_need_no_simulator_and_their_machine(
    real: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
    monkeypatch.setattr(processes, "of", lambda _: [processes.Process(1, program) for program in programs])

    assert processes.components(real) == programs
    assert not processes.complete(real)

    monkeypatch.setattr(remains, "machine", lambda _: 1)
    assert processes.complete(real)


def test_a_port_that_is_taken_meanwhile_stops_a_restart(real: Cluster, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        Places(real.folder).write(Furniture("/debian", "/programs", "/clone", port, 3))

        with pytest.raises(ToolError, match=rf"listens on its port {port}.*python3 -m tools.cluster down --name demo"):
            nodes.start(real, tmp_path, tmp_path, 3)


def test_a_start_switches_every_node_on(real: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    places = Places(real.folder)
    places.write(Furniture("/debian", "/programs", "/clone", 0, 3))
    places.node("node-b").mkdir(parents=True)
    places.power("node-b").touch()
    monkeypatch.setattr(images, "cluster_images", lambda _, file: file.touch())
    monkeypatch.setattr(nodes, "_start_machine", lambda *_: None)

    nodes.start(real, tmp_path, tmp_path, 3)

    assert not places.power("node-b").exists()
    assert (places.read().debian, places.read().count) == (str(tmp_path), 3)
    assert places.read().port != 0


def test_a_machine_that_does_not_start_is_quoted(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "setsid").write_text("#!/bin/sh\necho 'unshare: not here' >&2\n")
    (tmp_path / "setsid").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(nodes, "_PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(nodes, "_START_SECONDS", 0.0)
    monkeypatch.setattr(images, "cluster_images", lambda _, file: file.touch())

    with pytest.raises(ToolError, match=r"the machine for real nodes does not start:\n  unshare: not here"):
        nodes.start(cluster, tmp_path, tmp_path, 3)


def test_who_asks_for_a_machine_that_does_not_run_learns_how_to_start_it(real: Cluster) -> None:
    with pytest.raises(ToolError, match="`make cluster-up NODES=real` starts them"):
        nodes.entering(real)


def test_the_control_plane_s_configuration_is_filled_in(real: Cluster) -> None:
    text = nodes.control_plane(real).read_text()

    (configuration,) = _documents(text)
    assert "$" not in "".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert configuration["options"]["kubeApiserverPort"] == 6443
    assert "kwok-controller" not in configuration["options"]["components"]


def test_what_clusters_are_furnished_with_is_whole_and_of_this_cluster(real: Cluster) -> None:
    text = nodes.documents(real)

    documents = _documents(text)
    assert "$" not in text
    (metrics,) = [
        each for each in documents if each["kind"] == "ConfigMap" and each["metadata"]["name"] == "metrics-server"
    ]
    assert metrics["data"]["ca.crt"] == "-----BEGIN\nauthority\n-----END\n"
    zones = [each["metadata"]["labels"]["topology.kubernetes.io/zone"] for each in documents if each["kind"] == "Node"]
    assert zones == list(contents.ZONES)


def test_every_image_of_the_cluster_s_own_is_one_that_nodes_import(real: Cluster) -> None:
    known = {images.PAUSE, images.COREDNS, images.METRICS_SERVER}
    workloads = [each for each in _documents(nodes.documents(real)) if each["kind"] in {"DaemonSet", "Deployment"}]

    used = {
        container["image"] for workload in workloads for container in workload["spec"]["template"]["spec"]["containers"]
    }
    assert used
    assert used <= known


def _fake_control_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that needs a control plane does nothing."""
    monkeypatch.setattr(contents, "from_modules", lambda *_: "")
    for name in ("link", "start", "apply"):
        monkeypatch.setattr(kwokctl, name, lambda *_: None)
    monkeypatch.setattr(lifecycle, "debian", Path)
    monkeypatch.setattr(lifecycle, "_answering", lambda *_, **__: None)
    monkeypatch.setattr(nodes, "start", lambda *_: None)


@pytest.mark.usefixtures("root")
def test_nodes_that_are_slow_to_come_back_cost_the_cluster_no_data(
    real: Cluster, tools: ClusterTools, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real.finished.touch()
    _fake_control_plane(monkeypatch)

    def wait(_cluster: Cluster) -> None:
        raise ToolError("waited 90 s in vain for the nodes to be ready")

    monkeypatch.setattr(lifecycle, "_furnish", wait)
    with pytest.raises(ToolError, match="in vain"):
        up("demo", tools, real=True, work=tmp_path, tell=lambda _: None)

    assert Places(real.folder).furniture.exists()


class _Answers(Api):
    """Knows nodes as they are said to be."""

    def __init__(self, *, ready: bool) -> None:
        self.ready = ready

    def serves(self, *_: object) -> bool:
        return True

    def ready_nodes(self, since: float = 0.0) -> int:
        assert since > 0
        return 3 if self.ready else 0

    def ready_pods(self, *_: object) -> int:
        return 3


@pytest.fixture
def furnishing(real: Cluster, monkeypatch: pytest.MonkeyPatch) -> _Answers:
    """A cluster whose objects are there, and whose nodes are not ready."""
    _fake_control_plane(monkeypatch)
    Places(real.folder).machine.touch()
    api = _Answers(ready=False)
    monkeypatch.setattr(Api, "of", lambda _: api)
    monkeypatch.setattr(nodes, "join", lambda _: None)
    return api


def test_nodes_that_do_not_get_ready_are_told_with_the_logs_that_say_why(
    real: Cluster, furnishing: _Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(what: str, _true: object, *, seconds: float) -> None:
        if what == "the nodes to be ready":
            raise ToolError(f"waited {seconds:.0f} s in vain for {what}")

    monkeypatch.setattr(lifecycle, "wait_until", give_up)

    with pytest.raises(ToolError, match=r"the nodes to be ready; read kubelet\.log in .*/nodes/NODE/logs"):
        lifecycle._furnish_real(real, furnishing)


def test_a_program_of_the_control_plane_that_gave_up_is_started_again(
    real: Cluster, furnishing: _Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Cluster] = []

    def start(cluster: Cluster) -> None:
        started.append(cluster)
        furnishing.ready = True

    monkeypatch.setattr(kwokctl, "start", start)
    lifecycle._furnish_real(real, furnishing)

    assert started == [real]


def test_a_folder_that_cannot_be_removed_is_told(
    real: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    monkeypatch.setattr(lifecycle, "_REMOVAL_SECONDS", 0.0)

    with pytest.raises(ToolError, match=rf"{real.folder} cannot be removed: .*Run the command as its owner"):
        down("demo", work=tmp_path, tell=lambda _: None)
