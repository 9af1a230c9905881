"""Puts finished parts together to the folder that other tools use."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.toolchain.commands import Command
from tools.toolchain.files import link_or_copy
from tools.toolchain.jobs import Job
from tools.toolchain.model import Plugin
from tools.toolchain.path_pulumi import installed_plugin, pulumi_environment
from tools.toolchain.site import Site


@dataclass(frozen=True)
class Toolchain:
    """What `make tools` has made ready."""

    bin: Path
    """Folder of commands, to be put first on PATH: pulumi with its language host, uv, kwokctl, kubectl and others."""
    pulumi_home: Path
    """Value for PULUMI_HOME; it holds the plugins that the Python SDKs ask for."""


def toolchain_in(folder: Path) -> Toolchain:
    """The toolchain that a folder holds."""
    return Toolchain(bin=folder / "bin", pulumi_home=folder / "pulumi-home")


def put_together(folder: Path, finished: Iterable[Path]) -> list[Path]:
    """Give the commands of finished parts a place in the toolchain; tells where they are now.

    They get a second name there and not a link: pulumi looks for its language host beside the file that it is itself,
    and warns about one that it finds elsewhere.
    """
    placed = []
    for part in finished:
        for file in sorted((part / "bin").glob("*")):
            link_or_copy(file, folder / "bin" / file.name)
            placed.append(folder / "bin" / file.name)
    return placed


def plugin_job(site: Site, toolchain: Toolchain, plugins: Sequence[tuple[Plugin, Path]]) -> Job:
    """The job that installs built plugins into the toolchain's pulumi home."""
    return Job("Plugins into Pulumi's home", _install(site, toolchain, plugins))


def _install(site: Site, toolchain: Toolchain, plugins: Sequence[tuple[Plugin, Path]]) -> Iterator[Command]:
    home = toolchain.pulumi_home
    home.mkdir(parents=True, exist_ok=True)
    for plugin, built in plugins:
        install = ("plugin", "install", "resource", plugin.name, plugin.version, "--file", built, "--reinstall")
        arguments = (toolchain.bin / "pulumi", *install)
        yield Command(arguments, pulumi_environment(site, home), home, site.logs / f"plugin-{plugin.name}.log")
        if copy := installed_plugin(home, plugin):
            # One file under two names instead of a copy saves half a gigabyte.
            link_or_copy(built, copy)


@dataclass(frozen=True)
class Stamp:
    """The note that a group is complete: written last, and worth nothing once one of its files is gone."""

    file: Path

    def write(self, origin: str, files: Iterable[Path]) -> None:
        """Note that the group is complete; `origin` tells what else it depends on."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        new.write_text(json.dumps({"origin": origin, "files": sorted(str(file) for file in files)}, indent=1))
        new.replace(self.file)

    def holds(self, origin: str) -> bool:
        """Whether the group was completed for this origin and is still there."""
        if not self.file.is_file():
            return False
        note = json.loads(self.file.read_text())
        return note["origin"] == origin and all(Path(file).exists() for file in note["files"])
