"""Lays out what images hold beside Debian's programs: one folder for each layer."""

import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

from tests.real.images.catalogue import ELASTICSEARCH_HOME
from tests.real.images.elasticsearch.command import node_options
from tools.errors import ToolError
from tools.layout import repository

PROGRAMS = Path(__file__).with_name("programs")
_PACKAGES = "usr/local/lib/python3.11/dist-packages"
"""Where Debian's Python looks for what is not Debian's."""
_LIBRARY = "usr/local/lib/images"
_SERVED = "usr/share/nginx/html"
_DISTRIBUTIONS = ("uvicorn", "starlette", "httpx", "redis", "pymysql", "pyyaml")
_DEBIANS_PYTHON = {"python_version": "3.11", "python_full_version": "3.11.2"}
_REPLACED = frozenset({"async-timeout"})
"""Here by a module of our own."""
_SKIPPED = re.compile(r"(^|/)(\.\.|__pycache__)(/|$)|\.so$|(^|/)bin/")
"""Programs, what Python writes, and compiled parts, without which these distributions do as well."""


def api_folder() -> Path:
    """The package `app` of the stand-in for Tracardi's API: strict where there is one, else lenient."""
    contract = repository() / "tests" / "contract" / "app"
    lenient = repository() / "tests" / "dataplane" / "instance" / "app"
    return contract if (contract / "main.py").is_file() else lenient


def lay_out(work: Path, jars: Path, application_folders: Iterable[str]) -> Mapping[str, Path]:
    """Make the folder of each layer below `work`, and tell them by name."""
    makers: Mapping[str, Callable[[Path], None]] = {
        "python": lambda root: _python(root / _PACKAGES),
        "api": lambda root: _api(root, application_folders),
        "gui": lambda root: _copy(repository() / "tests" / "dataplane" / "instance" / "gui", root / _SERVED),
        "apm": _apm,
        "mysql": _mysql,
        "elasticsearch": lambda root: _elasticsearch(root, jars),
    }
    for name, make in makers.items():
        make(work / name)
    return {name: work / name for name in makers}


def distributions() -> list[Distribution]:
    """What the API and Elasticsearch's start run on, with what it needs in turn; as in this environment.

    Raises:
        ToolError: one is missing here.
    """
    found: dict[str, Distribution] = {}
    waiting = list(_DISTRIBUTIONS)
    while waiting:
        name = waiting.pop()
        if name in found or name in _REPLACED:
            continue
        try:
            found[name] = distribution(name)
        except ModuleNotFoundError as error:
            raise ToolError(
                f"this Python has no {name}, which images need; `make tools` makes the one that has"
            ) from error
        waiting += _needed(found[name])
    return [found[name] for name in sorted(found)]


def _needed(of: Distribution) -> Iterator[str]:
    for text in of.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({**_DEBIANS_PYTHON, "extra": ""}):
            yield re.sub(r"[-_.]+", "-", requirement.name).lower()


def _python(packages: Path) -> None:
    for found in distributions():
        for file in found.files or ():
            if not _SKIPPED.search(str(file)):
                _copy_file(Path(str(file.locate())), packages / str(file))
    _copy_file(PROGRAMS / "async_timeout.py", packages / "async_timeout.py")


def _api(root: Path, folders: Iterable[str]) -> None:
    for folder in folders:
        _copy(api_folder(), root / folder.lstrip("/") / "app")


def _apm(root: Path) -> None:
    # Where the image has it that is stood in for.
    _copy_file(PROGRAMS / "apm-python", root / "opt/venv/bin/python3", mode=0o755)


def _mysql(root: Path) -> None:
    _copy_file(PROGRAMS / "mysql.py", root / _LIBRARY / "mysql.py")
    _copy_file(PROGRAMS / "mysqladmin", root / "usr/local/bin/mysqladmin", mode=0o755)


def _elasticsearch(root: Path, jars: Path) -> None:
    _copy_file(PROGRAMS / "elasticsearch.py", root / _LIBRARY / "elasticsearch.py")
    home = root / ELASTICSEARCH_HOME.lstrip("/")
    _copy(jars, home / "lib")
    options = node_options(Path(ELASTICSEARCH_HOME) / "lib")
    (home / "lib" / "options").write_text("\n".join(options) + "\n", encoding="utf-8")
    _copy_file(PROGRAMS / "elasticsearch.cfg", home / "haproxy.cfg")
    # What the official image's own folder holds is replaced file by file; the rest is mounted.
    (home / "config").mkdir()
    (home / "config" / "elasticsearch.yml").write_text("cluster.name: docker-cluster\n", encoding="utf-8")
    for name in ("logs", "tmp", "data"):
        (home / name).mkdir()


def _copy(source: Path, target: Path) -> None:
    for file in sorted(source.rglob("*")):
        name = file.relative_to(source)
        if file.is_file() and not _SKIPPED.search(str(name)):
            _copy_file(file, target / name)


def _copy_file(source: Path, target: Path, mode: int = 0o644) -> None:
    """Copy a file, whatever rights this machine's umask and owner gave it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)
