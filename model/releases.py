"""The release catalogue: what each supported Tracardi release consists of and needs."""

from dataclasses import dataclass
from enum import StrEnum

from model.images import HAPROXY, MYSQL_ROUTER, REDIS, Image, Software


class Evidence(StrEnum):
    """How well a fact is known."""

    OBSERVED = "observed"
    """A release's unchanged sources were run."""
    DOCUMENTED = "documented"
    """Tracardi's documentation or charts say so."""
    ASSUMED = "assumed"
    """Reckoned from facts of another kind; nobody has seen or written it."""


@dataclass(frozen=True)
class Release:
    """Facts of one open-source release.

    Sources: Tracardi/tracardi-api `app/`, Tracardi/tracardi `tracardi/config.py` and the Dockerfiles of the release's
    branch; for 1.0.0 Tracardi's documentation and the Argo CD chart of that release.
    """

    version: str
    evidence: Evidence
    api: Image
    gui: Image
    elasticsearch: Image
    mysql: Image | None
    """None where metadata and users live in Elasticsearch (releases before 0.9)."""
    python: str
    """Interpreter in the API image, with which the API and the installation program are started."""
    application_folder: str
    """Working directory in which `app.main:application` can be imported."""
    start_seconds: int
    """Longest start: releases from 0.9 on retry each dependency for up to 50 s before the port opens."""
    gui_environment: tuple[tuple[str, str], ...]
    """What the GUI reads from `window._env_` (Tracardi/tracardi-gui `.env`)."""

    @property
    def uses_mysql(self) -> bool:
        """Whether metadata and users live in MySQL."""
        return self.mysql is not None

    @property
    def images(self) -> dict[Software, Image]:
        """Every image that an installation of this release may run."""
        images = {
            Software.API: self.api,
            Software.GUI: self.gui,
            Software.ELASTICSEARCH: self.elasticsearch,
            Software.REDIS: REDIS,
            Software.HAPROXY: HAPROXY,
        }
        stores = {Software.MYSQL: self.mysql, Software.MYSQL_ROUTER: MYSQL_ROUTER} if self.mysql else {}
        return images | stores


_ELASTICSEARCH_7 = Image("docker.io", "library/elasticsearch", "7.17.29")
_ELASTICSEARCH_8 = Image("docker.io", "library/elasticsearch", "8.11.3")
_MYSQL_8 = Image("docker.io", "library/mysql", "8.0.43")

_RELEASES = (
    Release(
        version="1.0.0",
        evidence=Evidence.DOCUMENTED,
        api=Image("docker.io", "tracardi/tracardi-api", "1.0.0"),
        gui=Image("docker.io", "tracardi/tracardi-gui", "1.0.0"),
        elasticsearch=_ELASTICSEARCH_8,
        mysql=_MYSQL_8,
        python="python3",
        application_folder="/app",
        start_seconds=240,
        gui_environment=(
            ("PUBLIC_URL", "/"),
            ("MODE", "no-deployment"),
            ("ALLOW_UPDATES_ON_PRODUCTION", "true"),
            ("MULTI_TENANT", "no"),
        ),
    ),
    Release(
        version="0.8.2.1",
        evidence=Evidence.OBSERVED,
        api=Image("docker.io", "tracardi/tracardi-api", "0.8.2.1"),
        gui=Image("docker.io", "tracardi/tracardi-gui", "0.8.2.1"),
        elasticsearch=_ELASTICSEARCH_7,
        mysql=None,
        python="python3",
        application_folder="/app",
        start_seconds=120,
        gui_environment=(("PUBLIC_URL", "/"), ("MULTI_TENANT", "no")),
    ),
)

DEFAULT_RELEASE = _RELEASES[0].version
"""The release that a stack gets when it names none."""


def supported_versions() -> tuple[str, ...]:
    """Versions that a stack may name, newest first."""
    return tuple(release.version for release in _RELEASES)


def release_of(version: str) -> Release:
    """The catalogue entry of `version`.

    Raises:
        KeyError: the catalogue has no such release.
    """
    for release in _RELEASES:
        if release.version == version:
            return release
    raise KeyError(version)
