"""Gives files a place in one step, so that nobody ever sees half of one."""

import os
import shutil
from pathlib import Path


def link_or_copy(source: Path, target: Path) -> None:
    """Give the file a second name, or copy it where the file system cannot; replaces what was there in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and target.samefile(source):
        return
    new = target.with_name(f".{target.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    try:
        new.hardlink_to(source)
    except OSError:
        shutil.copy2(source, new)
    new.replace(target)


def link(target: Path, name: Path) -> Path:
    """Make `name` a symbolic link to a program outside, replacing what was there in one step."""
    name.parent.mkdir(parents=True, exist_ok=True)
    new = name.with_name(f".{name.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(name)
    return name
