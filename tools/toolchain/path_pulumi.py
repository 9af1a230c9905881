"""Decides whether the pulumi on PATH will do."""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError
from tools.toolchain.commands import Command
from tools.toolchain.jobs import CommandFailedError, Job, run
from tools.toolchain.model import Plugin
from tools.toolchain.parts import PULUMI_VERSION
from tools.toolchain.progress import Progress
from tools.toolchain.site import Site

_ANSWER_SECONDS = 20.0
_FIRST_PLUGIN_SECONDS = 30.0
_PLUGIN_SECONDS = 300.0
_LANGUAGE_HOST = "pulumi-language-python"


class PulumiRefusedError(ToolError):
    """The pulumi on PATH cannot be used; the message says why."""


@dataclass(frozen=True)
class PathPulumi:
    """A pulumi that somebody has installed."""

    program: Path

    @property
    def identity(self) -> str:
        """Changes when another pulumi is installed in its place."""
        file = self.program.resolve()
        facts = file.stat()
        return json.dumps([str(self.program), str(file), facts.st_size, facts.st_mtime_ns])


def find(site: Site) -> PathPulumi | None:
    """The pulumi on PATH, if it is not one of this project's own making."""
    found = shutil.which("pulumi", path=site.outside_path)
    return PathPulumi(Path(found)) if found else None


def pulumi_environment(site: Site, home: Path) -> dict[str, str]:
    """Environment in which pulumi works in a home of ours and asks nobody for news."""
    return {**site.environment, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}


def installed_plugin(home: Path, plugin: Plugin) -> Path | None:
    """The plugin's executable in a pulumi home, or None if it is missing or its installation was interrupted."""
    folder = home / "plugins" / f"resource-{plugin.name}-v{plugin.version}"
    file = folder / plugin.file
    return file if file.is_file() and not folder.with_name(f"{folder.name}.partial").exists() else None


def accept(site: Site, pulumi: PathPulumi, plugins: Sequence[Plugin], home: Path, progress: Progress) -> None:
    """Install the plugins with the pulumi from PATH.

    The smallest one goes first and gets little time, so that a machine without a way to the downloads soon knows.

    Raises:
        PulumiRefusedError: it is too old, has no Python language host or cannot install the plugins.
    """
    progress.expect(1)
    job = Job(f"Trying {pulumi.program} with the plugins' downloads", _steps(site, pulumi, plugins, home))
    try:
        run([job], progress)
    except CommandFailedError as failure:
        lines = [line.strip() for line in str(failure).splitlines()]
        raise PulumiRefusedError(f"{pulumi.program}: {lines[-1]}") from failure


def _steps(site: Site, pulumi: PathPulumi, plugins: Sequence[Plugin], home: Path) -> Iterator[Command]:
    environment = pulumi_environment(site, home)
    log, answer = site.logs / "path-pulumi.log", site.logs / "path-pulumi-version.txt"
    home.mkdir(parents=True, exist_ok=True)
    yield Command((pulumi.program, "version"), environment, home, log, answer, _ANSWER_SECONDS)
    _check_version(pulumi, answer.read_text())
    beside = pulumi.program.resolve().with_name(_LANGUAGE_HOST)
    if not beside.exists() and shutil.which(_LANGUAGE_HOST, path=site.outside_path) is None:
        raise PulumiRefusedError(f"{pulumi.program} comes without {_LANGUAGE_HOST}")
    limit = _FIRST_PLUGIN_SECONDS
    for plugin in plugins:
        if installed_plugin(home, plugin) is None:
            install = ("plugin", "install", "resource", plugin.name, plugin.version, "--exact", "--non-interactive")
            yield Command((pulumi.program, *install), environment, home, log, limit_seconds=limit)
        limit = _PLUGIN_SECONDS


def _check_version(pulumi: PathPulumi, answer: str) -> None:
    numbers = re.search(r"(\d+)\.(\d+)\.(\d+)", answer)
    if numbers is None:
        raise PulumiRefusedError(f"{pulumi.program} does not tell its version")
    if tuple(int(number) for number in numbers.groups()) < PULUMI_VERSION:
        wanted = ".".join(str(number) for number in PULUMI_VERSION)
        raise PulumiRefusedError(f"{pulumi.program} is {numbers[0]}, older than {wanted}")
