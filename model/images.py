"""Container images: what a reference consists of, and the images that do not depend on a Tracardi release."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Image:
    """A pinned image. `tag` is never `latest`: index names depend on the release, and pods must not differ."""

    registry: str
    repository: str
    tag: str

    def from_mirror(self, registry: str | None) -> "Image":
        """The same image in another registry, or this one where `registry` is None."""
        return replace(self, registry=registry) if registry else self

    def __str__(self) -> str:
        return f"{self.registry}/{self.repository}:{self.tag}"


HAPROXY = Image("docker.io", "library/haproxy", "3.2.4")
"""A long-term-support release; the generated configuration keeps to what 2.6 accepts as well."""

REDIS = Image("docker.io", "library/redis", "7.2.11")
"""The newest series that Tracardi's vendor tested with (7.2)."""
