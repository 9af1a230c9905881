"""The places that a run of the builder reads and writes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.layout import cache_dir, repository


@dataclass(frozen=True)
class Site:
    """One clone, one cache folder and the environment that commands start from."""

    repository: Path
    cache: Path
    environment: Mapping[str, str]

    @classmethod
    def here(cls) -> "Site":
        """The clone that this file belongs to, in the environment of this process."""
        return cls(repository=repository(), cache=cache_dir(), environment=dict(os.environ))

    @property
    def sources(self) -> Path:
        """Folder with one Go module per part."""
        return self.repository / "tools" / "go"

    @property
    def toolchain(self) -> Path:
        """Folder of everything that is built."""
        return self.cache / "toolchain"

    @property
    def logs(self) -> Path:
        """Folder with the output of the latest run of each step."""
        return self.toolchain / "logs"

    @property
    def staging(self) -> Path:
        """Folder of what is not finished; nothing in it is ever used by a later run."""
        return self.toolchain / "staging"

    @property
    def go_build(self) -> Path:
        """Go's build cache, unless the user has chosen one."""
        return self.cache / "go-build"

    @property
    def uv(self) -> Path:
        """Folder of uv where PATH has none that is new enough."""
        return self.cache / "uv"

    @property
    def images(self) -> Path:
        """Images that tests on real nodes make."""
        return self.cache / "images"

    @property
    def debian(self) -> Path:
        """Folder of Debian's programs, with one folder in it for each set of packages."""
        return self.cache / "debian"

    @property
    def venv(self) -> Path:
        """The clone's Python environment."""
        return self.repository / ".venv"

    @property
    def outside_path(self) -> str:
        """PATH without the folders that this project makes itself, which `make env` puts there."""
        own = (self.cache, self.repository / ".work", self.venv)
        entries = self.environment.get("PATH", os.defpath).split(os.pathsep)
        return os.pathsep.join(
            entry for entry in entries if not any(Path(entry).is_relative_to(folder) for folder in own)
        )
