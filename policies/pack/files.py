"""Files that a container will find: keys of the stack's ConfigMaps, where the pod mounts them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from policies.pack.unreadable import UnreadableError
from policies.pack.values import Value
from policies.pack.workloads import Container, Workload


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


def _mounts(workload: Workload, container: Container) -> Iterator[_Mount]:
    volumes = {volume["name"].text: volume for volume in workload.pod["volumes"]}
    for mount in container.properties["volumeMounts"]:
        folder, volume = mount["mountPath"].text, volumes.get(mount["name"].text)
        if folder is None:
            raise UnreadableError(f"a path that is mounted in container {container.name} cannot be seen")
        known = volume is not None and not mount["subPathExpr"].given and not mount["subPath"].hidden
        files = _files(workload, volume) if volume is not None and known else None
        yield _Mount(PurePosixPath(folder), PurePosixPath(mount["subPath"].text or ""), files)


def _files(workload: Workload, volume: Value) -> dict[PurePosixPath, str | None] | None:
    sources = [volume["configMap"], *(source["configMap"] for source in volume.at("projected", "sources"))]
    found = [(source, workload.config_maps.get(source["name"].text or "")) for source in sources if source.given]
    files = {}
    for source, data in found:
        keys = {item["key"].text or "": item["path"].text or "" for item in source["items"]}
        for key, text in (data.fields if data else {}).items():
            if not keys or key in keys:
                files[PurePosixPath(keys.get(key, key))] = text.text
    return files if any(data for _, data in found) else None
