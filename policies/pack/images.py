"""Image references as Kubernetes reads them, and what kind of program an image runs."""

from dataclasses import dataclass
from enum import Enum

from model.images import HAPROXY, MYSQL_ROUTER, REDIS
from model.releases import release_of, supported_versions


class Program(Enum):
    """What runs in a container, as far as its image's name tells."""

    API = "Tracardi's API"
    GUI = "Tracardi's console"
    PROXY = "HAProxy"
    ELASTICSEARCH = "Elasticsearch"
    REDIS = "Redis"
    MYSQL = "MySQL"
    MYSQL_ROUTER = "MySQL Router"
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


def _short(repository: str) -> str:
    return repository.removeprefix("library/")


_RELEASES = tuple(release_of(version) for version in supported_versions())

_PROGRAMS = {
    **{release.api.repository: Program.API for release in _RELEASES},
    **{release.gui.repository: Program.GUI for release in _RELEASES},
    **{_short(release.elasticsearch.repository): Program.ELASTICSEARCH for release in _RELEASES},
    **{_short(release.mysql.repository): Program.MYSQL for release in _RELEASES if release.mysql},
    _short(REDIS.repository): Program.REDIS,
    _short(HAPROXY.repository): Program.PROXY,
    MYSQL_ROUTER.repository: Program.MYSQL_ROUTER,
}
