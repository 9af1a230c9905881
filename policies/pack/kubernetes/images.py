"""Image references as Kubernetes reads them, and what kind of program an image runs."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from model.images import HAPROXY, MYSQL_ROUTER, PULSAR, REDIS
from model.releases import release_of, supported_versions
from model.service import Audience
from model.services import catalogue

_HUB = "docker.io"
"""The registry that is meant where a reference names none..."""
_OFFICIAL = "library"
"""...and the folder, where it names that neither."""

_HOST = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_FOLDER = r"[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"({_HOST}(\.{_HOST})*(:[0-9]{{1,5}})?/)?{_FOLDER}(/{_FOLDER})*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?"
)


class Program(Enum):
    """What runs in a container, as far as its image's name tells."""

    API = "Tracardi's API"
    GUI = "Tracardi's console"
    WORKER = "a worker of Tracardi's"
    PROXY = "HAProxy"
    ELASTICSEARCH = "Elasticsearch"
    REDIS = "Redis"
    MYSQL = "MySQL"
    MYSQL_ROUTER = "MySQL Router"
    PULSAR = "Pulsar"
    OTHER = "a program that these rules do not know"


@dataclass(frozen=True)
class Reference:
    """An image reference in its parts; `repository` includes the registry."""

    repository: str
    tag: str | None
    digest: str | None


def parse(reference: str) -> Reference:
    """The parts of `reference`."""
    rest, _, digest = reference.partition("@")
    folder, slash, last = rest.rpartition("/")
    # A colon before the last slash belongs to the registry's port.
    name, _, tag = last.partition(":")
    return Reference(f"{folder}{slash}{name}", tag or None, digest or None)


def program(reference: str) -> Program:
    """What an image runs. Mirrors keep the last parts of a name; an image that was renamed is not recognised."""
    repository = f"/{parse(reference).repository}"
    return next((found for known, found in _PROGRAMS.items() if repository.endswith(f"/{known}")), Program.OTHER)


def merges_profiles(reference: str) -> bool:
    """Whether an image is that of a worker that merges profiles."""
    return _is_one_of(reference, _MERGING)


def needs_licence(reference: str) -> bool:
    """Whether an image is of the commercial edition alone."""
    return _is_one_of(reference, _COMMERCIAL)


def takes_licence(reference: str) -> bool:
    """Whether an image works with a licence as well as without one."""
    return _is_one_of(reference, _EITHER)


def _is_one_of(reference: str, repositories: Iterable[str]) -> bool:
    repository = f"/{parse(reference).repository}"
    return any(repository.endswith(f"/{known}") for known in repositories)


def read(reference: str) -> Reference | None:
    """The parts of `reference`, with the registry and folder that are meant where none is named; None if it is none."""
    if not _REFERENCE.fullmatch(reference):
        return None
    found = parse(reference)
    registry, slash, rest = found.repository.partition("/")
    # What has neither a dot nor a port is no registry, but a folder of the usual one.
    if not slash or not (set(registry) & set(".:") or registry == "localhost" or registry != registry.lower()):
        registry, rest = _HUB, found.repository
    registry = _HUB if registry == f"index.{_HUB}" else registry
    if registry == _HUB and "/" not in rest:
        rest = f"{_OFFICIAL}/{rest}"
    return Reference(f"{registry}/{rest}", found.tag, found.digest)


def is_from(reference: Reference, registries: Iterable[str]) -> bool:
    """Whether an image that was read lies in one of `registries`, or of their folders."""
    folders = [registry.strip("/") for registry in registries]
    return any(folder and reference.repository.startswith(f"{folder}/") for folder in folders)


def _short(repository: str) -> str:
    return repository.removeprefix("library/")


_RELEASES = tuple(release_of(version) for version in supported_versions())

_PROGRAMS = {
    **{release.api.repository: Program.API for release in _RELEASES},
    **{release.commercial_api.repository: Program.API for release in _RELEASES},
    **{release.gui.repository: Program.GUI for release in _RELEASES},
    **{_short(release.elasticsearch.repository): Program.ELASTICSEARCH for release in _RELEASES},
    **{_short(release.mysql.repository): Program.MYSQL for release in _RELEASES if release.mysql},
    _short(REDIS.repository): Program.REDIS,
    _short(HAPROXY.repository): Program.PROXY,
    MYSQL_ROUTER.repository: Program.MYSQL_ROUTER,
    PULSAR.repository: Program.PULSAR,
    # Those that others connect to are not known: nothing here says what they may do.
    **{service.repository: Program.WORKER for service in catalogue() if service.audience is Audience.NOBODY},
}

_MERGING = frozenset(service.repository for service in catalogue() if service.merges)

_COMMERCIAL = frozenset(
    {
        *(release.commercial_api.repository for release in _RELEASES),
        *(service.repository for service in catalogue() if service.licensed),
    }
)

_EITHER = frozenset(service.repository for service in catalogue() if service.takes_licence and not service.licensed)

USUAL_REGISTRIES = tuple(
    sorted(
        {
            f"{image.registry}/{image.repository.rpartition('/')[0]}"
            for image in (
                HAPROXY,
                REDIS,
                MYSQL_ROUTER,
                PULSAR,
                *(used for each in _RELEASES for used in each.images.values()),
            )
        }
    )
)
"""The folders of registries that hold what the model's images name."""
