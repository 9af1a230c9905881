"""Volumes of a pod: which Secret or ConfigMap is behind a path, and which Secrets its containers can read."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath

from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.values import Value


class Kind(Enum):
    """What keeps files that a pod mounts."""

    SECRET = "Secret"  # noqa: S105 - a kind of object
    CONFIG_MAP = "ConfigMap"


@dataclass(frozen=True)
class Source:
    """A Secret or ConfigMap that a volume shows, and which of its keys, by the path inside the volume; None: all."""

    kind: Kind
    name: str
    keys: tuple[tuple[str, str], ...] | None

    def shows(self, key: str) -> bool:
        """Whether the volume has the key `key`."""
        return self.keys is None or key in dict(self.keys)

    def key_at(self, path: PurePosixPath) -> str | None:
        """The key that stands at `path` inside the volume; None where none does."""
        if self.keys is None:
            return str(path) if len(path.parts) == 1 else None
        return next((key for key, at in self.keys if PurePosixPath(at) == path), None)


@dataclass(frozen=True)
class Place:
    """A path in a container: what it could come from, and where it is in the volume."""

    sources: tuple[Source, ...]
    """Empty where the volume shows neither Secrets nor ConfigMaps."""
    inside: PurePosixPath


def place(workload: Workload, container: Container, path: str) -> Place | None:
    """What is at `path` in `container`; None where no volume is, so that the image has it or nobody."""
    wanted = PurePosixPath(path)
    volumes = {volume["name"].text: volume for volume in workload.pod["volumes"]}
    found: list[tuple[int, Place]] = []
    for mount in container.properties["volumeMounts"]:
        folder = PurePosixPath(mount["mountPath"].text or "//nowhere")
        if folder != wanted and folder not in wanted.parents:
            continue
        volume = volumes.get(mount["name"].text)
        inside = PurePosixPath(mount["subPath"].text or "") / wanted.relative_to(folder)
        found.append((len(folder.parts), Place(tuple(sources(volume)) if volume is not None else (), inside)))
    return max(found, key=lambda entry: entry[0])[1] if found else None


def sources(volume: Value) -> Iterator[Source]:
    """The Secrets and ConfigMaps that `volume` shows."""
    if name := volume.at("secret", "secretName").text:
        yield Source(Kind.SECRET, name, _keys(volume["secret"]))
    if name := volume.at("configMap", "name").text:
        yield Source(Kind.CONFIG_MAP, name, _keys(volume["configMap"]))
    for projected in volume.at("projected", "sources"):
        if name := projected.at("secret", "name").text:
            yield Source(Kind.SECRET, name, _keys(projected["secret"]))
        if name := projected.at("configMap", "name").text:
            yield Source(Kind.CONFIG_MAP, name, _keys(projected["configMap"]))


def mounted_secrets(workload: Workload) -> Iterator[Source]:
    """The Secrets that containers which keep running find as files."""
    mounted = {mount["name"].text for container in workload.serving for mount in container.properties["volumeMounts"]}
    for volume in workload.pod["volumes"]:
        if volume["name"].text in mounted:
            yield from (source for source in sources(volume) if source.kind is Kind.SECRET)


def _keys(source: Value) -> tuple[tuple[str, str], ...] | None:
    items = [(item["key"].text or "", item["path"].text or "") for item in source["items"]]
    return tuple(items) if items or source["items"].hidden else None
