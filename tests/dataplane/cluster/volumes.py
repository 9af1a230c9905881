"""A pod's volumes, written the way the kubelet writes them: a new generation of files takes over in one step."""

import os
import shutil
from itertools import count
from pathlib import Path, PurePosixPath

from tests.dataplane.cluster.objects import Objects
from tests.dataplane.sandbox import Bind
from tests.unit.engine import JsonObject

_CURRENT = "..data"
_READABLE = 0o644


class Volumes:
    """The volumes of one pod, each a folder below `folder`."""

    def __init__(self, folder: Path, objects: Objects, namespace: str, pod: JsonObject) -> None:
        self._folder = folder
        self._objects = objects
        self._namespace = namespace
        self._group = pod["securityContext"]["fsGroup"]
        self._volumes: dict[str, JsonObject] = {volume["name"]: volume for volume in pod.get("volumes", [])}
        self._generation = count()
        for name, volume in self._volumes.items():
            place = folder / name
            place.mkdir(parents=True)
            if "emptyDir" in volume:
                os.chown(place, 0, self._group)
                place.chmod(0o2777)
        self.refresh()

    def place(self, volume: str) -> Path:
        """The folder of one volume; it outlives the pod."""
        return self._folder / volume

    def binds(self, container: JsonObject) -> tuple[Bind, ...]:
        """The container's mounts."""
        mounts = container.get("volumeMounts", [])
        paths = {mount["mountPath"]: mount["name"] for mount in mounts}
        for path in paths:
            # A mount inside another needs a place there; container runtimes make it as well.
            for parent in PurePosixPath(path).parents:
                if str(parent) in paths:
                    (self._folder / paths[str(parent)] / PurePosixPath(path).relative_to(parent)).mkdir(exist_ok=True)
                    break
        return tuple(
            Bind(self._folder / mount["name"], mount["mountPath"], read_only=mount.get("readOnly", False))
            for mount in mounts
        )

    def refresh(self) -> None:
        """Bring files up to date with the Secrets and ConfigMaps that they show."""
        for name, volume in self._volumes.items():
            if source := volume.get("secret"):
                data = self._objects.secret(self._namespace, source["secretName"])
                self._write(name, _chosen(source, data), source["defaultMode"], self._group)
            elif source := volume.get("configMap"):
                texts = self._objects.config_map(self._namespace, source["name"])
                self._write(name, _chosen(source, {key: text.encode() for key, text in texts.items()}), _READABLE, 0)

    def _write(self, volume: str, files: dict[str, bytes], mode: int, group: int) -> None:
        folder = self._folder / volume
        current = folder / _CURRENT
        if current.exists() and files == {file.name: file.read_bytes() for file in current.iterdir()}:
            return
        generation = folder / f"..{next(self._generation)}"
        generation.mkdir()
        for name, content in files.items():
            file = generation / name
            file.write_bytes(content)
            os.chown(file, 0, group)
            file.chmod(mode)
        previous = current.readlink() if current.is_symlink() else None
        new = folder / f"{_CURRENT}_tmp"
        new.symlink_to(generation.name)
        new.replace(current)
        for name in files:
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(f"{_CURRENT}/{name}")
        if previous:
            shutil.rmtree(folder / previous)


def _chosen(source: JsonObject, data: dict[str, bytes]) -> dict[str, bytes]:
    items = source.get("items")
    return {item["path"]: data[item["key"]] for item in items} if items else data
