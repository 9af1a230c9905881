"""What is said of each of Tracardi's further services ("jobs and workers")."""

from dataclasses import dataclass, replace
from enum import StrEnum

from model.connections import MYSQL_PER_INSTANCE
from model.evidence import Evidence
from model.images import Image
from model.lifecycle import GRACE_SECONDS


class Edition(StrEnum):
    """An edition of Tracardi."""

    OPEN_SOURCE = "open-source"
    COMMERCIAL = "commercial"
    """Needs a licence, and Apache Pulsar."""


class Need(StrEnum):
    """A data service; its value is also that of the role that plays it in the cluster."""

    ELASTICSEARCH = "elasticsearch"
    REDIS = "redis"
    MYSQL = "mysql"
    PULSAR = "pulsar"


class Health(StrEnum):
    """How it shows whether a service works."""

    PROCESS = "process"
    """It listens to nobody: the kernel tells whether it has begun, and whether it still does anything."""
    HTTP = "http"
    ENDS = "ends"
    """It does its work and stops; its exit status tells."""


class Usual(StrEnum):
    """Whether a stack that says nothing of a service has it."""

    ALWAYS = "always"
    """Without it, nothing works."""
    PRODUCTION = "production"
    """With `profile: production` only."""
    OFF = "off"


class Audience(StrEnum):
    """Who else connects to a service."""

    NOBODY = "nobody"
    TRUSTED = "trusted networks"
    API = "the API"


Variables = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Service:
    """A service, as the editions and releases have it that the row names."""

    name: str
    """Name in stack files, and of what Kubernetes has of it."""
    purpose: str
    editions: tuple[Edition, ...]
    releases: tuple[str, ...]
    repository: str
    """Repository of its image; the tag is the release."""
    evidence: Evidence
    source: str
    """Where the row comes from."""
    needs: frozenset[Need]
    with_licence: frozenset[Need] | None = None
    """What it needs besides in the commercial edition, whose licence it is then given; None for one that gets none."""
    command: tuple[str, ...] = ()
    """Without one, the image's own."""
    folder: str | None = None
    """Working directory; None for the image's own."""
    environment: Variables = ()
    """Besides the addresses and secrets of what it needs."""
    merges: bool = False
    """Whether it must know the secret that profiles are merged by."""
    redis_port_in_host: bool = False
    """Whether it takes Redis' port from REDIS_HOST, and puts the password into a URL without escaping it."""
    mysql_connections: int = MYSQL_PER_INSTANCE
    """Connections to MySQL that an instance opens at the most, where it needs MySQL: a process's whole pools, unless
    its sources tell of fewer."""
    replicas: int = 1
    scales: bool = False
    """Whether a stack may say how many there are; several of the others would do the same work."""
    audience: Audience = Audience.NOBODY
    port: int | None = None
    """Where its audience finds it."""
    cpu: str = "50m"
    memory: str = "100Mi"
    memory_limit: str = "256Mi"
    schedule: str | None = None
    """When it runs, where it does so by the clock; None where it always runs."""
    scheduled: Variables | None = None
    """The environment by which it may run by the clock as well, in place of `environment`; None where it may not."""
    health: Health = Health.PROCESS
    quiet_seconds: int = 10
    """Longest time in which it does nothing while all is well."""
    stop_signal: str = "TERM"
    """The signal at which it finishes what it has begun."""
    grace_seconds: int = GRACE_SECONDS
    """How long that may take."""
    usual: Usual = Usual.OFF
    prepares: bool = False
    """Whether it runs once, before everything else of Tracardi's."""

    @property
    def licensed(self) -> bool:
        """Whether it runs with a licence only."""
        return Edition.OPEN_SOURCE not in self.editions

    @property
    def takes_licence(self) -> bool:
        """Whether it is given the licence, in an edition that has one."""
        return self.licensed or self.with_licence is not None

    def in_edition(self, edition: Edition) -> "Service":
        """The row as `edition` has it."""
        if edition is Edition.OPEN_SOURCE:
            return replace(self, with_licence=None)
        return replace(self, needs=self.needs | (self.with_licence or frozenset()))

    @property
    def schedulable(self) -> bool:
        """Whether a stack may say when it runs."""
        return self.schedule is not None or self.scheduled is not None

    def image(self, release: str) -> Image:
        """Its image in `release`."""
        return Image("docker.io", self.repository, release)
