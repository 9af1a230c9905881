"""What a cluster is furnished with: nodes, the stages that simulate, and definitions of custom resources.

kwok's stages and the definitions come from the Go modules that publish them, checked against the `go.sum` files under
`tools/go`. A copy is kept in the cache, so that a later cluster needs neither Go nor its module cache.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError
from tools.layout import cache_dir, repository

ZONES = ("zone-a", "zone-b", "zone-c")
COUNT = 6
"""How many simulated nodes, unless somebody says."""
MOST = 200
"""Each has a /24 of a /16 for its pods."""

STAGES = {"kwok.x-k8s.io/v1alpha1": frozenset({"Stage"})}
"""What kwokctl makes a new cluster serve: the documents need it."""

CUSTOM_KINDS = {
    "cert-manager.io/v1": frozenset({"Certificate", "CertificateRequest", "ClusterIssuer", "Issuer"}),
    "gateway.networking.k8s.io/v1": frozenset({"BackendTLSPolicy", "Gateway", "GatewayClass", "HTTPRoute"}),
    "gateway.networking.k8s.io/v1beta1": frozenset({"ReferenceGrant"}),
}
"""Kinds that a furnished cluster serves beyond Kubernetes' own, by group and version."""

_MANIFESTS = Path(__file__).parent / "manifests"


@dataclass(frozen=True)
class Source:
    """Files of a Go module: the folder under `tools/go` that pins and checks it, its path, and the files."""

    pin: str
    module: str
    files: tuple[str, ...]


# Left out: cert-manager's ACME internals and GRPCRoute, which nothing here uses and every API server start pays for.
_SOURCES = (
    Source(
        "kwok",
        "sigs.k8s.io/kwok",
        (
            "kustomize/stage/node/fast/node-initialize.yaml",
            "kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
            "kustomize/stage/pod/fast/pod-ready.yaml",
            "kustomize/stage/pod/fast/pod-complete.yaml",
            "kustomize/stage/pod/fast/pod-delete.yaml",
        ),
    ),
    Source(
        "crds",
        "github.com/cert-manager/cert-manager",
        tuple(
            f"deploy/crds/cert-manager.io_{kind}.yaml"
            for kind in ("certificaterequests", "certificates", "clusterissuers", "issuers")
        ),
    ),
    Source(
        "crds",
        "sigs.k8s.io/gateway-api",
        tuple(
            f"config/crd/standard/gateway.networking.k8s.io_{kind}.yaml"
            for kind in ("backendtlspolicies", "gatewayclasses", "gateways", "httproutes", "referencegrants")
        ),
    ),
)


def digest(count: int = COUNT) -> str:
    """Changes whenever the contents of a newly furnished cluster, with so many nodes, would."""
    known = hashlib.sha256()
    for part in (nodes(count), _own(), repr(_SOURCES), _pins()):
        known.update(part.encode())
    return known.hexdigest()


def documents(count: int = COUNT) -> str:
    """All that a new cluster with so many nodes is furnished with, as a stream of YAML documents. Raises ToolError."""
    return f"{nodes(count)}\n---\n{_own()}\n---\n{from_modules()}"


def custom_kinds() -> str:
    """YAML documents of the definitions of custom resources alone: for clusters that simulate nothing."""
    return from_modules(tuple(source for source in _SOURCES if source.pin == "crds"))


def refuse_number(number: int) -> None:
    """Raise ToolError unless a cluster may have so many simulated nodes."""
    if not 1 <= number <= MOST:
        raise ToolError(f"{number} nodes: a cluster has 1 to {MOST} simulated ones. Give another COUNT.")


def nodes(count: int = COUNT) -> str:
    """The nodes, as one JSON document. They name no address: kwok gives them the machine's loopback."""
    names = [
        (zone, f"{zone.removeprefix('zone-')}{number + 1}")
        for index, zone in enumerate(ZONES)
        for number in range(len(range(index, count, len(ZONES))))
    ]
    items = [_node(zone, f"worker-{name}", pods=f"10.244.{index}.0/24") for index, (zone, name) in enumerate(names, 1)]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def from_modules(sources: Sequence[Source] = _SOURCES) -> str:
    """YAML documents from the Go modules: out of the cache, else fetched by Go. Raises ToolError."""
    # A part of the toolchain: `tools.toolchain clean` removes it with the rest.
    key = hashlib.sha256(f"{sources!r}{_pins()}".encode()).hexdigest()[:20]
    copy = cache_dir() / "toolchain" / "manifests" / f"{key}.yaml"
    if not copy.exists():
        text = "\n---\n".join((_folder(s) / file).read_text() for s in sources for file in s.files)
        copy.parent.mkdir(parents=True, exist_ok=True)
        draft = copy.with_suffix(f".{os.getpid()}")
        draft.write_text(text)
        draft.replace(copy)
    return copy.read_text()


def _node(zone: str, name: str, pods: str) -> dict[str, object]:
    capacity = {"cpu": "8", "memory": "32Gi", "ephemeral-storage": "100Gi", "pods": "110"}
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": "embedded",
        "topology.kubernetes.io/zone": zone,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}},
        "spec": {"podCIDR": pods, "podCIDRs": [pods]},
        "status": {"capacity": capacity, "allocatable": capacity},
    }


def _own() -> str:
    return "\n---\n".join(file.read_text() for file in sorted(_MANIFESTS.glob("*.yaml")))


def _pins() -> str:
    folders = sorted({_module(source) for source in _SOURCES})
    return "".join((folder / file).read_text() for folder in folders for file in ("go.mod", "go.sum"))


def _module(source: Source) -> Path:
    return repository() / "tools" / "go" / source.pin


def _folder(source: Source) -> Path:
    command = ["go", "mod", "download", "-json", source.module]
    environment = os.environ | {"GOFLAGS": "-mod=readonly", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    try:
        done = subprocess.run(
            command, cwd=_module(source), env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise ToolError(
            f"the embedded cluster needs files of the Go module {source.module}, and there is no go on PATH. "
            "Install Go, or use a cluster of your own with KUBE_CONTEXT=name."
        ) from error
    if done.returncode != 0:
        raise ToolError(f"go cannot fetch {source.module}:\n{(done.stderr or done.stdout).strip()}")
    return Path(json.loads(done.stdout)["Dir"])
