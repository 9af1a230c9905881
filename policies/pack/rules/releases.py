"""Release facts: settings that stop Tracardi, or let its pods disagree with each other."""

from collections.abc import Iterator

from model.index_shape import shapes_indices
from policies.pack import images
from policies.pack.images import Program
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.workloads import Container, Workload


@rule(
    "api-environment-can-be-read",
    severity=Severity.HIGH,
    remedy="Take variables from ConfigMaps of this stack, in the pod's namespace; name each secret one by itself.",
)
def api_environment_can_be_read(stack: StackView, _: Options) -> Iterator[Finding]:
    """Every variable of an API pod can be looked up; one that is not seen could undo all others."""
    for workload, container in _api_containers(stack):
        for source in container.unreadable_sources:
            yield Finding(workload.resource, f"takes variables from {source} in container {container.name}")


@rule(
    "no-licence-in-open-source",
    severity=Severity.HIGH,
    remedy="Remove the variable, even an empty one: Tracardi would import a package that the open-source image lacks.",
)
def no_licence_in_open_source(stack: StackView, _: Options) -> Iterator[Finding]:
    """Open-source API pods have no variable LICENSE."""
    for workload, container in _api_containers(stack):
        if "LICENSE" in container.environment:
            yield Finding(workload.resource, f"has the variable LICENSE in container {container.name}")


@rule(
    "no-multi-tenancy-in-open-source",
    severity=Severity.HIGH,
    remedy="Remove the variable: with it, Tracardi refuses to be installed.",
)
def no_multi_tenancy_in_open_source(stack: StackView, _: Options) -> Iterator[Finding]:
    """Open-source API pods do not switch multi-tenancy on."""
    for workload, container in _api_containers(stack):
        variable = container.environment.get("MULTI_TENANT")
        if variable is not None and variable.value != "no":
            yield Finding(workload.resource, f"has the variable MULTI_TENANT in container {container.name}")


@rule(
    "redis-port-is-set",
    severity=Severity.MEDIUM,
    remedy="Set REDIS_PORT to a number: the port inside REDIS_HOST is ignored.",
)
def redis_port_is_set(stack: StackView, _: Options) -> Iterator[Finding]:
    """API pods say which port Redis listens on."""
    for workload, container in _api_containers(stack):
        variable = container.environment.get("REDIS_PORT")
        if variable is None or not (variable.value or "").isdecimal():
            yield Finding(workload.resource, f"has no number as REDIS_PORT in container {container.name}")


@rule(
    "one-release",
    severity=Severity.HIGH,
    remedy="Give all of Tracardi's images the same tag: index names depend on the release.",
)
def one_release(stack: StackView, _: Options) -> Iterator[Finding]:
    """The API and the console are of one release, in all pods."""
    found = [
        (workload, container)
        for workload in stack.workloads
        for container in workload.containers
        if container.program in {Program.API, Program.GUI}
    ]
    if not found:
        return
    first, expected = found[0][0], _version(found[0][1])
    for workload, container in found[1:]:
        if (version := _version(container)) != expected:
            yield Finding(workload.resource, f"runs {version}, but {first.label} runs {expected}")


def _version(container: Container) -> str:
    reference = images.parse(container.image)
    return reference.tag or reference.digest or "an image without a tag"


@rule(
    "one-index-shape",
    severity=Severity.HIGH,
    remedy="Take these variables from one source for all API pods: whoever writes computes index names from them.",
)
def one_index_shape(stack: StackView, _: Options) -> Iterator[Finding]:
    """All API pods have the same variables that decide the names and the shape of indices."""
    shapes = [(workload, _shape(container)) for workload, container in _api_containers(stack)]
    for workload, shape in shapes:
        first, expected = shapes[0]
        if hidden := sorted(name for name, value in shape.items() if value is None):
            yield Finding(workload.resource, f"has values that cannot be compared for {', '.join(hidden)}")
        elif differing := sorted(dict(shape.items() ^ expected.items())):
            yield Finding(workload.resource, f"has other values than {first.label} for {', '.join(differing)}")


def _shape(container: Container) -> dict[str, str | None]:
    return {name: variable.value for name, variable in container.environment.items() if shapes_indices(name)}


def _api_containers(stack: StackView) -> Iterator[tuple[Workload, Container]]:
    return (
        (workload, container)
        for workload in stack.running(Program.API)
        for container in workload.serving
        if container.program is Program.API
    )
