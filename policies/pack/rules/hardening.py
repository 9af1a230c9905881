"""Hardening: what each pod may do, and what it says about itself."""

from collections.abc import Iterator

from policies.pack import images
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.values import Value
from policies.pack.workloads import Container, Workload

_VOLUMES = frozenset(
    {"name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
_ADDED_CAPABILITIES = frozenset({"NET_BIND_SERVICE"})
_PROFILES = frozenset({"RuntimeDefault", "Localhost"})
_HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")


@rule(
    "pods-are-restricted",
    severity=Severity.HIGH,
    remedy="Meet Pod Security's level restricted, with a read-only root file system as well.",
)
def pods_are_restricted(stack: StackView, _: Options) -> Iterator[Finding]:
    """Pods meet Pod Security's level restricted, and write only to volumes."""
    for workload in stack.workloads:
        if not workload.containers:
            yield Finding(workload.resource, "has no containers that can be seen")
        for problem in _pod_problems(workload.pod):
            yield Finding(workload.resource, problem)
        for container in workload.containers:
            for problem in _container_problems(workload.pod, container):
                yield Finding(workload.resource, f"{problem} in container {container.name}")


def _pod_problems(pod: Value) -> Iterator[str]:
    for name in _HOST_NAMESPACES:
        if _on(pod[name]):
            yield f"sets {name}"
    for volume in pod["volumes"]:
        if unusual := sorted(volume.fields.keys() - _VOLUMES):
            yield f"mounts a volume of type {unusual[0]}"
    if pod["ephemeralContainers"].given:
        yield "has ephemeral containers"
    if list(pod.at("securityContext", "sysctls")):
        yield "sets sysctls"


def _container_problems(pod: Value, container: Container) -> Iterator[str]:
    yield from _identity_problems(pod["securityContext"], container.properties["securityContext"])
    yield from _privilege_problems(container.properties["securityContext"])
    if any(port["hostPort"].given for port in container.properties["ports"]):
        yield "opens a port of its host"


def _identity_problems(shared: Value, own: Value) -> Iterator[str]:
    def effective(name: str) -> Value:
        return own[name] if own[name].given else shared[name]

    if effective("runAsNonRoot").flag is not True:
        yield "may run as root"
    if effective("runAsUser").given and not effective("runAsUser").number:
        yield "runs as user 0"
    if effective("seccompProfile")["type"].text not in _PROFILES:
        yield "has no seccomp profile"


def _privilege_problems(own: Value) -> Iterator[str]:
    if own["allowPrivilegeEscalation"].flag is not False:
        yield "may gain privileges"
    if own["readOnlyRootFilesystem"].flag is not True:
        yield "writes to its root file system"
    if _on(own["privileged"]):
        yield "is privileged"
    if own["procMount"].given and own["procMount"].text != "Default":
        yield "unmasks /proc"
    if "ALL" not in own.at("capabilities", "drop").words:
        yield "keeps capabilities"
    added = own.at("capabilities", "add")
    if added.hidden or not set(added.words) <= _ADDED_CAPABILITIES:
        yield "adds capabilities"


def _on(switch: Value) -> bool:
    return switch.given and switch.flag is not False


@rule(
    "images-are-pinned",
    severity=Severity.HIGH,
    remedy="Name a digest, or a tag other than latest.",
)
def images_are_pinned(stack: StackView, _: Options) -> Iterator[Finding]:
    """All pods of a workload run the same image, today and tomorrow."""
    for workload, container in _containers(stack):
        reference = images.parse(container.image)
        if reference.digest is None and reference.tag in {None, "latest"}:
            image = container.image or "that cannot be seen"
            yield Finding(workload.resource, f"has an image that is not pinned ({image}) in container {container.name}")


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
        for volume in workload.pod["volumes"]:
            if any(source["serviceAccountToken"].given for source in volume.at("projected", "sources")):
                yield Finding(workload.resource, "projects a token of its service account")


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
    remedy="Set requests for cpu and memory, and a limit for memory.",
)
def containers_state_resources(stack: StackView, _: Options) -> Iterator[Finding]:
    """A container says what it needs, and cannot take the memory of others."""
    for workload, container in _containers(stack):
        resources = container.properties["resources"]
        wanted = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))
        for kind, what in wanted:
            if not resources[kind][what].given:
                yield Finding(workload.resource, f"has no {kind}.{what} in container {container.name}")


@rule(
    "containers-are-probed",
    severity=Severity.MEDIUM,
    remedy="Add a readiness probe and a liveness probe, or to a sidecar without ports a startup probe.",
)
def containers_are_probed(stack: StackView, _: Options) -> Iterator[Finding]:
    """Requests reach only pods that answer, and pods that never will again are replaced."""
    for workload, container in _containers(stack):
        if workload.ends or container.initial:
            continue
        # Nobody sends requests to a sidecar without ports; it need only be up before those that it serves.
        inward = container.sidecar and not container.ports
        for probe in ("startupProbe",) if inward else ("readinessProbe", "livenessProbe"):
            if not container.properties[probe].given:
                yield Finding(workload.resource, f"has no {probe} in container {container.name}")


def _containers(stack: StackView) -> Iterator[tuple[Workload, Container]]:
    return ((workload, container) for workload in stack.workloads for container in workload.containers)
