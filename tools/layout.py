"""Where the tools keep things: rebuildable ones in the user's cache, a clone's own ones under `.work/`."""

import os
from pathlib import Path


def repository() -> Path:
    """Root of this clone."""
    return Path(__file__).resolve().parent.parent


def cache_dir() -> Path:
    """Folder that survives a fresh clone: `TRACARDI_CACHE`, else `tracardi-pulumi` in the user's cache folder."""
    if chosen := os.environ.get("TRACARDI_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tracardi-pulumi"


def work_dir() -> Path:
    """Folder of this clone's clusters, state and generated files; git ignores it."""
    return repository() / ".work"
