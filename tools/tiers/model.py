"""What a tier of tests is, and what is told about one that did not run."""

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.toolchain.site import Site


@dataclass(frozen=True)
class Machine:
    """What is looked at before a tier is begun."""

    root: Path
    """Its root file system."""
    user: int
    """Number of the user that the tests run as."""
    processor: str
    """As `uname -m` names it."""
    site: Site

    @classmethod
    def here(cls) -> "Machine":
        """The machine and the clone that the tests run on."""
        return cls(Path("/"), os.geteuid(), platform.machine(), Site.here())


@dataclass(frozen=True)
class Lack:
    """Something that a tier needs and the machine has not."""

    why: str
    remedy: str


Need = Callable[[Machine], Lack | None]
"""Looks for one thing that a tier cannot do without; None where it is there. Leaves the machine as it was."""


@dataclass(frozen=True)
class Tier:
    """A group of tests with needs of its own."""

    name: str
    """Its make target is `test-<name>`."""
    needs: tuple[Need, ...] = ()
    prepare: str = ""
    """A make target that gets what only this tier runs on. It is made before the first tier: not after half an hour."""

    @property
    def target(self) -> str:
        """The make target that runs the tier alone."""
        return f"test-{self.name}"


@dataclass(frozen=True)
class NotRun:
    """A line of the table."""

    what: str
    why: str
    remedy: str
