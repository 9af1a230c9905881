"""apt on a state of its own: it downloads packages, and neither knows nor touches what the machine has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.debian.sources import Sources
from tools.toolchain.commands import Command

_CONFIGURATION = """\
// What the machine does after an update: it empties the machine's cache and tells its desktop.
#clear APT::Update;
// Only what apt needs to resolve packages; the machine may be set up for more.
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::Languages "none";
Acquire::Retries "2";
APT::Install-Recommends "false";
// Another user could not read a folder below somebody's home.
APT::Sandbox::User "";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Cache::archives "archives";
Dir::Etc::sourcelist "-";
Dir::Etc::sourceparts "{folder}/sources";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
"""


@dataclass(frozen=True)
class Apt:
    """apt's private state in a folder."""

    folder: Path
    environment: Mapping[str, str]
    log: Path

    @property
    def archives(self) -> Path:
        """Folder of the downloaded packages."""
        return self.folder / "cache" / "archives"

    def write(self, sources: Sources) -> None:
        """Lay the state out: these sources, and nothing installed."""
        (self.folder / "state" / "lists" / "partial").mkdir(parents=True)
        (self.archives / "partial").mkdir(parents=True)
        (self.folder / "status").touch()
        sources.write(self.folder / "sources")
        (self.folder / "apt.conf").write_text(_CONFIGURATION.format(folder=self.folder), encoding="utf-8")

    def update(self) -> Command:
        """Read the sources' package lists."""
        return self._apt_get("update", "--error-on=any")

    def download(self, packages: Sequence[str]) -> Command:
        """Fetch the packages and everything that they depend on."""
        return self._apt_get("install", "--yes", "--download-only", *packages)

    def _apt_get(self, *arguments: str) -> Command:
        # Read last, so that it stands above what the machine is set up for, such as its proxy, which stays.
        command = ("apt-get", f"--config-file={self.folder / 'apt.conf'}", "--quiet=2", *arguments)
        return Command(command, {**self.environment, "LC_ALL": "C.UTF-8"}, self.folder, self.log)
