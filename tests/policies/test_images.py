"""Images: the pack refuses those that move, and those that come from somewhere else."""

import pytest

from policies.pack.kubernetes import images
from tests.policies.analysis import analyse
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State

PINNED, KNOWN = "images-are-pinned", "images-come-from-known-registries"
DIGEST = f"sha256:{'ab' * 32}"
REDIS = "StatefulSet tracardi-data/redis"


@refused(PINNED, f"{REDIS} has an image that is not pinned (docker.io/library/redis:latest) in container redis")
def test_an_image_that_moves(state: State) -> None:
    state.container("redis")["image"] = "docker.io/library/redis:latest"


@refused(
    PINNED,
    "(registry.example.com:5000/library/redis)",
    options={KNOWN: {"registries": ["registry.example.com:5000", *images.USUAL_REGISTRIES]}},
)
def test_an_image_without_a_tag(state: State) -> None:
    state.container("redis")["image"] = "registry.example.com:5000/library/redis"


@refused(PINNED, f"(docker.io/library/redis:latest@{DIGEST})")
def test_an_image_that_is_called_latest_whatever_its_digest(state: State) -> None:
    state.container("redis")["image"] = f"docker.io/library/redis:latest@{DIGEST}"


@refused(PINNED, "(docker.io/library/busybox) in volume tools")
def test_an_image_that_is_mounted(state: State) -> None:
    volume = {"name": "tools", "image": {"reference": "docker.io/library/busybox"}}
    state.pod("redis")["volumes"].append(volume)


@accepted(PINNED)
def test_an_image_with_a_digest_alone(state: State) -> None:
    state.container("redis")["image"] = f"docker.io/library/redis@{DIGEST}"


@accepted(PINNED)
def test_a_pinned_image_that_is_mounted(state: State) -> None:
    volume = {"name": "tools", "image": {"reference": "busybox:1.37", "pullPolicy": "Always"}}
    state.pod("redis")["volumes"].append(volume)


@refused(
    KNOWN,
    "Deployment tracardi-track/track-api has an image from a registry that is not listed "
    "(docker.io/somebody/tracardi/tracardi-api:1.0.0) in container api",
)
def test_an_image_of_somebody_else(state: State) -> None:
    state.container("track-api")["image"] = "docker.io/somebody/tracardi/tracardi-api:1.0.0"


@refused(KNOWN, "(docker.io.evil.example/library/redis:7.2.11)")
def test_a_registry_with_a_longer_name(state: State) -> None:
    state.container("redis")["image"] = "docker.io.evil.example/library/redis:7.2.11"


@refused(KNOWN, "(ghcr.io/library/busybox:1) in volume tools")
def test_a_mounted_image_of_somebody_else(state: State) -> None:
    volume = {"name": "tools", "image": {"reference": "ghcr.io/library/busybox:1"}}
    state.pod("redis")["volumes"].append(volume)


@accepted(KNOWN)
def test_names_without_a_registry(state: State) -> None:
    state.container("redis")["image"] = "redis:7.2.11"
    state.container("gui")["image"] = "tracardi/tracardi-gui:1.0.0"
    state.container("track-balancer")["image"] = "index.docker.io/library/haproxy:3.2.4"


@accepted(KNOWN, options={KNOWN: {"registries": [*images.USUAL_REGISTRIES, "registry.example.com:5000/mirror/"]}})
def test_a_registry_that_is_listed(state: State) -> None:
    state.container("redis")["image"] = "registry.example.com:5000/mirror/redis:7.2.11"


UNLISTED = [
    "docker.io:443/library/redis:7",
    "Docker.io/library/redis:7",
    "docker.io/library-evil/redis:7",
    "docker.io/tracardi-evil/tracardi-api:1",
    "evil.example/docker.io/library/redis:7",
    "localhost/library/redis:7",
    "library.evil.example/redis:7",
    "docker.iO/library/redis:7",
]
UNREADABLE = [
    "docker.io/library/Redis:7",
    "docker.io/library/../evil/redis:7",
    "docker.io//library/redis:7",
    "docker.io@evil.example/library/redis:7",
    "docker.io/library/redis:7@evil",
    "docker.io/library/redis:7@sha256:short",
    "docker.io/library/redis:7 ",
    "https://docker.io/library/redis:7",
    "docker.io/library/redis:",
    "docker.io/library/redis:7\n",
    "docker.io/library/red\u0131s:7",
    "docker.io/",
]


@pytest.mark.parametrize("image", UNLISTED)
def test_a_registry_that_looks_like_another(prod: State, image: str) -> None:
    prod.container("redis")["image"] = image

    found = analyse(prod)
    assert KNOWN in found
    assert PINNED not in found


@pytest.mark.parametrize("image", [*UNREADABLE, UNKNOWN, UNDECRYPTED, "", None])
def test_a_reference_that_cannot_be_read(prod: State, image: str | None) -> None:
    prod.container("redis")["image"] = image

    assert {PINNED, KNOWN} <= set(analyse(prod))


def test_what_is_no_reference_is_not_shown(prod: State) -> None:
    prod.container("redis")["image"] = "https://user:canary-5f1c@registry.example.com/redis:7"

    found = analyse(prod)
    assert {PINNED, KNOWN} <= set(found)
    assert not [message for name in (PINNED, KNOWN) for message in found[name] if "canary-5f1c" in message]


@pytest.mark.parametrize("tag", ["latest", "Latest", "latest-alpine", "7-latest", "stable", "edge", "main", "alpine"])
def test_a_tag_that_names_no_version(prod: State, tag: str) -> None:
    prod.container("redis")["image"] = f"docker.io/library/redis:{tag}"

    assert set(analyse(prod)) == {PINNED}


@pytest.mark.parametrize(
    ("reference", "repository"),
    [
        ("redis", "docker.io/library/redis"),
        ("tracardi/tracardi-api:1.0.0", "docker.io/tracardi/tracardi-api"),
        ("docker.io/redis:7", "docker.io/library/redis"),
        ("index.docker.io/redis:7", "docker.io/library/redis"),
        ("localhost/redis:7", "localhost/redis"),
        ("localhost:5000/redis:7", "localhost:5000/redis"),
        ("registry:5000/a/b:7", "registry:5000/a/b"),
        ("ghcr.io/a/b__c.d-e:7", "ghcr.io/a/b__c.d-e"),
        (f"ghcr.io/a/b:7@{DIGEST}", "ghcr.io/a/b"),
    ],
)
def test_a_reference_is_read_as_container_runtimes_read_it(reference: str, repository: str) -> None:
    found = images.read(reference)

    assert found is not None
    assert found.repository == repository


def test_the_usual_registries_are_folders_of_those_that_the_model_names() -> None:
    assert images.USUAL_REGISTRIES == (
        "container-registry.oracle.com/mysql",
        "docker.io/apachepulsar",
        "docker.io/library",
        "docker.io/tracardi",
    )


def test_an_empty_entry_lists_nothing() -> None:
    found = images.read("evil.example/redis:7")

    assert found is not None
    assert not images.is_from(found, ("", "/", "evil", "evil.example/redis"))
    assert images.is_from(found, ("evil.example",))
