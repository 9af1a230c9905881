"""Runs images of the archive in the sandbox of the data plane's tests: no cluster, but users, mounts and networks."""

import json
import os
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.dataplane.sandbox import Jail
from tools.debian import root

_PATIENCE_SECONDS = 120.0


def until(holds: Callable[[], bool], seconds: float = _PATIENCE_SECONDS) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.2)


def volume(folder: Path, user: int, group: int) -> Path:
    """A folder that a container may write to."""
    folder.mkdir(parents=True)
    os.chown(folder, user, group)
    folder.chmod(0o770)
    return folder


@dataclass(frozen=True)
class Container(Jail):
    """A jail whose files are an image's; what makes jails is Debian's as for all of them."""

    def program(self, path: str) -> list[str]:
        return Jail(root(), self.host_name).program(path)


class Unpacked:
    """All layers of an archive in one folder: those of different images touch different files."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self.root = folder
        with tarfile.open(archive) as tar:
            index = _json(tar, "index.json")["manifests"]
            manifests = {
                each["annotations"]["io.containerd.image.name"]: _json(tar, _blob(each["digest"])) for each in index
            }
            self._entrypoints = {
                name: tuple(_json(tar, _blob(manifest["config"]["digest"]))["config"].get("Entrypoint", ()))
                for name, manifest in manifests.items()
            }
            for digest in {layer["digest"] for manifest in manifests.values() for layer in manifest["layers"]}:
                with tarfile.open(fileobj=tar.extractfile(_blob(digest))) as layer:
                    layer.extractall(folder, filter="tar")

    def entrypoint(self, name: str) -> tuple[str, ...]:
        """What the image starts, before the arguments of a pod."""
        return self._entrypoints[name]


def _json(tar: tarfile.TarFile, name: str) -> Any:  # noqa: ANN401 - whatever the archive says
    content = tar.extractfile(name)
    if content is None:
        raise FileNotFoundError(name)
    return json.load(content)


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
