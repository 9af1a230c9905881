"""Pods of the tests' own: strangers, and pods that stand in the installation's namespaces."""

import contextlib
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus

from components.context import context_of
from model.images import Software
from model.roles import Role, Tier
from tests.cluster.live import JsonObject, RefusedError, condition
from tests.real.site import Installation
from tests.unit.stacks import settings_of
from tools.cluster.api import wait_until

STRANGERS = "strangers"
"""A namespace without any policy."""

_AT_ONCE = "?gracePeriodSeconds=0"
_SECONDS = 60


@contextlib.contextmanager
def visitors(installation: Installation) -> Iterator[None]:
    """Pods without a role, outside the installation and in each of its namespaces, and one labelled as the Job."""
    context = context_of(settings_of(installation.configuration))
    namespaces = (STRANGERS, *(installation.namespace(tier) for tier in Tier))
    job = idle(installation, installation.namespace(Tier.CONSOLE), "installer", context.labels(Role.INSTALLATION))
    nobodies = [idle(installation, namespace, "nobody", {}) for namespace in namespaces]
    with _namespace(installation), running(installation, job, *nobodies):
        yield


@contextlib.contextmanager
def stranger(installation: Installation) -> Iterator[JsonObject]:
    """A pod in a namespace without any policy."""
    with _namespace(installation), running(installation, idle(installation, STRANGERS, "stranger", {})) as (pod,):
        yield pod


@contextlib.contextmanager
def running(installation: Installation, *manifests: JsonObject) -> Iterator[list[JsonObject]]:
    """Pods that are ready, for a `with` block."""
    client = installation.client
    paths = [f"/api/v1/namespaces/{each['metadata']['namespace']}/pods" for each in manifests]
    own = [f"{path}/{each['metadata']['name']}" for path, each in zip(paths, manifests, strict=True)]
    with contextlib.ExitStack() as undo:
        for path, one, manifest in zip(paths, own, manifests, strict=True):
            client.post(path, manifest)
            undo.callback(_wait_for_the_end, installation, one)
        for one in own:
            undo.callback(client.delete, f"{one}{_AT_ONCE}")
        for one in own:
            wait_until(f"{one} to be ready", partial(_is_ready, installation, one), seconds=_SECONDS)
        yield [client.get(one) for one in own]


def idle(installation: Installation, namespace: str, name: str, labels: dict[str, str]) -> JsonObject:
    """A pod that does nothing, as hardened as the installation's namespaces want it."""
    context = context_of(settings_of(installation.configuration))
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "automountServiceAccountToken": False,
            "containers": [
                {
                    "name": "idle",
                    "image": str(context.image(Software.HAPROXY)),
                    "command": ["sleep", "infinity"],
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": 65532,
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                }
            ],
        },
    }


@contextlib.contextmanager
def _namespace(installation: Installation) -> Iterator[None]:
    client, path = installation.client, "/api/v1/namespaces"
    own = f"{path}/{STRANGERS}"
    # An earlier one takes its time to go.
    _wait_for_the_end(installation, own)
    client.post(path, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": STRANGERS}})
    try:
        yield
    finally:
        client.delete(own)


def _wait_for_the_end(installation: Installation, path: str) -> None:
    wait_until(f"{path} to be gone", lambda: not _exists(installation, path), seconds=_SECONDS)


def _is_ready(installation: Installation, path: str) -> bool:
    return condition(installation.client.get(path), "Ready") == "True"


def _exists(installation: Installation, path: str) -> bool:
    try:
        installation.client.get(path)
    except RefusedError as refused:
        if refused.status != HTTPStatus.NOT_FOUND:
            raise
        return False
    return True
