"""The cluster that a stack describes: found without the ambient context, checked, and never exchanged for another."""

import json
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

import pulumi
import pulumi_kubernetes as k8s

from model.limits import SUPPORTED_KUBERNETES
from settings.platform import TargetSettings

UID_OUTPUT = "clusterUid"
"""Stack output in which a stack remembers its cluster."""

_TIMEOUT_SECONDS = 20
_KUBE_SYSTEM = "/api/v1/namespaces/kube-system"


class TargetError(Exception):
    """No usable cluster. Its text names the setting and the remedy."""


@dataclass(frozen=True)
class Target:
    """A cluster that answers. `uid` is that of its kube-system namespace, which no other cluster has."""

    kubeconfig: str
    context: str
    uid: str


def find_target(settings: TargetSettings, environment: Mapping[str, str]) -> Target:
    """The cluster that `settings`, or else `environment`, names.

    Raises:
        TargetError: none is named, it does not answer, or its Kubernetes is older than supported.
    """
    kubeconfig = settings.kubeconfig or environment.get("TRACARDI_KUBECONFIG")
    context = settings.context or environment.get("TRACARDI_KUBE_CONTEXT")
    if not kubeconfig or not context:
        missing = "tracardi:target.kubeconfig" if not kubeconfig else "tracardi:target.context"
        raise TargetError(
            f"{missing}\n  value:  not set\n  limit:  needed: the current kubectl context is never used\n"
            '  remedy: Use make, run eval "$(make -s env)" first, or set tracardi:target in the stack file.'
        )
    # Asked at once: each question is a process of its own, and every preview waits for them.
    with ThreadPoolExecutor() as both:
        asked = [both.submit(_get, kubeconfig, context, path) for path in ("/version", _KUBE_SYSTEM)]
        version, system = (answer.result() for answer in asked)
    found = (int(str(version["major"])), int(str(version["minor"]).rstrip("+")))
    if found < SUPPORTED_KUBERNETES:
        oldest = ".".join(map(str, SUPPORTED_KUBERNETES))
        raise TargetError(
            f"tracardi:target.context\n  value:  {context}, which runs Kubernetes {found[0]}.{found[1]}\n"
            f"  limit:  {oldest} or newer\n  remedy: Upgrade the cluster, or choose another."
        )
    return Target(kubeconfig=kubeconfig, context=context, uid=str(system["metadata"]["uid"]))


def connect(target: Target, remembered: pulumi.Output[str | None]) -> k8s.Provider:
    """The provider for `target`. Nothing is registered with it before the stack's memory of its cluster agrees."""
    return k8s.Provider(
        "cluster",
        kubeconfig=remembered.apply(lambda uid: _same_cluster(target, uid)),
        context=target.context,
        cluster_identifier=target.uid,
        enable_server_side_apply=True,
        # Their names are fixed, so a replacement would be deleted first, and pods that start just then would find none.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
    )


def remembered_cluster() -> pulumi.Output[str | None]:
    """The `uid` of the cluster that this stack was last deployed to; None before its first deployment."""
    own = pulumi.StackReference(f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}")
    return cast("pulumi.Output[str | None]", own.get_output(UID_OUTPUT))


def _same_cluster(target: Target, remembered: str | None) -> str:
    if remembered is not None and remembered != target.uid:
        raise pulumi.RunError(
            f"tracardi:target.context\n  value:  {target.context}, the cluster with kube-system UID {target.uid}\n"
            f"  limit:  this stack describes another cluster, with UID {remembered}; nothing was changed\n"
            "  remedy: Choose the stack's own cluster, or a stack of its own for this one."
        )
    return target.kubeconfig


def ask(target: Target, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What kubectl answers about `target`; the caller judges the status.

    Raises:
        TargetError: no answer in time, or no kubectl.
    """
    return _kubectl(target.kubeconfig, target.context, *arguments)


def _get(kubeconfig: str, context: str, path: str) -> dict[str, Any]:
    answer = _kubectl(kubeconfig, context, "get", "--raw", path)
    if answer.returncode:
        raise _silent(kubeconfig, context, answer.stderr)
    return dict(json.loads(answer.stdout))


def _kubectl(kubeconfig: str, context: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["kubectl", f"--kubeconfig={kubeconfig}", f"--context={context}", *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=False, text=True, timeout=_TIMEOUT_SECONDS)
    except FileNotFoundError as problem:
        raise TargetError('kubectl is not on PATH. Install it, or run eval "$(make -s env)" first.') from problem
    except subprocess.TimeoutExpired as problem:
        raise _silent(kubeconfig, context, "no answer in time") from problem


def _silent(kubeconfig: str, context: str, told: str) -> TargetError:
    return TargetError(
        f"tracardi:target.context\n  value:  {context} in {kubeconfig}\n"
        f"  limit:  the cluster does not answer: {told.strip()}\n"
        "  remedy: Start it (make cluster-up for the embedded one), or correct kubeconfig and context."
    )
