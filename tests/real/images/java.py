"""Java out of Debian's packages, as a folder that runs by itself: the package keeps parts of it in /etc."""

import os
import shutil
import tempfile
from pathlib import Path

from tools.debian import root
from tools.locks import exclusive
from tools.toolchain.site import Site

_WITHOUT = ("jmods", "man", "docs", "legal", "include")


def cache() -> Path:
    """Folder of what images are made of, and of the images."""
    folder = Site.here().images
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def java() -> Path:
    """Java's launcher; it trusts the authorities that the machine trusts.

    Raises:
        ToolError: Debian's packages cannot be had.
    """
    debian = root("maven")
    home = cache() / f"java-{debian.name}"
    with exclusive(cache()):
        if not home.is_dir():
            with tempfile.TemporaryDirectory(dir=cache()) as made:
                _copy((debian / "usr/lib/jvm/default-java").resolve(), Path(made) / "java", debian)
                for stale in cache().glob("java-*"):
                    shutil.rmtree(stale)
                (Path(made) / "java").replace(home)
    return home / "bin" / "java"


def _copy(source: Path, target: Path, debian: Path) -> None:
    """Copy a folder, links replaced by what they lead to; an absolute one leads into Debian's folder."""
    target.mkdir()
    for entry in sorted(source.iterdir()):
        found = entry
        while found.is_symlink():
            link = found.readlink()
            found = debian / link.relative_to("/") if link.is_absolute() else found.parent / link
        if entry.name in _WITHOUT or not found.exists():
            continue
        if found.is_dir():
            _copy(found, target / entry.name, debian)
        else:
            _link(found, target / entry.name)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Another file system.
        shutil.copy2(source, target)
