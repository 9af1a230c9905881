"""Container images without a container engine: folders become an archive that `ctr images import` accepts."""

import hashlib
import io
import json
import os
import platform
import stat
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tools.errors import ToolError

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_INDEX = "application/vnd.oci.image.index.v1+json"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Layer:
    """The content of a folder, as root owns it; what is in it by then, when the archive is written."""

    folder: Path
    without: tuple[str, ...] = ()
    """Patterns of paths, relative to the folder, that stay out with all below them: usr/share/doc, *.pyc."""


@dataclass(frozen=True)
class Image:
    """An image and what it runs; layers lie on top of each other in their order."""

    name: str
    """The whole reference, such as images.test/library/redis:7.2.11; it is not completed with a registry."""
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    """Number, or number:number of user and group; empty for root."""
    folder: str = "/"


def write_archive(images: Sequence[Image], file: Path) -> None:
    """Write the images as an OCI layout in a tar, which replaces `file` once it is whole.

    Equal folders make equal bytes: times and owners are left out. Layers that images share are in it once.

    Raises:
        ToolError: a folder is missing, or this machine is of a kind that has no images.
    """
    _architecture()
    for layer in {layer for image in images for layer in image.layers}:
        if not layer.folder.is_dir():
            raise ToolError(f"{layer.folder} is no folder; an image should have been made of it")
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}-") as folder:
        archive = Path(folder) / "archive"
        with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
            _Writer(tar, Path(folder)).write(images)
        archive.replace(file)


class _Writer:
    """Adds blobs to an archive, each of them once."""

    def __init__(self, tar: tarfile.TarFile, scratch: Path) -> None:
        self._tar = tar
        self._scratch = scratch
        self._written: set[str] = set()
        self._layers: dict[Layer, dict[str, Any]] = {}

    def write(self, images: Sequence[Image]) -> None:
        manifests = [{**self._manifest(image), "annotations": _annotations(image.name)} for image in images]
        self._add("index.json", _json({"schemaVersion": 2, "mediaType": _INDEX, "manifests": manifests}))
        self._add("oci-layout", _json({"imageLayoutVersion": "1.0.0"}))

    def _manifest(self, image: Image) -> dict[str, Any]:
        layers = [self._layer(layer) for layer in image.layers]
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self._blob(_CONFIG, _json(_configuration(image, [layer["digest"] for layer in layers]))),
            "layers": layers,
        }
        return {**self._blob(_MANIFEST, _json(manifest)), "platform": _platform()}

    def _layer(self, layer: Layer) -> dict[str, Any]:
        if layer not in self._layers:
            made = self._scratch / "layer"
            digest = _pack(layer, made)
            self._layers[layer] = {"mediaType": _LAYER, "digest": digest, "size": made.stat().st_size}
            if self._is_new(digest):
                with made.open("rb") as content:
                    self._tar.addfile(_entry(_blob_path(digest), made.stat().st_size), content)
            made.unlink()
        return self._layers[layer]

    def _blob(self, kind: str, content: bytes) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if self._is_new(digest):
            self._add(_blob_path(digest), content)
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    def _is_new(self, digest: str) -> bool:
        known = digest in self._written
        self._written.add(digest)
        return not known

    def _add(self, path: str, content: bytes) -> None:
        self._tar.addfile(_entry(path, len(content)), io.BytesIO(content))


def _annotations(name: str) -> dict[str, str]:
    # containerd takes the first one as it is; others know the second.
    return {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}


def _configuration(image: Image, diff_ids: list[str]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "Entrypoint": list(image.entrypoint),
        "Cmd": list(image.command),
        "Env": [f"{name}={value}" for name, value in image.environment.items()],
        "User": image.user,
        "WorkingDir": image.folder,
    }
    return {
        **_platform(),
        "config": {name: value for name, value in said.items() if value},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }


def _platform() -> dict[str, str]:
    return {"architecture": _architecture(), "os": "linux"}


def _architecture() -> str:
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise ToolError(f"images are made for {' and '.join(_ARCHITECTURES)} only; this machine is {machine}")
    return _ARCHITECTURES[machine]


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()


def _blob_path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _entry(path: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = size, 0o644
    return entry


def _pack(layer: Layer, file: Path) -> str:
    """Write a layer, and tell the digest of what was written."""
    first: dict[tuple[int, int], str] = {}
    with file.open("wb") as raw, tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, name in _walk(layer):
            entry = _described(path, name, first)
            if entry.isreg():
                with path.open("rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)
    with file.open("rb") as written:
        return f"sha256:{_sha256(written.read)}"


def _walk(layer: Layer) -> Iterator[tuple[Path, str]]:
    """Each path and its name in the layer, folders before what is in them, in the order of names."""

    def below(folder: str) -> Iterator[tuple[Path, str]]:
        for entry in sorted(os.scandir(layer.folder / folder), key=lambda each: each.name):
            name = f"{folder}{entry.name}"
            if any(fnmatch(name, pattern) for pattern in layer.without):
                continue
            yield Path(entry.path), name
            if entry.is_dir(follow_symlinks=False):
                yield from below(f"{name}/")

    return below("")


def _described(path: Path, name: str, first: dict[tuple[int, int], str]) -> tarfile.TarInfo:
    found = path.lstat()
    entry = tarfile.TarInfo(name)
    entry.mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISDIR(found.st_mode):
        entry.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(found.st_mode):
        entry.type, entry.linkname = tarfile.SYMTYPE, str(path.readlink())
    elif not stat.S_ISREG(found.st_mode):
        raise ToolError(f"{path} is neither a file, a folder nor a link, so it cannot be part of an image")
    elif (seen := first.setdefault((found.st_dev, found.st_ino), name)) != name:
        entry.type, entry.linkname = tarfile.LNKTYPE, seen
    else:
        entry.size = found.st_size
    return entry


def _sha256(read: Callable[[int], bytes]) -> str:
    result = hashlib.sha256()
    while chunk := read(_CHUNK):
        result.update(chunk)
    return result.hexdigest()
