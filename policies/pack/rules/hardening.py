"""Hardening: what each pod may do, and what it says that it needs."""

from collections.abc import Iterator

from policies.pack.kubernetes.quantities import quantity
from policies.pack.kubernetes.restricted import container_problems, pod_problems
from policies.pack.kubernetes.workloads import Workload
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.values import Value

_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a kind of Secret, not a secret
_IDENTITIES = {"serviceAccountToken": "a token", "podCertificate": "a certificate"}


@rule(
    "pods-are-restricted",
    severity=Severity.HIGH,
    remedy="Meet Pod Security's level restricted, with a read-only root file system and processes of each container's "
    "own as well.",
)
def pods_are_restricted(stack: StackView, _: Options) -> Iterator[Finding]:
    """Pods meet Pod Security's level restricted, and write only to volumes."""
    for workload in stack.workloads:
        if not list(workload.pod["containers"]):
            yield Finding(workload.resource, "has no containers that can be seen")
        for problem in pod_problems(workload.template):
            yield Finding(workload.resource, problem)
        for container in workload.containers:
            for problem in container_problems(workload.pod, container.properties):
                yield Finding(workload.resource, f"{problem} in container {container.name}")


@rule(
    "no-service-account-token",
    severity=Severity.MEDIUM,
    remedy="Set automountServiceAccountToken: false, and project no token: no part of Tracardi talks to Kubernetes.",
)
def no_service_account_token(stack: StackView, _: Options) -> Iterator[Finding]:
    """No pod holds a token for Kubernetes' API."""
    for workload in stack.workloads:
        if workload.pod["automountServiceAccountToken"].flag is not False:
            yield Finding(workload.resource, "mounts the token of its service account")
        for problem in sorted(set(_projected(workload))):
            yield Finding(workload.resource, problem)
    for secret in stack.of_kind("Secret"):
        if secret.properties["type"].text == _TOKEN or secret.properties["type"].hidden:
            yield Finding(secret, "may hold a token of a service account, which never expires")


def _projected(workload: Workload) -> Iterator[str]:
    for volume in workload.pod["volumes"]:
        projected = volume["projected"]
        sources = projected["sources"]
        if projected.hidden or sources.hidden or any(source.hidden for source in sources):
            yield "projects what cannot be seen"
        for kind, what in _IDENTITIES.items():
            if any(source[kind].given for source in sources):
                yield f"projects {what} of its service account"


@rule(
    "no-service-links",
    severity=Severity.HIGH,
    remedy="Set enableServiceLinks: false: a Service called redis would set REDIS_PORT to tcp://..., at which Tracardi "
    "stops.",
)
def no_service_links(stack: StackView, _: Options) -> Iterator[Finding]:
    """Kubernetes adds no variables to the environment of a pod."""
    for workload in stack.workloads:
        if workload.pod["enableServiceLinks"].flag is not False:
            yield Finding(workload.resource, "has service links")


@rule(
    "containers-state-resources",
    severity=Severity.MEDIUM,
    remedy="Set requests for cpu and memory, and a limit for memory, each more than nothing and no request above its "
    "limit.",
)
def containers_state_resources(stack: StackView, _: Options) -> Iterator[Finding]:
    """A container says what it needs, and cannot take the memory of others."""
    for workload in stack.workloads:
        for container in workload.containers:
            for problem in _resource_problems(container.properties["resources"]):
                yield Finding(workload.resource, f"{problem} in container {container.name}")


def _resource_problems(resources: Value) -> Iterator[str]:
    requests, limits = resources["requests"], resources["limits"]
    for kind, what, value in (
        # Kubernetes asks for the limit where nothing is asked for.
        ("requests", "cpu", requests["cpu"] if requests["cpu"].given else limits["cpu"]),
        ("requests", "memory", requests["memory"] if requests["memory"].given else limits["memory"]),
        ("limits", "memory", limits["memory"]),
    ):
        amount = quantity(value)
        if not value.given or amount is None or amount <= 0:
            shape = "" if not value.given else " that can be read" if amount is None else " above zero"
            yield f"has no {kind}.{what}{shape}"
    for what in ("cpu", "memory"):
        asked, most = quantity(requests[what]), quantity(limits[what])
        if asked is not None and most is not None and asked > most:
            yield f"asks for more {what} than its limit"
