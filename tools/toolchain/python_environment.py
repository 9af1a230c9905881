"""uv, and with it Python environments: the clone's own, and in the cache those of tools."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError
from tools.toolchain.commands import Command
from tools.toolchain.digest import digest_of
from tools.toolchain.files import link
from tools.toolchain.jobs import Job
from tools.toolchain.model import PythonTool
from tools.toolchain.site import Site

_OLDEST_UV = (0, 9)
_REQUIREMENTS = Path("tools", "requirements-uv.txt")
_STAMP = "tracardi-synced"
_SYNC_REMEDY = (
    "The packages come from the Python package index that uv is configured for (UV_DEFAULT_INDEX), and Python itself "
    "must be 3.11 or newer and installed: it is not downloaded."
)


class UvMissingError(ToolError):
    """There is neither uv nor a pip that could install it."""


@dataclass(frozen=True)
class Environment:
    """A Python environment in `folder`, as the project's pyproject.toml and uv.lock describe it."""

    title: str
    project: Path
    folder: Path
    log: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def wanted(self) -> str:
        """Digest of what it should be."""
        return _digest_of_project(self.project)

    def ready(self) -> bool:
        """Whether it is there and what its lock says."""
        stamp = self.folder / _STAMP
        return self.python.exists() and stamp.is_file() and stamp.read_text() == self.wanted


def own_environment(site: Site) -> Environment:
    """The environment of the clone, which the program and its tests run in."""
    return Environment("Python environment", site.repository, site.venv, site.logs / "python-environment.log")


def tool_digest(site: Site, tool: PythonTool) -> str:
    """Digest of what decides what the tool's environment is."""
    return digest_of((tool.name, _digest_of_project(site.repository / tool.source)))


def tool_environment(site: Site, tool: PythonTool) -> Environment:
    """The environment of a tool, named by its lock: an environment cannot be moved, so it is made in its place."""
    folder = site.toolchain / "environments" / tool.name / tool_digest(site, tool)
    return Environment(tool.title, site.repository / tool.source, folder, site.logs / f"{tool.name}.log")


def uv_on_path(site: Site) -> Path | None:
    """A uv on PATH that is new enough, other than the one in a toolchain of ours."""
    found = shutil.which("uv", path=site.outside_path)
    if found is None:
        return None
    answer = subprocess.run(
        [found, "--version"], env=dict(site.environment), capture_output=True, text=True, check=False
    )
    numbers = re.search(r"(\d+)\.(\d+)", answer.stdout)
    new_enough = numbers is not None and tuple(int(number) for number in numbers.groups()) >= _OLDEST_UV
    return Path(found) if new_enough else None


def own_uv(site: Site) -> Path:
    """Where uv is when PATH has none; named by the requirements, so that a new pin is a new folder."""
    return site.uv / digest_of([_requirements(site).read_text()]) / "bin" / "uv"


def environment_job(site: Site, uv: Path, environments: Sequence[Environment], programs: Path, work: Path) -> Job:
    """The job that brings environments to what their locks say, after installing uv if it is missing.

    uv also gets its place among the toolchain's `programs`.

    Raises:
        UvMissingError: uv is missing, and no Python at hand has pip.
    """
    python = None if uv.exists() else _python_with_pip(site)
    title = ", ".join(environment.title for environment in environments)
    return Job(title, _steps(site, uv, python, environments, programs, work / "uv"), remedy=_SYNC_REMEDY)


def _python_with_pip(site: Site) -> Path:
    candidates = [sys.executable, shutil.which("python3", path=site.outside_path)]
    for candidate in filter(None, candidates):
        asked = subprocess.run(
            [candidate, "-m", "pip", "--version"], env=dict(site.environment), capture_output=True, check=False
        )
        if asked.returncode == 0:
            return Path(candidate)
    raise UvMissingError(
        "uv makes the Python environment; PATH has none that is 0.9 or newer, and python3 has no pip to install it "
        "with.\n  Either put uv on PATH (for example `pipx install uv`), or give python3 its pip (on Debian the "
        "package python3-pip)."
    )


def _steps(
    site: Site, uv: Path, python: Path | None, environments: Sequence[Environment], programs: Path, work: Path
) -> Iterator[Command]:
    if python is not None:
        yield from _install_uv(site, python, work)
    # Pulumi calls uvx to list the packages of an environment that has no pip.
    for program in (uv, uv.with_name("uvx")):
        if program.exists():
            link(program, programs / program.name)
    for environment in environments:
        yield from _sync(site, uv, environment)


def _install_uv(site: Site, python: Path, work: Path) -> Iterator[Command]:
    work.mkdir(parents=True)
    options = ("--quiet", "--no-input", "--disable-pip-version-check", "--require-hashes", "--no-deps", "--no-compile")
    arguments = (python, "-m", "pip", "install", *options, "--target", work / "new", "-r", _requirements(site))
    # A user's settings may ask for an installation into the home folder, which pip refuses beside a target.
    environment = {**site.environment, "PIP_USER": "0", "PIP_ROOT_USER_ACTION": "ignore", "TMPDIR": str(work)}
    yield Command(arguments, environment, work, site.logs / "uv.log")
    folder = own_uv(site).parent.parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    (work / "new").replace(folder)


def _sync(site: Site, uv: Path, environment: Environment) -> Iterator[Command]:
    wanted = environment.wanted
    variables = {name: value for name, value in site.environment.items() if name != "VIRTUAL_ENV"}
    variables |= {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    variables |= {"UV_PROJECT_ENVIRONMENT": str(environment.folder)}
    # Compiled once here: where Python may not write beside its sources, every preview would compile them anew (2 s).
    command = (uv, "sync", "--locked", "--compile-bytecode")
    yield Command(command, variables, environment.project, environment.log)
    (environment.folder / _STAMP).write_text(wanted)


def _digest_of_project(folder: Path) -> str:
    return digest_of((folder / name).read_text() for name in ("pyproject.toml", "uv.lock"))


def _requirements(site: Site) -> Path:
    return site.repository / _REQUIREMENTS
