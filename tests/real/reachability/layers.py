"""What keeps strangers out, layer by layer, each to be switched off and on while everything runs."""

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from model.roles import Role, Tier
from tests.cluster.live import JsonObject
from tests.real.site import Installation, Machine
from tools.cluster.api import wait_until

_SECONDS = 30
_CONFIGURATION = Path("etc/haproxy/haproxy.cfg")
_LIST = re.compile(r"^    (acl trusted src|tcp-request connection reject unless trusted).*\n", re.MULTILINE)
_PATHS = re.compile(
    r"^    (acl \S+-(path|method) |http-request deny deny_status 40[45] (unless|if) \S+-path).*\n", re.MULTILINE
)


class Layer(StrEnum):
    """What stands between strangers and the entries that are for trusted networks."""

    RANGES = "source ranges"
    POLICIES = "policies"
    LIST = "allow list"


class Layers:
    """The layers before the entries of the console; all of them stand at first, and at the end of a `with` block."""

    def __init__(self, installation: Installation, *roles: Role) -> None:
        """`roles` are the entries' balancers."""
        self._break: Mapping[Layer, Callable[[], AbstractContextManager[None]]] = {
            Layer.RANGES: lambda: without_source_ranges(installation, *roles),
            Layer.POLICIES: lambda: without_policies(installation, Tier.CONSOLE),
            Layer.LIST: lambda: without_source_list(installation, *roles),
        }
        self._broken: dict[Layer, AbstractContextManager[None]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave(frozenset(Layer))

    def leave(self, standing: frozenset[Layer]) -> None:
        """Break every layer but these, and put up what of these is broken."""
        for layer in Layer:
            if layer in standing and layer in self._broken:
                self._broken.pop(layer).__exit__(None, None, None)
            elif layer not in standing and layer not in self._broken:
                self._broken[layer] = self._break[layer]()
                self._broken[layer].__enter__()


@contextlib.contextmanager
def without_source_ranges(installation: Installation, *roles: Role) -> Iterator[None]:
    """The entries' Services admit everybody, for a `with` block."""
    with contextlib.ExitStack() as undo:
        for role in roles:
            path = f"/api/v1/namespaces/{installation.namespace(role.tier)}/services/{role}-entry"
            before = installation.client.get(path)
            ranges = before["spec"]["loadBalancerSourceRanges"]
            undo.callback(_disown, installation, path, before)
            undo.callback(installation.client.merge, path, {"spec": {"loadBalancerSourceRanges": ranges}})
            installation.client.merge(path, {"spec": {"loadBalancerSourceRanges": None}})
        yield


@contextlib.contextmanager
def without_policies(installation: Installation, tier: Tier) -> Iterator[None]:
    """The NetworkPolicies of a namespace say nothing, for a `with` block.

    Policies add up: one that opens everything is as good as none.
    """
    path = f"/apis/networking.k8s.io/v1/namespaces/{installation.namespace(tier)}/networkpolicies"
    spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}]}
    metadata = {"name": "everything-is-open"}
    manifest = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
    installation.client.post(path, manifest)
    try:
        yield
    finally:
        installation.client.delete(f"{path}/{metadata['name']}")


@contextlib.contextmanager
def without_source_list(installation: Installation, *roles: Role) -> Iterator[None]:
    """Balancers take connections of everybody, for a `with` block."""
    with _rewritten(installation, lambda text: _LIST.sub("", text), roles):
        yield


@contextlib.contextmanager
def without_path_list(installation: Installation) -> Iterator[None]:
    """The public balancers let every path and method pass, for a `with` block."""
    with _rewritten(installation, lambda text: _PATHS.sub("", text), (Role.TRACK_BALANCER,)):
        yield


@contextlib.contextmanager
def _rewritten(installation: Installation, change: Callable[[str], str], roles: tuple[Role, ...]) -> Iterator[None]:
    with contextlib.ExitStack() as undo:
        for role in roles:
            path = f"/api/v1/namespaces/{installation.namespace(role.tier)}/configmaps/{role}"
            before = installation.client.get(path)
            text = before["data"]["haproxy.cfg"]
            changed = change(text)
            assert changed != text, f"{role} has no such list"
            undo.callback(_disown, installation, path, before)
            undo.callback(_configure, installation, role, path, text)
            _configure(installation, role, path, changed)
        yield


def _disown(installation: Installation, path: str, before: JsonObject) -> None:
    """Give fields of an object back to whoever had them: the stack may not change what others have changed."""
    installation.client.merge(path, {"metadata": {"managedFields": before["metadata"]["managedFields"]}})


def _configure(installation: Installation, role: Role, path: str, text: str) -> None:
    """Have the balancers of a role load this text, without a new pod."""
    machine = installation.machine
    installation.client.merge(path, {"data": {"haproxy.cfg": text}})
    pods = installation.pods(role)
    for pod in pods:
        metadata = pod["metadata"]
        own = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        # Without it the kubelet looks at the ConfigMap about once a minute.
        installation.client.merge(own, {"metadata": {"annotations": {"tests/generation": str(time.time_ns())}}})
    for pod in pods:
        wait_until(f"{role} to see its configuration", partial(_sees, machine, pod, text), seconds=_SECONDS)
        os.kill(_master(machine, pod), signal.SIGUSR2)


def _sees(machine: Machine, pod: JsonObject, text: str) -> bool:
    return (Path(f"/proc/{_master(machine, pod)}/root") / _CONFIGURATION).read_text(encoding="utf-8") == text


def _master(machine: Machine, pod: JsonObject) -> int:
    """The process that starts HAProxy's workers: the only HAProxy whose parent is none."""
    found = {pid for pid in machine.processes(pod["metadata"]["uid"]) if _command(pid).startswith(b"haproxy\0")}
    (master,) = [pid for pid in found if _parent(pid) not in found]
    return master


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _parent(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))
