"""The embedded cluster itself: a real control plane, simulated nodes, nothing left behind."""

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.cluster import Cluster, ClusterTools, down, kwokctl, processes, running, up
from tools.cluster.api import Api

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

_CONTAINER = {
    "name": "main",
    "image": "registry.example/never-pulled:1",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
_RESTRICTED = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def cluster(work: Path, cluster_tools: ClusterTools) -> Iterator[Cluster]:
    yield up("embedded-test", cluster_tools, work=work)
    down("embedded-test", work=work)


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own, under Pod Security `restricted`."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    _apply(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    yield name
    _kubectl(cluster, "delete", "namespace", name, "--wait=false")


def _kubectl(cluster: Cluster, *arguments: str, stdin: str = "") -> str:
    command = [str(cluster.folder / "bin" / "kubectl"), *arguments]
    environment = kwokctl.environment(cluster)
    done = subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _apply(cluster: Cluster, *documents: dict[str, Any]) -> None:
    _kubectl(cluster, "apply", "-f-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}))


def _get(cluster: Cluster, *arguments: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
    return json.loads(_kubectl(cluster, "get", *arguments, "-ojson"))


def _wait(cluster: Cluster, namespace: str, resource: str, condition: str) -> None:
    _kubectl(cluster, "wait", f"--namespace={namespace}", resource, f"--for={condition}", "--timeout=60s")


def _workload(kind: str, namespace: str, pod: dict[str, Any], **spec: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON
    pod = {"securityContext": _RESTRICTED, "containers": [_CONTAINER], **pod}
    if kind == "Job":
        api, spec = "batch/v1", {"template": {"spec": pod}, **spec}
    else:
        labels = {"app": kind.lower()}
        template = {"metadata": {"labels": labels}, "spec": pod}
        api, spec = "apps/v1", {"selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "it", "namespace": namespace}, "spec": spec}


def _load_balancer(namespace: str, name: str) -> dict[str, Any]:
    spec = {"type": "LoadBalancer", "ports": [{"port": 443}], "selector": {"app": "deployment"}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def _listening_addresses(pid: int) -> set[str]:
    """Local addresses, in hexadecimal as the kernel prints them, on which a process listens or receives datagrams."""
    sockets = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(str(handle.readlink()))
        except FileNotFoundError:
            continue  # closed while we look
    found = set()
    for protocol, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for line in Path(f"/proc/{pid}/net/{protocol}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == state and f"socket:[{fields[9]}]" in sockets:
                found.add(fields[1].partition(":")[0])
    return found


def test_a_new_cluster_has_ready_nodes_in_three_zones_and_room_for_production(cluster: Cluster) -> None:
    nodes = _get(cluster, "nodes")["items"]

    zones = [node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes]
    assert sorted(zones) == ["zone-a", "zone-a", "zone-b", "zone-b", "zone-c", "zone-c"]
    assert Api.of(cluster).ready_nodes() == 6
    assert {node["status"]["allocatable"]["memory"] for node in nodes} == {"32Gi"}


def test_nothing_listens_beyond_the_loopback_address(cluster: Cluster) -> None:
    addresses = {process.program: _listening_addresses(process.pid) for process in processes.of(cluster)}

    assert addresses.keys() >= {"etcd", "kube-apiserver", "kwok-controller"}
    assert set().union(*addresses.values()) == {"0100007F"}


def test_a_deployment_with_every_kind_of_container_becomes_ready_and_rolls(cluster: Cluster, namespace: str) -> None:
    probe = {"httpGet": {"path": "/", "port": 80}}
    sidecar = {**_CONTAINER, "name": "sidecar", "restartPolicy": "Always"}
    pod = {
        "initContainers": [{**_CONTAINER, "name": "init"}, sidecar],
        "containers": [{**_CONTAINER, "readinessProbe": probe, "startupProbe": probe}],
        "terminationGracePeriodSeconds": 120,
    }
    _apply(cluster, _workload("Deployment", namespace, pod, replicas=3))
    _wait(cluster, namespace, "deployment/it", "condition=Available")

    _kubectl(cluster, "rollout", "restart", "deployment/it", f"--namespace={namespace}")
    _kubectl(cluster, "rollout", "status", "deployment/it", f"--namespace={namespace}", "--timeout=60s")


def test_claims_of_a_stateful_set_are_bound_and_their_volumes_go_with_them(cluster: Cluster, namespace: str) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
    }
    pod = {"containers": [{**_CONTAINER, "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}
    _apply(
        cluster, _workload("StatefulSet", namespace, pod, replicas=3, serviceName="it", volumeClaimTemplates=[claim])
    )
    _wait(cluster, namespace, "statefulset/it", "jsonpath={.status.readyReplicas}=3")
    claims = _get(cluster, "pvc", f"--namespace={namespace}")["items"]
    volumes = [f"pv/{claim['spec']['volumeName']}" for claim in claims]
    assert [claim["status"]["phase"] for claim in claims] == ["Bound"] * 3

    _kubectl(cluster, "delete", "statefulset/it", f"--namespace={namespace}")
    _kubectl(cluster, "delete", "pvc", "--all", f"--namespace={namespace}", "--timeout=60s")

    _kubectl(cluster, "wait", "--for=delete", "--timeout=60s", *volumes)


def test_a_job_completes_by_itself(cluster: Cluster, namespace: str) -> None:
    _apply(cluster, _workload("Job", namespace, {"restartPolicy": "Never"}))

    _wait(cluster, namespace, "job/it", "condition=Complete")


def test_every_load_balancer_gets_a_documentation_address_of_its_own(cluster: Cluster, namespace: str) -> None:
    names = ("one", "two", "three")
    _apply(cluster, *(_load_balancer(namespace, name) for name in names))
    for name in names:
        _wait(cluster, namespace, f"service/{name}", "jsonpath={.status.loadBalancer.ingress}")

    services = _get(cluster, "services", f"--namespace={namespace}")["items"]
    addresses = {service["status"]["loadBalancer"]["ingress"][0]["ip"] for service in services}
    assert len(addresses) == 3
    assert {address.rpartition(".")[0] for address in addresses} == {"198.51.100"}


def test_a_restricted_namespace_refuses_a_privileged_pod(cluster: Cluster, namespace: str) -> None:
    pod = {"containers": [{**_CONTAINER, "securityContext": {"privileged": True}}]}
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "it", "namespace": namespace}, "spec": pod}

    with pytest.raises(AssertionError, match='violates PodSecurity "restricted:latest": privileged'):
        _apply(cluster, document)


def test_a_certificate_is_marked_ready_as_simulated(cluster: Cluster, namespace: str) -> None:
    spec = {"secretName": "it", "dnsNames": ["it.example"], "issuerRef": {"name": "any"}}
    metadata = {"name": "it", "namespace": namespace}
    _apply(cluster, {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": metadata, "spec": spec})

    _wait(cluster, namespace, "certificate/it", "condition=Ready")

    (condition,) = _get(cluster, "certificate/it", f"--namespace={namespace}")["status"]["conditions"]
    assert condition["reason"] == "Simulated"


def test_gateway_resources_are_served(cluster: Cluster) -> None:
    listed = _kubectl(cluster, "api-resources", "--api-group=gateway.networking.k8s.io", "-oname").split()

    assert {name.partition(".")[0] for name in listed} >= {"gateways", "gatewayclasses", "httproutes"}


def test_a_second_up_changes_no_process(cluster: Cluster, cluster_tools: ClusterTools, work: Path) -> None:
    before = {process.pid for process in processes.of(cluster)}

    assert up(cluster.name, cluster_tools, work=work) == cluster

    assert {process.pid for process in processes.of(cluster)} == before


def test_clusters_live_side_by_side_and_go_without_a_trace(
    cluster: Cluster, cluster_tools: ClusterTools, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_the_user = work / "kubeconfig-of-the-user"
    monkeypatch.setenv("KUBECONFIG", str(of_the_user))
    # The name continues the other's: whoever compares beginnings takes one for the other.
    second = up(f"{cluster.name}-2", cluster_tools, work=work)
    uids = {_get(each, "namespace/kube-system")["metadata"]["uid"] for each in (cluster, second)}
    assert len(uids) == 2
    assert len(processes.of(second)) == 5

    down(second.name, work=work)
    down(second.name, work=work)

    assert processes.of(second) == []
    assert not second.folder.exists()
    assert not of_the_user.exists()
    assert running(cluster.name, work=work) == cluster
    assert Api.of(cluster).answers()


def test_a_cluster_whose_processes_died_is_started_again_with_its_data(
    cluster: Cluster, cluster_tools: ClusterTools, namespace: str, work: Path
) -> None:
    _apply(cluster, _workload("Deployment", namespace, {}, replicas=1))
    _wait(cluster, namespace, "deployment/it", "condition=Available")
    (cluster.state / "kept").touch()
    processes.end(cluster)
    assert running(cluster.name, work=work) is None

    up(cluster.name, cluster_tools, work=work)

    assert (cluster.state / "kept").exists()
    _kubectl(cluster, "scale", "deployment/it", "--replicas=4", f"--namespace={namespace}")
    _wait(cluster, namespace, "deployment/it", "jsonpath={.status.readyReplicas}=4")
