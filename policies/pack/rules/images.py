"""Images: where they come from, and that they stay the same."""

import re
from collections.abc import Iterator

from policies.pack.kubernetes import images
from policies.pack.kubernetes.workloads import Workload
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.values import Value

_LATEST = "latest"
_SEPARATORS = re.compile(r"[._-]+")


@rule(
    "images-are-pinned",
    severity=Severity.HIGH,
    remedy="Name a digest, or a tag with a version, and never latest.",
)
def images_are_pinned(stack: StackView, _: Options) -> Iterator[Finding]:
    """All pods of a workload run the same image, today and tomorrow."""
    for workload, image, where in _images(stack):
        reference = images.read(image.text or "")
        if reference is None:
            yield Finding(workload.resource, f"has an image whose name cannot be read{_shown(image)} {where}")
        elif not _pinned(reference):
            yield Finding(workload.resource, f"has an image that is not pinned{_shown(image)} {where}")


def _pinned(reference: images.Reference) -> bool:
    parts = _SEPARATORS.split((reference.tag or "").lower())
    if _LATEST in parts:
        # A digest pins it, but people read the tag.
        return False
    # A tag without any number names a line of releases, such as stable.
    return bool(reference.digest) or any(letter.isdigit() for letter in reference.tag or "")


@rule(
    "images-come-from-known-registries",
    severity=Severity.HIGH,
    remedy="Take the image from a registry that you trust; if this is one, list it in registries of this rule in the "
    "pack's configuration (policies/config), with as much of the path as you trust.",
    options=(
        Option(
            "registries",
            images.USUAL_REGISTRIES,
            "Where images may come from: registries, or folders of registries, such as registry.example.com/mirror.",
            local=True,
        ),
    ),
)
def images_come_from_known_registries(stack: StackView, options: Options) -> Iterator[Finding]:
    """Nobody else's image runs beside Tracardi's data."""
    known = options.words("registries")
    for workload, image, where in _images(stack):
        reference = images.read(image.text or "")
        if reference is None or not images.is_from(reference, known):
            yield Finding(workload.resource, f"has an image from a registry that is not listed{_shown(image)} {where}")


def _images(stack: StackView) -> Iterator[tuple[Workload, Value, str]]:
    """Every image that pods run or mount, and where it stands."""
    for workload in stack.workloads:
        for container in workload.containers:
            yield workload, container.properties["image"], f"in container {container.name}"
        for volume in workload.pod["volumes"]:
            if volume["image"].given:
                yield workload, volume.at("image", "reference"), f"in volume {volume['name'].text or '(unnamed)'}"


def _shown(image: Value) -> str:
    # What is no reference may be anything, an address with a password as well.
    return f" ({image.text})" if images.read(image.text or "") else ""
