"""Pods of Jobs, in the hands of tests: simulated nodes would have each of them succeed at once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.live import JsonObject
from tests.cluster.stacks import Deployment
from tools.cluster.api import wait_until

_POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
_BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"


@contextmanager
def not_simulated(deployment: Deployment, role: str) -> Iterator[None]:
    """Nobody but the test says what becomes of the pods of `role`."""
    name = f"{role}-is-not-simulated"
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["pods/status"]}
    mine = f"object.metadata.?labels['app.kubernetes.io/component'].orValue('') == '{role}'"
    policy = {
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [pods]},
            "matchConditions": [{"name": "role", "expression": mine}],
            "validations": [{"expression": "!(object.status.?phase.orValue('') in ['Running', 'Succeeded'])"}],
        },
    }
    binding = {"metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}}
    deployment.client.post(_POLICIES, policy)
    deployment.client.post(_BINDINGS, binding)
    try:
        yield
    finally:
        deployment.client.delete(f"{_BINDINGS}/{name}")
        deployment.client.delete(f"{_POLICIES}/{name}")


def jobs(deployment: Deployment, role: str) -> list[JsonObject]:
    """The Jobs of `role`."""
    path = f"/apis/batch/v1/namespaces/{_namespace(deployment)}/jobs"
    return [job for job in deployment.client.items(path) if job["metadata"]["name"].startswith(f"{role}-")]


def pods(deployment: Deployment, role: str) -> list[JsonObject]:
    """The pods of `role`."""
    selector = f"labelSelector=app.kubernetes.io/component%3D{role}"
    return deployment.client.items(f"/api/v1/namespaces/{_namespace(deployment)}/pods?{selector}")


def fail(deployment: Deployment, role: str, message: str, *, disrupted: bool = False) -> None:
    """Once there is a pod of `role`, have its container end with `message`; for a drain, if `disrupted`."""
    wait_until(f"a pod of {role}", lambda: bool(pods(deployment, role)), seconds=120)
    (pod,) = pods(deployment, role)
    (container,) = (each["name"] for each in pod["spec"]["containers"])
    ended = {"exitCode": 137 if disrupted else 1, "reason": "Error", "message": message}
    described = {"name": container, "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    conditions = [
        {"type": "PodScheduled", "status": "True"},
        {"type": "Initialized", "status": "True"},
        {"type": "Ready", "status": "False", "reason": "PodFailed"},
        *([{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}] if disrupted else []),
    ]
    status = {
        "phase": "Failed",
        "conditions": conditions,
        "containerStatuses": [{**described, "state": {"terminated": ended}}],
    }
    path = f"/api/v1/namespaces/{_namespace(deployment)}/pods/{pod['metadata']['name']}/status"
    deployment.client.merge(path, {"status": status})


def ended_well(deployment: Deployment, role: str) -> bool:
    """Whether a pod of `role` has done its work; those that wait are shown to the simulation once more.

    What was refused while they were `not_simulated` it may not try again by itself.
    """
    found = pods(deployment, role)
    for pod in found:
        if pod["status"]["phase"] == "Pending":
            path = f"/api/v1/namespaces/{_namespace(deployment)}/pods/{pod['metadata']['name']}"
            deployment.client.merge(path, {"metadata": {"annotations": {"tests/shown-at": str(time.monotonic())}}})
    return any(pod["status"]["phase"] == "Succeeded" for pod in found)


def _namespace(deployment: Deployment) -> str:
    name = deployment.configuration["tracardi:installation"].get("name", "tracardi")
    return f"{name}-console"
