"""CPU that simulated pods are said to use, told to autoscalers as that of real ones is.

kwok answers in the place of the nodes' kubelets; the metrics-server that asks them is a real one.
"""

import contextlib
import http.client
import json
import socket
import subprocess
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

from tests.cluster.live import Client, JsonObject, RefusedError
from tools.cluster import Cluster, contents, kwokctl
from tools.cluster.api import Api, wait_until

RESOLUTION_SECONDS = 10
"""How often metrics-server asks: the least that it accepts. What it tells is the mean between two answers."""

_METRICS = contents.Source(
    "kwok",
    "sigs.k8s.io/kwok",
    ("kustomize/metrics/resource/metrics-resource.yaml", "kustomize/metrics/usage/usage-from-annotation.yaml"),
)
_USAGE = "kwok.x-k8s.io/usage-cpu"
_PATH = "metrics.k8s.io/resource-metrics-path"
# kwokctl's own record of the components, which it starts them by.
_PERIOD = "  - --node-monitor-period=5s\n"
_SOONER = f"{_PERIOD}  - --horizontal-pod-autoscaler-sync-period=2s\n"
_SERVICE = "/api/v1/namespaces/kube-system/services"
_API = "/apis/apiregistration.k8s.io/v1/apiservices"
_NAME = "v1beta1.metrics.k8s.io"


@contextlib.contextmanager
def metered(cluster: Cluster, client: Client, metrics_server: Path) -> Iterator[None]:
    """Have pods' usage measured while the block runs, and autoscalers look at it every 2 s instead of every 15."""
    record = cluster.folder / "kwok.yaml"
    usual = record.read_text(encoding="utf-8")
    assert _PERIOD in usual
    try:
        _restart(cluster, f"{usual.replace(_PERIOD, _SOONER)}\n---\n{contents.from_modules((_METRICS,))}")
        for node in client.items("/api/v1/nodes"):
            _announce(client, node["metadata"]["name"])
        with _server(cluster, metrics_server) as port:
            _register(client, port)
            wait_until("metrics to be served", lambda: _served(cluster), seconds=90)
            yield
    finally:
        for path in (f"{_API}/{_NAME}", f"{_SERVICE}/metrics-server"):
            with contextlib.suppress(RefusedError):
                client.delete(path)
        _restart(cluster, usual)


def _served(cluster: Cluster) -> bool:
    status, answer = Api.of(cluster).get("/apis/metrics.k8s.io/v1beta1/pods")
    return status == http.client.OK and bool(json.loads(answer)["items"])


def use(client: Client, pods: Iterable[JsonObject], cores: Fraction) -> None:
    """Have pods use `cores` of CPU, shared evenly."""
    found = list(pods)
    each = {_USAGE: f"{int(cores / len(found) * 1000)}m"}
    for pod in found:
        metadata = pod["metadata"]
        # One that goes meanwhile takes its share with it, until the next time.
        with contextlib.suppress(RefusedError):
            path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
            client.merge(path, {"metadata": {"annotations": each}})


def _restart(cluster: Cluster, record: str) -> None:
    (cluster.folder / "kwok.yaml").write_text(record, encoding="utf-8")
    kwokctl.restart(cluster, "kwok-controller", "kube-controller-manager")


def _announce(client: Client, node: str) -> None:
    """Tell metrics-server where to ask for a node."""
    path = f"/api/v1/nodes/{node}"
    client.merge(path, {"metadata": {"annotations": {_PATH: f"/metrics/nodes/{node}/metrics/resource"}}})
    # A node that was lost comes back without any.
    client.merge(f"{path}/status", {"status": {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}]}})


@contextlib.contextmanager
def _server(cluster: Cluster, program: Path) -> Iterator[int]:
    """A metrics-server, and its port. It is one of the cluster's processes, and ends with them at the latest."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    link = cluster.folder / "bin" / "metrics-server"
    link.unlink(missing_ok=True)
    link.symlink_to(program)
    kubeconfig, pki = cluster.folder / "kubeconfig.yaml", cluster.folder / "pki"
    options = [
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--tls-cert-file={pki}/admin.crt",
        f"--tls-private-key-file={pki}/admin.key",
        "--kubelet-insecure-tls",
        "--kubelet-use-node-status-port",
        "--kubelet-preferred-address-types=InternalIP",
        f"--metric-resolution={RESOLUTION_SECONDS}s",
        f"--kubelet-request-timeout={RESOLUTION_SECONDS - 1}s",
    ]
    with (
        (cluster.folder / "logs" / "metrics-server.log").open("wb") as log,
        subprocess.Popen([link, *options], stdout=log, stderr=log) as server,
    ):
        try:
            yield port
        finally:
            server.kill()


def _register(client: Client, port: int) -> None:
    ports = [{"port": port, "targetPort": port, "protocol": "TCP"}]
    service = {"type": "ExternalName", "externalName": "localhost", "ports": ports}
    client.post(_SERVICE, {"metadata": {"name": "metrics-server"}, "spec": service})
    api = {
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
        "service": {"name": "metrics-server", "namespace": "kube-system", "port": port},
    }
    client.post(_API, {"metadata": {"name": _NAME}, "spec": api})
