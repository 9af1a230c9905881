"""Files that a container will find: keys of the stack's ConfigMaps, where the pod mounts them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import normpath

from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.unreadable import UnreadableError
from policies.pack.values import NOTHING, Value


@dataclass(frozen=True)
class _Mount:
    path: PurePosixPath
    inside: PurePosixPath
    """What is mounted of the volume; the whole of it where this is the empty path."""
    files: dict[PurePosixPath, str | None] | None
    """Texts by their paths in the volume; None where it is no ConfigMap of the stack."""

    def covers(self, path: PurePosixPath) -> bool:
        """Whether `path` is in the mount, unless a deeper mount hides it."""
        return self.path == path or self.path in path.parents

    def below(self, folder: PurePosixPath) -> Iterator[PurePosixPath]:
        """What the mount puts directly into `folder`."""
        if self.path.parent == folder:
            yield self.path
        for file in self.files or {}:
            if (
                file.is_relative_to(self.inside)
                and (path := self.path / file.relative_to(self.inside)).parent == folder
            ):
                yield path


def read(workload: Workload, container: Container, path: PurePosixPath) -> str:
    """The text that `container` finds at `path`.

    Raises:
        UnreadableError: no ConfigMap of the stack holds it, or its text cannot be seen.
    """
    if ".." in path.parts:
        raise UnreadableError(f"{path} goes upwards")
    mount = _covering(list(_mounts(workload, container)), path)
    texts = (mount.files or {}) if mount else {}
    key = mount.inside / path.relative_to(mount.path) if mount else path
    if key not in texts:
        raise UnreadableError(f"no ConfigMap of the stack holds {path}")
    text = texts[key]
    if text is None:
        raise UnreadableError(f"the content of {path} cannot be seen")
    return text


def inside(workload: Workload, container: Container, folder: PurePosixPath) -> tuple[PurePosixPath, ...]:
    """The files that `container` finds directly in `folder`, sorted; none where that is no folder.

    Raises:
        UnreadableError: something else than a ConfigMap is mounted there, and may hold further files.
    """
    mounts = list(_mounts(workload, container))
    mount = _covering(mounts, folder)
    if mount and mount.files is None:
        raise UnreadableError(f"no ConfigMap of the stack holds {folder}")
    return tuple(sorted({path for found in mounts for path in found.below(folder)}))


def _covering(mounts: list[_Mount], path: PurePosixPath) -> _Mount | None:
    return max((mount for mount in mounts if mount.covers(path)), key=lambda mount: len(mount.path.parts), default=None)


def mounted(container: Container) -> Iterator[PurePosixPath]:
    """Where something is mounted in `container`.

    Raises:
        UnreadableError: a path cannot be seen.
    """
    mounts = container.properties["volumeMounts"]
    if mounts.hidden or container.properties["volumeDevices"].given:
        raise UnreadableError(f"what is mounted in container {container.name} cannot be seen")
    for mount in mounts:
        if mount["mountPath"].text is None:
            raise UnreadableError(f"a path that is mounted in container {container.name} cannot be seen")
        yield absolute(mount["mountPath"].text)


def absolute(path: str) -> PurePosixPath:
    """`path` as the container finds it: Kubernetes takes a mount's path from the root, and dots lead nowhere."""
    return PurePosixPath(normpath(f"/{path.lstrip('/')}"))


def _mounts(workload: Workload, container: Container) -> Iterator[_Mount]:
    named = [(volume["name"].text, volume) for volume in workload.pod["volumes"]]
    volumes = dict(named)
    for mount, path in zip(container.properties["volumeMounts"], mounted(container), strict=True):
        name = mount["name"].text
        volume = volumes.get(name)
        known = (
            volume is not None
            and [found for found, _ in named].count(name) == 1
            and not mount["subPathExpr"].given
            and (not mount["subPath"].given or mount["subPath"].text is not None)
        )
        files = _files(workload, volume) if volume is not None and known else None
        yield _Mount(path, PurePosixPath(mount["subPath"].text or ""), files)


_Files = dict[PurePosixPath, str | None]
"""Texts by their paths in a volume; None for one that cannot be seen."""


def _files(workload: Workload, volume: Value) -> _Files | None:
    """What `volume` holds; None where it may hold anything."""
    if volume.fields.keys() - {"name"} == {"configMap"}:
        return _of_config_map(workload, volume["configMap"])
    if volume.fields.keys() - {"name"} != {"projected"}:
        return None
    files: _Files = {}
    for source in volume.at("projected", "sources"):
        found = _of_source(workload, source)
        if found is None:
            return None
        # Of two that put a file in the same place, nobody should have to know which one wins.
        files.update({path: None if path in files else text for path, text in found.items()})
    return files


def _of_source(workload: Workload, source: Value) -> _Files | None:
    match tuple(source.fields):
        case ("configMap",):
            return _of_config_map(workload, source["configMap"])
        case ("secret",) | ("downwardAPI",):
            (of,) = source.fields.values()
            paths = [item["path"].text for item in of["items"]]
            # Without a choice, all that there is.
            return {PurePosixPath(path): None for path in paths if path} if paths and all(paths) else None
        case ("serviceAccountToken",) | ("clusterTrustBundle",):
            (of,) = source.fields.values()
            return {PurePosixPath(of["path"].text): None} if of["path"].text else None
        case _:
            return None


def _of_config_map(workload: Workload, source: Value) -> _Files | None:
    data = workload.config_maps.get(source["name"].text or "")
    items = [(item["key"].text, item["path"].text) for item in source["items"]]
    if source["items"].hidden or not all(key and path for key, path in items):
        return None
    known = data is not None and isinstance(data.raw, dict)
    if not items:
        return {PurePosixPath(key): text.text for key, text in data.fields.items()} if data and known else None
    fields = data.fields if data else {}
    return {PurePosixPath(path or ""): fields.get(key or "", NOTHING).text for key, path in items}
