"""Release facts: settings that stop Tracardi, or let its pods disagree with each other."""

import re
from collections.abc import Iterator

from model.index_shape import shapes_indices
from policies.pack.kubernetes import images
from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView

_TRACARDI = re.compile(r"(^|/)tracardi/[^/]+$|(^|/)tracardi-(api|gui)[^/]*$")
"""How the names of Tracardi's own images end, those of its jobs and workers included."""


@rule(
    "api-environment-can-be-read",
    severity=Severity.HIGH,
    remedy="Take variables from ConfigMaps of this stack, in the pod's namespace; name each secret one by itself.",
)
def api_environment_can_be_read(stack: StackView, _: Options) -> Iterator[Finding]:
    """Every variable of an API pod can be looked up; one that is not seen could undo all others."""
    for workload, container in tracardi_containers(stack):
        for source in container.unreadable_sources:
            yield Finding(workload.resource, f"takes variables from {source} in container {container.name}")
        hidden = [container.properties["env"], container.properties["envFrom"]]
        if any(part.hidden for part in hidden) or any(
            entry["name"].text is None for entry in container.properties["env"]
        ):
            yield Finding(workload.resource, f"has variables that cannot be seen in container {container.name}")


@rule(
    "no-licence-in-open-source",
    severity=Severity.HIGH,
    remedy="Remove the variable, even an empty one: Tracardi would import a package that the open-source image lacks.",
)
def no_licence_in_open_source(stack: StackView, _: Options) -> Iterator[Finding]:
    """Open-source pods have no variable LICENSE, those of jobs and initial containers included."""
    commercial = _is_commercial(stack)
    for workload, container in tracardi_containers(stack):
        licensed = images.needs_licence(container.image) or (commercial and images.takes_licence(container.image))
        if "LICENSE" in container.environment and not licensed:
            yield Finding(workload.resource, f"has the variable LICENSE in container {container.name}")


def _is_commercial(stack: StackView) -> bool:
    """Whether the API is the commercial edition's."""
    return any(images.needs_licence(container.image) for _, container in api_containers(stack))


@rule(
    "licence-is-secret",
    severity=Severity.CRITICAL,
    remedy="Set LICENSE from a Secret that must be there (valueFrom.secretKeyRef without optional): without it, the "
    "commercial images do not start, and whoever sees it can use it.",
)
def licence_is_secret(stack: StackView, _: Options) -> Iterator[Finding]:
    """Everything of the commercial edition has its licence from a Secret, jobs and workers included."""
    commercial = _is_commercial(stack)
    for workload, container in tracardi_containers(stack):
        variable = container.environment.get("LICENSE")
        # A job may borrow the API's image for a program of its own.
        borrowed = container.program is Program.API and (workload.ends or container.initial)
        needed = images.needs_licence(container.image) and not (borrowed and variable is None)
        told = commercial and images.takes_licence(container.image) and variable is not None
        if (needed or told) and not (variable and variable.secret and not variable.optional):
            yield Finding(workload.resource, f"has no LICENSE from a Secret in container {container.name}")


@rule(
    "one-edition",
    severity=Severity.HIGH,
    remedy="Run the API of one edition in all pods, and the commercial edition's services beside its API alone: what "
    "they do not store through Pulsar, nobody finds.",
)
def one_edition(stack: StackView, _: Options) -> Iterator[Finding]:
    """API pods, workers and jobs are of one edition."""
    commercial = _is_commercial(stack)
    for workload, container in tracardi_containers(stack):
        own = images.needs_licence(container.image)
        if own and not commercial:
            yield Finding(workload.resource, f"runs {container.image}, but the API is the open-source edition's")
        api = container.program is Program.API and not workload.ends and not container.initial
        if api and commercial and not own:
            yield Finding(workload.resource, f"runs {container.image}, but other API pods are the commercial edition's")


@rule(
    "no-multi-tenancy-in-open-source",
    severity=Severity.HIGH,
    remedy="Remove the variable: with it, Tracardi refuses to be installed.",
)
def no_multi_tenancy_in_open_source(stack: StackView, _: Options) -> Iterator[Finding]:
    """Open-source pods do not switch multi-tenancy on."""
    for workload, container in tracardi_containers(stack):
        variable = container.environment.get("MULTI_TENANT")
        if variable is not None and variable.value != "no":
            yield Finding(workload.resource, f"has the variable MULTI_TENANT in container {container.name}")


@rule(
    "one-release",
    severity=Severity.HIGH,
    remedy="Give all of Tracardi's images the same tag, beside a digest as well, and each image one digest: index "
    "names depend on the release.",
)
def one_release(stack: StackView, _: Options) -> Iterator[Finding]:
    """The API, the console, jobs and workers are of one release, in all pods."""
    found = list(tracardi_containers(stack))
    tags: dict[str, Workload] = {}
    digests: dict[str, tuple[str, Workload]] = {}
    for workload, container in found:
        reference = images.parse(container.image)
        if reference.tag is None:
            yield Finding(workload.resource, f"runs {container.image or 'an image'} without a tag that tells a release")
            continue
        tags.setdefault(reference.tag, workload)
        expected, first = next(iter(tags.items()))
        if reference.tag != expected:
            yield Finding(workload.resource, f"runs {reference.tag}, but {first.label} runs {expected}")
            continue
        name = reference.repository.rpartition("/")[2]
        known, other = digests.setdefault(name, (reference.digest or "", workload))
        if known != (reference.digest or ""):
            yield Finding(workload.resource, f"runs another image of {reference.tag} than {other.label}")


@rule(
    "one-index-shape",
    severity=Severity.HIGH,
    remedy="Take these variables from one source for all API pods: whoever writes computes index names from them.",
)
def one_index_shape(stack: StackView, _: Options) -> Iterator[Finding]:
    """All pods that write events have the same variables that decide the names and the shape of indices."""
    shapes = [(workload, _shape(container)) for workload, container in _writers(stack)]
    for workload, shape in shapes:
        first, expected = shapes[0]
        if hidden := sorted(name for name, value in shape.items() if value is None):
            yield Finding(workload.resource, f"has values that cannot be compared for {', '.join(hidden)}")
        elif differing := sorted(dict(shape.items() ^ expected.items())):
            yield Finding(workload.resource, f"has other values than {first.label} for {', '.join(differing)}")


def _writers(stack: StackView) -> Iterator[tuple[Workload, Container]]:
    """API containers and workers: what runs for good and knows Elasticsearch."""
    return (
        (workload, container)
        for workload, container in tracardi_containers(stack)
        if not workload.ends
        and not container.initial
        and (container.program is Program.API or "ELASTIC_HOST" in container.environment)
    )


def _shape(container: Container) -> dict[str, str | None]:
    return {name: variable.value for name, variable in container.environment.items() if shapes_indices(name)}


def tracardi_containers(stack: StackView) -> Iterator[tuple[Workload, Container]]:
    """Everything that runs an image of Tracardi, jobs and initial containers included."""
    everything = [(workload, container) for workload in stack.workloads for container in workload.containers]
    # An API under another name is known by its variables; what else runs that image is known by it.
    renamed = {
        images.parse(container.image).repository for _, container in everything if container.program is Program.API
    }
    for workload, container in everything:
        repository = images.parse(container.image).repository
        known = container.program in {Program.API, Program.GUI} or _TRACARDI.search(repository)
        if known or repository in renamed:
            yield workload, container


def worker_containers(stack: StackView) -> Iterator[tuple[Workload, Container]]:
    """The containers that are workers of Tracardi's, those that run by the clock included."""
    return (
        (workload, container)
        for workload in stack.workloads
        for container in workload.serving
        if container.program is Program.WORKER
    )


def api_containers(stack: StackView) -> Iterator[tuple[Workload, Container]]:
    """The containers that serve Tracardi's API."""
    return (
        (workload, container)
        for workload in stack.running(Program.API)
        for container in workload.serving
        if container.program is Program.API
    )
