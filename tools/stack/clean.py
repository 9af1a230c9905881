"""`make clean`: takes away what commands have made in this clone."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.cluster import clusters, down
from tools.stack import files

_CACHES = (".hypothesis", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache")


def clean(repository: Path, work: Path, tell: Callable[[str], None]) -> None:
    """End this clone's embedded clusters and remove what git ignores, but for the state of clusters that live on."""
    for cluster in clusters(work=work):
        down(cluster.name, work=work, tell=tell)
    kept = list(_state_of_living(repository, work))
    for entry in work.iterdir() if work.exists() else ():
        # The copies hold the salt that goes with such a state.
        if not (kept and entry.name in {"state", "stacks"}):
            _remove(entry)
    if not kept and work.exists():
        work.rmdir()
    for name in _CACHES:
        _remove(repository / name)
    for folder in repository.rglob("__pycache__"):
        _remove(folder)
    for stack in kept:
        tell(f"kept: {stack}, the state of a stack that may still be up; `make down` takes it down")


def _state_of_living(repository: Path, work: Path) -> Iterator[Path]:
    for file in sorted((work / "state").glob(f"*/.pulumi/stacks/{files.project(repository)}/*")):
        if file.name.endswith((".json", ".json.gz", ".json.zst")):
            yield file


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
