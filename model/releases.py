"""The release catalogue: what each supported Tracardi release consists of and needs."""

from dataclasses import dataclass, replace

from model.evidence import Evidence
from model.images import HAPROXY, MYSQL_ROUTER, PULSAR, REDIS, Image, Software
from model.roles import Role


@dataclass(frozen=True)
class Versions:
    """Versions of a store that a release works with: from `least` on, and before `below` where there is an end."""

    least: str
    below: str | None
    known: str
    """The series that is known best."""
    evidence: Evidence
    """How well that is known. What else lies in between is assumed: a store keeps its protocol within a major."""


_PULSAR_OF_ANY_RELEASE = Versions(least="2.10", below="5", known="3.1", evidence=Evidence.DOCUMENTED)
"""Tracardi's documentation and charts name 3.1.0 alone. That clients work with brokers of other versions is what Pulsar
means to keep to (its documentation, "Client / Broker compatibility"); that nothing older than what managed services
still run does, and nothing newer than 4, is caution."""


@dataclass(frozen=True)
class Release:
    """Facts of one release: those of its open-source edition, unless it is `licensed`.

    Sources: Tracardi/tracardi-api `app/`, Tracardi/tracardi `tracardi/config.py` and the Dockerfiles of the release's
    branch; for 1.0.0 Tracardi's documentation and the Argo CD chart of that release.
    """

    version: str
    evidence: Evidence
    api: Image
    commercial_api: Image
    """The API of the commercial edition: Tracardi/argocd values.yaml, docs installation of the commercial version."""
    gui: Image
    elasticsearch: Image
    mysql: Image | None
    """None where metadata and users live in Elasticsearch (releases before 0.9)."""
    elasticsearch_versions: Versions
    redis_versions: Versions
    mysql_versions: Versions | None
    python: str
    """Interpreter in the API image, with which the API and the installation program are started."""
    application_folder: str
    """Working directory in which `app.main:application` can be imported."""
    start_seconds: int
    """Longest start: releases from 0.9 on retry each dependency for up to 50 s before the port opens."""
    gui_environment: tuple[tuple[str, str], ...]
    """What the GUI reads from `window._env_` (Tracardi/tracardi-gui `.env`)."""
    pulsar_versions: Versions = _PULSAR_OF_ANY_RELEASE
    """Of Pulsar, which the commercial edition alone uses."""
    licensed: bool = False
    """Whether these are the facts of the commercial edition."""

    @property
    def uses_mysql(self) -> bool:
        """Whether metadata and users live in MySQL."""
        return self.mysql is not None

    @property
    def store_versions(self) -> dict[Role, Versions]:
        """Which versions of each store the release works with, whoever runs it."""
        versions = {Role.ELASTICSEARCH: self.elasticsearch_versions, Role.REDIS: self.redis_versions}
        mysql = {Role.MYSQL: self.mysql_versions} if self.mysql_versions else {}
        return versions | mysql | ({Role.PULSAR: self.pulsar_versions} if self.licensed else {})

    @property
    def commercial(self) -> "Release":
        """The same release in the commercial edition.

        It was never run: that its image starts like the open-source one, in a folder of its own, is assumed.
        """
        return replace(self, licensed=True, evidence=Evidence.DOCUMENTED, api=self.commercial_api)

    @property
    def start_folder(self) -> str | None:
        """Working directory to start the API in; None for the image's own."""
        # The charts mount files of the commercial package below /system, so that its folder is another one.
        return None if self.licensed else self.application_folder

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
        queue = {Software.PULSAR: PULSAR} if self.licensed else {}
        return images | stores | queue


_ELASTICSEARCH_7 = Image("docker.io", "library/elasticsearch", "7.17.29")
_ELASTICSEARCH_8 = Image("docker.io", "library/elasticsearch", "8.11.3")
_MYSQL_8 = Image("docker.io", "library/mysql", "8.0.43")

_REDIS_OF_ANY_RELEASE = Versions(least="6.0", below=None, known="7.2", evidence=Evidence.DOCUMENTED)
"""Tracardi's documentation asks for none in particular and names 7.2.4; its own deployments begin at 6.2.3. Managed
services still run 6.0, which is assumed to do."""

_RELEASES = (
    Release(
        version="1.0.0",
        evidence=Evidence.DOCUMENTED,
        api=Image("docker.io", "tracardi/tracardi-api", "1.0.0"),
        commercial_api=Image("docker.io", "tracardi/com-tracardi-api", "1.0.0"),
        gui=Image("docker.io", "tracardi/tracardi-gui", "1.0.0"),
        elasticsearch=_ELASTICSEARCH_8,
        mysql=_MYSQL_8,
        # Tracardi's documentation: "7.13.x, up to 8.11.3".
        elasticsearch_versions=Versions(least="7.13", below="9", known="8.11", evidence=Evidence.DOCUMENTED),
        redis_versions=_REDIS_OF_ANY_RELEASE,
        # Documentation and charts name 8.0 and 8.3; MySQL 9 has no mysql_native_password any more.
        mysql_versions=Versions(least="8.0", below="9", known="8.0", evidence=Evidence.DOCUMENTED),
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
        commercial_api=Image("docker.io", "tracardi/com-tracardi-api", "0.8.2.1"),
        gui=Image("docker.io", "tracardi/tracardi-gui", "0.8.2.1"),
        elasticsearch=_ELASTICSEARCH_7,
        mysql=None,
        # Observed with 7.17.29; its Compose files name 7.13.2.
        elasticsearch_versions=Versions(least="7.13", below="8", known="7.17", evidence=Evidence.OBSERVED),
        redis_versions=_REDIS_OF_ANY_RELEASE,
        mysql_versions=None,
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
