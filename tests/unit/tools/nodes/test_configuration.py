"""What the programs of a node are told, read as they read it."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tools.nodes import configuration, images
from tools.nodes.addresses import DNS, PODS, ROUTER, nodes

_NODE = nodes(3)[1]


@pytest.fixture
def files() -> dict[str, str]:
    """The files of one node."""
    return configuration.files(_NODE, "/tracardi-0/node-b")


@pytest.fixture
def kubelet(files: dict[str, str]) -> dict[str, Any]:
    """The kubelet's configuration."""
    parsed: dict[str, Any] = json.loads(files["/etc/kubelet.yaml"])
    return parsed


def _options(program: str) -> dict[str, str]:
    (command,) = [command for command in configuration.daemons(_NODE) if command[0] == program]
    return {name: value for name, _, value in (option.partition("=") for option in command[1:])}


def test_the_runtime_holds_pods_with_the_image_that_every_node_imports(files: dict[str, str]) -> None:
    plugins = tomllib.loads(files[configuration.CONTAINERD])["plugins"]

    assert plugins["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"] == images.PAUSE
    assert plugins["io.containerd.cri.v1.runtime"]["restrict_oom_score_adj"] is True


def test_runtime_and_kubelet_agree_on_their_socket_and_on_who_drives_control_groups(
    files: dict[str, str], kubelet: dict[str, Any]
) -> None:
    runtime = tomllib.loads(files[configuration.CONTAINERD])
    runc = runtime["plugins"]["io.containerd.cri.v1.runtime"]["containerd"]["runtimes"]["runc"]["options"]

    assert kubelet["containerRuntimeEndpoint"] == f"unix://{runtime['grpc']['address']}"
    assert (kubelet["cgroupDriver"], runc["SystemdCgroup"]) == ("cgroupfs", False)


def test_a_kubelet_stays_in_the_node_s_own_control_group(kubelet: dict[str, Any]) -> None:
    assert kubelet["cgroupRoot"] == "/tracardi-0/node-b"


def test_a_kubelet_answers_only_whom_the_api_server_vouches_for(kubelet: dict[str, Any]) -> None:
    assert kubelet["authentication"]["anonymous"] == {"enabled": False}
    assert kubelet["authorization"] == {"mode": "Webhook"}


def test_pods_ask_the_cluster_s_dns(kubelet: dict[str, Any]) -> None:
    assert kubelet["clusterDNS"] == [str(DNS)]


def test_pods_get_addresses_of_their_node_and_no_bridge_that_policies_would_not_see(files: dict[str, str]) -> None:
    (network,) = json.loads(files["/etc/cni/net.d/pods.conflist"])["plugins"]

    assert network["ipam"]["ranges"] == [[{"subnet": str(_NODE.pods)}]]
    assert (network["type"], network["ipMasq"]) == ("ptp", False)


def test_kube_proxy_changes_nothing_that_belongs_to_the_whole_machine() -> None:
    options = _options("kube-proxy")

    assert options["--conntrack-max-per-core"] == "0"
    assert options["--cluster-cidr"] == str(PODS)


def test_kube_router_judges_packets_and_routes_none() -> None:
    options = _options("kube-router")

    assert options["--run-firewall"] == "true"
    assert {options[f"--run-{part}"] for part in ("router", "service-proxy", "loadbalancer")} == {"false"}


def test_every_program_finds_its_credentials_where_they_are_issued() -> None:
    for program in ("kubelet", "kube-proxy", "kube-router"):
        assert _options(program)["--kubeconfig"] == f"/etc/kubernetes/{program}.conf"


def test_a_kubeconfig_names_credentials_beside_it() -> None:
    parsed = json.loads(configuration.kubeconfig(ROUTER, 6443, "kubelet"))

    (cluster,), (user,), (context,) = parsed["clusters"], parsed["users"], parsed["contexts"]
    assert cluster["cluster"] == {"server": "https://10.89.0.1:6443", "certificate-authority": "ca.crt"}
    assert user["user"] == {"client-certificate": "kubelet.crt", "client-key": "kubelet.key"}
    assert context["context"] == {"cluster": cluster["name"], "user": user["name"]}
    assert parsed["current-context"] == context["name"]


def test_every_file_is_named_by_its_whole_path(files: dict[str, str]) -> None:
    assert all(Path(name).is_absolute() for name in files)
