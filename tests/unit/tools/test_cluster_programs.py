"""What an embedded cluster is made of and how its programs are run, with shell scripts in place of the programs."""

import json
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from tools.cluster import Cluster, ClusterTools, contents, kwokctl, ports
from tools.errors import ToolError
from tools.locks import exclusive


def _script(path: Path, body: str) -> None:
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("name", ["", "Demo", "-demo", "demo-", "../demo", "a" * 41])
def test_a_name_that_cannot_be_a_folder_of_its_own_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="cannot name a cluster"):
        Cluster.at(name, tmp_path)


def test_a_work_folder_with_a_space_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="kwokctl cannot use a path with spaces"):
        Cluster.at("demo", tmp_path / "my work")


def test_everything_of_a_cluster_is_inside_its_folder(tmp_path: Path) -> None:
    cluster = Cluster.at("demo-2", tmp_path)

    assert cluster.folder == tmp_path / "clusters" / "demo-2"
    assert {cluster.kubeconfig.parent, cluster.state.parent, cluster.finished.parent} == {cluster.folder}


def test_a_missing_program_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"has no etcd; `make tools` builds it"):
        ClusterTools(tmp_path).program("etcd")


def test_kwok_is_found_under_the_name_that_it_is_built_with(tmp_path: Path) -> None:
    (tmp_path / "kwok").touch()

    assert ClusterTools(tmp_path).program("kwok-controller") == tmp_path / "kwok"


def test_a_command_waits_for_the_one_before_it_and_says_so(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "demo"
    order: list[str] = []

    def second() -> None:
        with exclusive(lock, lambda: order.append("waits")):
            order.append("second")

    with exclusive(lock):
        follower = threading.Thread(target=second)
        follower.start()
        deadline = time.monotonic() + 5
        while not order and time.monotonic() < deadline:
            time.sleep(0.001)
        order.append("first")
    follower.join()

    assert order == ["waits", "first", "second"]


def test_a_port_that_is_taken_meanwhile_stops_a_restart_and_keeps_the_data(cluster: Cluster) -> None:
    cluster.folder.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        (cluster.folder / "kwok.yaml").write_text(f"  - --listen-client-urls=http://127.0.0.1:{port}\n")

        with pytest.raises(ToolError, match=f"listens on its port {port}"):
            ports.refuse_taken(cluster, patience=0)

    ports.refuse_taken(cluster, patience=0)


def test_there_are_two_nodes_in_each_of_three_zones_with_addresses_of_their_own() -> None:
    nodes = json.loads(contents.nodes())["items"]

    zones = [node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes]
    assert sorted(zones) == ["zone-a", "zone-a", "zone-b", "zone-b", "zone-c", "zone-c"]
    assert len({node["metadata"]["labels"]["kubernetes.io/hostname"] for node in nodes}) == 6
    assert len({node["spec"]["podCIDR"] for node in nodes}) == 6
    assert not any("addresses" in node["status"] for node in nodes)


def test_files_of_go_modules_come_from_the_cache_when_they_are_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module = tmp_path / "module"
    for file in (file for source in contents._SOURCES for file in source.files):
        (module / file).parent.mkdir(parents=True, exist_ok=True)
        (module / file).write_text(f"kind: {Path(file).stem}\n")
    go = tmp_path / "go"
    _script(go, f"printf '%s' '{json.dumps({'Dir': str(module)})}'")
    monkeypatch.setenv("TRACARDI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")

    fetched = contents.from_modules()
    go.unlink()

    assert "kind: pod-ready\n\n---\n" in fetched
    assert contents.from_modules() == fetched


def test_without_go_and_cache_the_message_names_both_ways_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRACARDI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ToolError, match=r"(?s)no go on PATH.*Install Go.*KUBE_CONTEXT"):
        contents.from_modules()


def test_a_module_that_go_refuses_stops_with_what_go_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _script(tmp_path / "go", "echo 'checksum mismatch' >&2; exit 1")
    monkeypatch.setenv("TRACARDI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")

    with pytest.raises(ToolError, match=r"go cannot fetch sigs\.k8s\.io/kwok:\nchecksum mismatch"):
        contents.from_modules()


def test_the_users_own_configuration_reaches_no_program(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "of-the-user"))
    monkeypatch.setenv("KWOK_RUNTIME", "docker")

    environment = kwokctl.environment(cluster)

    assert environment["KUBECONFIG"] == str(cluster.kubeconfig)
    assert environment["KWOK_WORKDIR"] == str(tmp_path)
    assert "KWOK_RUNTIME" not in environment
    assert environment["PATH"].startswith(f"{cluster.folder}/bin{os.pathsep}")


def test_a_cluster_follows_a_toolchain_that_moved(cluster: Cluster, tools: ClusterTools, tmp_path: Path) -> None:
    kwokctl.link(cluster, tools)
    moved = ClusterTools(tools.bin.rename(tmp_path / "elsewhere"))

    kwokctl.link(cluster, moved)

    assert (cluster.folder / "bin" / "etcd").readlink() == moved.bin / "etcd"


def test_stale_process_ids_never_reach_kwokctl(cluster: Cluster, tools: ClusterTools) -> None:
    record = cluster.folder / "pids" / "etcd.pid"
    record.parent.mkdir(parents=True)
    record.write_text(str(os.getpid()))  # alive, but no etcd

    kwokctl.link(cluster, tools)
    kwokctl.start(cluster)

    assert not record.exists()


def test_a_failing_program_is_quoted(cluster: Cluster, tools: ClusterTools) -> None:
    _script(tools.bin / "kwokctl", "echo 'no such image' >&2; exit 3")

    kwokctl.link(cluster, tools)

    with pytest.raises(ToolError, match=r"cluster demo: kwokctl failed:\n  no such image"):
        kwokctl.start(cluster)


def test_the_kubeconfig_is_private_and_names_one_context(cluster: Cluster) -> None:
    view = {"clusters": [{"name": "kwok-demo"}], "users": [{"name": "kwok-demo"}], "contexts": [{}, {}]}
    _script(cluster.folder / "bin" / "kubectl", f"printf '%s' '{json.dumps(view)}'")

    kwokctl.write_kubeconfig(cluster)

    written = json.loads(cluster.kubeconfig.read_text())
    assert written["contexts"] == [
        {"name": "embedded-demo", "context": {"cluster": "embedded-demo", "user": "embedded-demo"}}
    ]
    assert written["current-context"] == written["users"][0]["name"] == "embedded-demo"
    assert cluster.kubeconfig.stat().st_mode & 0o777 == 0o600
