"""Every image that an installation runs can come from elsewhere: from a mirror, or one by one."""

from functools import cache

import pytest

from model.images import Image, Software
from model.releases import release_of
from tests.unit.components.conftest import build
from tests.unit.engine import Recording
from tests.unit.stacks import changed, settings_of
from tests.unit.variants import variants

VARIANTS = {
    name: changed(configuration, platform__images={}, platform__imageRegistry=None)
    for name, configuration in variants().items()
}
MIRROR = "mirror.example.com/hub"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
_LISTS = ("containers", "initContainers", "ephemeralContainers")


def usual(name: str) -> dict[Software, Image]:
    """The images of the release that a variant installs."""
    return release_of(settings_of(VARIANTS[name]).installation.release).images


def running(recording: Recording) -> set[str]:
    """The image of every container of every pod, volumes of images included."""
    pods = [workload.pod for workload in recording.workloads()]
    containers = {container["image"] for pod in pods for part in _LISTS for container in pod.get(part, [])}
    volumes = {volume["image"]["reference"] for pod in pods for volume in pod.get("volumes", []) if "image" in volume}
    return containers | volumes


def own(software: Software, image: Image) -> dict[str, str]:
    """A replacement of every part of an image's reference."""
    key = software.value.lower()
    return {
        "registry": f"{key}.example.com",
        "repository": f"own/{key}",
        # What is known of a release holds for builds of it.
        "tag": f"{image.tag}-own",
        "digest": DIGEST,
    }


@cache
def replaced(name: str) -> frozenset[Software]:
    """The images that a variant runs when every one of them is replaced; fails where one is not."""
    tunnel = settings_of(VARIANTS[name]).data.mysql
    unused = set() if tunnel is not None and tunnel.tunnel else {Software.MYSQL_ROUTER}
    images = {software: own(software, image) for software, image in usual(name).items() if software not in unused}
    settings = {software.value: image for software, image in images.items()}
    known = {
        f"{image['registry']}/{image['repository']}:{image['tag']}@{image['digest']}": software
        for software, image in images.items()
    }

    # A replacement wins over the mirror of all others.
    found = running(
        build(settings_of(changed(VARIANTS[name], platform__images=settings, platform__imageRegistry=MIRROR)))
    )

    assert found <= known.keys()
    return frozenset(known[image] for image in found)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_mirror_takes_the_place_of_every_registry(name: str) -> None:
    mirrored = {f"{MIRROR}/{image.repository}:{image.tag}" for image in usual(name).values()}

    found = running(build(settings_of(changed(VARIANTS[name], platform__imageRegistry=MIRROR))))

    assert found
    assert found <= mirrored


@pytest.mark.parametrize("name", VARIANTS)
def test_every_image_is_replaced_by_a_name_a_tag_and_a_digest_of_its_own(name: str) -> None:
    assert {Software.API, Software.HAPROXY} <= replaced(name)


def test_the_variants_together_run_every_image() -> None:
    assert frozenset().union(*map(replaced, VARIANTS)) == frozenset(Software)


@pytest.mark.parametrize("software", Software)
def test_every_image_has_settings_of_its_own(software: Software) -> None:
    key = {"platform": {"images": {software.value: {"digest": DIGEST}}}}

    images = settings_of(changed(VARIANTS["tunnel"], **key)).platform.images

    assert images.of(software).digest == DIGEST
    assert [other for other in Software if images.of(other).digest] == [software]
