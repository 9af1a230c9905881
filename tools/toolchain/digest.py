"""Names that change with what they stand for, so that nothing stale is ever taken for current."""

import hashlib
import json
import platform
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tools.toolchain.model import Part

_LENGTH = 16


def digest_of_part(sources: Path, part: Part, flags: Iterable[str]) -> str:
    """Digest of a part's declaration, the build's flags, the platform and every file of its source folder.

    The Go release is left out on purpose: go.mod names the oldest one that will do, and an update of Go, or a machine
    that has the cache but no Go, should not throw away a quarter of an hour of building.
    """
    said = {name: value for name, value in asdict(part).items() if name not in {"title", "group"}}
    declaration = json.dumps([said, list(flags), platform.system(), platform.machine()], sort_keys=True)
    result = hashlib.sha256(declaration.encode())
    folder = sources / part.source
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        result.update(f"\0{file.relative_to(folder).as_posix()}\0".encode())
        result.update(hashlib.sha256(file.read_bytes()).digest())
    return result.hexdigest()[:_LENGTH]


def digest_of(texts: Iterable[str]) -> str:
    """Digest of an ordered list of texts."""
    return hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()[:_LENGTH]
