"""Every image that an installation runs can come from elsewhere: from a mirror, or one by one."""

from functools import cache

import pytest

from model.images import Image, Software
from model.service import Audience
from model.services import catalogue
from tests.unit.components.conftest import build
from tests.unit.engine import Recording
from tests.unit.stacks import changed, settings_of
from tests.unit.variants import variants

VARIANTS = {
    name: changed(
        configuration,
        platform__images={},
        platform__imageRegistry=None,
        **{f"services__{service}__image": None for service in configuration.get("tracardi:services", {})},
    )
    for name, configuration in variants().items()
}
MIRROR = "mirror.example.com/hub"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
_LISTS = ("containers", "initContainers", "ephemeralContainers")


def usual(name: str) -> dict[Software, Image]:
    """The images of the release that a variant installs."""
    return settings_of(VARIANTS[name]).installation.facts.images


def services(name: str) -> dict[str, Image]:
    """The images of the services that a variant runs."""
    settings = settings_of(VARIANTS[name])
    release = settings.installation.release
    return {service: row.image(release) for service, row in settings.selected_services.items()}


def running(recording: Recording) -> set[str]:
    """The image of every container of every pod, volumes of images included."""
    pods = [workload.pod for workload in recording.workloads()]
    containers = {container["image"] for pod in pods for part in _LISTS for container in pod.get(part, [])}
    volumes = {volume["image"]["reference"] for pod in pods for volume in pod.get("volumes", []) if "image" in volume}
    return containers | volumes


def own(software: str, image: Image) -> dict[str, str]:
    """A replacement of every part of an image's reference."""
    key = software.lower()
    return {
        "registry": f"{key}.example.com",
        "repository": f"own/{key}",
        # What is known of a release holds for builds of it.
        "tag": f"{image.tag}-own",
        "digest": DIGEST,
    }


@cache
def replaced(name: str) -> frozenset[str]:
    """The images that a variant runs when every one of them is replaced; fails where one is not."""
    variant = settings_of(VARIANTS[name])
    tunnel = variant.data.mysql
    unused = set() if tunnel is not None and tunnel.tunnel else {Software.MYSQL_ROUTER}
    unused |= {Software(store.need.value) for store in variant.others_stores}
    settings = {
        software.value: own(software, image) for software, image in usual(name).items() if software not in unused
    }
    chosen = {service: own(service, image) for service, image in services(name).items()}
    images = settings | chosen
    known = {
        f"{image['registry']}/{image['repository']}:{image['tag']}@{image['digest']}": software
        for software, image in images.items()
    }

    # A replacement wins over the mirror of all others.
    changes = {f"services__{service}__image": image for service, image in chosen.items()}
    configuration = changed(VARIANTS[name], platform__images=settings, platform__imageRegistry=MIRROR, **changes)
    found = running(build(settings_of(configuration)))

    assert found <= known.keys()
    return frozenset(known[image] for image in found)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_mirror_takes_the_place_of_every_registry(name: str) -> None:
    images = (*usual(name).values(), *services(name).values())
    mirrored = {f"{MIRROR}/{image.repository}:{image.tag}" for image in images}

    found = running(build(settings_of(changed(VARIANTS[name], platform__imageRegistry=MIRROR))))

    assert found
    assert found <= mirrored


@pytest.mark.parametrize("name", VARIANTS)
def test_every_image_is_replaced_by_a_name_a_tag_and_a_digest_of_its_own(name: str) -> None:
    assert {Software.API, Software.HAPROXY, *services(name)} <= replaced(name)


def test_the_variants_together_run_every_image() -> None:
    services = {name for row in catalogue() if row.audience is Audience.NOBODY for name in [row.name]}

    assert frozenset().union(*map(replaced, VARIANTS)) == services - {"segmentation-by-workflows"} | set(Software)


@pytest.mark.parametrize("software", Software)
def test_every_image_has_settings_of_its_own(software: Software) -> None:
    key = {"platform": {"images": {software.value: {"digest": DIGEST}}}}

    base = "commercial with a queue in the cluster" if software is Software.PULSAR else "tunnel"
    images = settings_of(changed(VARIANTS[base], **key)).platform.images

    assert images.of(software).digest == DIGEST
    assert [other for other in Software if images.of(other).digest] == [software]
