"""Container images: what a reference consists of, and the images that do not depend on a Tracardi release."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Software(StrEnum):
    """What an image holds; its value is the key under which a stack replaces the image."""

    API = "api"
    GUI = "gui"
    ELASTICSEARCH = "elasticsearch"
    MYSQL = "mysql"
    REDIS = "redis"
    PULSAR = "pulsar"
    HAPROXY = "haproxy"
    MYSQL_ROUTER = "mysqlRouter"


@dataclass(frozen=True)
class Image:
    """A pinned image. `tag` is never `latest`: index names depend on the release, and pods must not differ."""

    registry: str
    repository: str
    tag: str
    digest: str | None = None
    """Such as sha256:…; it wins over the tag, which then only tells people what it is."""

    def from_mirror(self, registry: str | None) -> "Image":
        """The same image in another registry, or this one where `registry` is None."""
        return replace(self, registry=registry) if registry else self

    def __str__(self) -> str:
        pinned = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}:{self.tag}{pinned}"


HAPROXY = Image("docker.io", "library/haproxy", "3.2.4")
"""A long-term-support release; the generated configuration keeps to what 2.6 accepts as well."""

REDIS = Image("docker.io", "library/redis", "7.2.11")
"""The newest series that Tracardi's vendor tested with (7.2); built with TLS."""

PULSAR = Image("docker.io", "apachepulsar/pulsar", "3.1.3")
"""The newest of the series that Tracardi's charts run (3.1.0, Tracardi/helm pulsar/standalone)."""

MYSQL_ROUTER = Image("container-registry.oracle.com", "mysql/community-router", "8.4.6")
"""Speaks MySQL's own way into TLS, which begins in plain text, so that a general TLS client cannot."""
