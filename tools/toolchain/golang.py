"""Finds Go and says how it is called: verified sources only, one place for its cache, nothing beside it."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError
from tools.toolchain.site import Site

BUILD_FLAGS = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")
"""Flags of every build. Debug information is not written at all, as the linker would only strip it again."""

LINK_FLAGS = "-s -w"

_NOT_INHERITED = ("GOOS", "GOARCH", "GOBIN")


class GoMissingError(ToolError):
    """Go is not there or too old."""


@dataclass(frozen=True)
class Go:
    """A Go that can build every part."""

    program: Path
    environment: dict[str, str]


def find_go(site: Site, parts_sources: Iterable[Path], temporary: Path) -> Go:
    """The Go on PATH, with the environment for the builds; its temporary files go below `temporary`.

    Raises:
        GoMissingError: there is none, or it is older than a go.mod asks for.
    """
    needed = max(_required(folder / "go.mod") for folder in parts_sources)
    found = shutil.which("go", path=site.environment.get("PATH"))
    if found is None:
        raise GoMissingError(f"Go {_dotted(needed)} or newer is needed, and there is no `go` on PATH")
    environment = _environment(site, temporary)
    answer = subprocess.run([found, "env", "GOVERSION"], env=environment, capture_output=True, text=True, check=False)
    version = _version(answer.stdout)
    if version is None:
        raise GoMissingError(f"{found} does not tell its version: {(answer.stderr or answer.stdout).strip()}")
    if version < needed:
        raise GoMissingError(f"Go {_dotted(needed)} or newer is needed, and {found} is {_dotted(version)}")
    return Go(Path(found), environment)


def _environment(site: Site, temporary: Path) -> dict[str, str]:
    chosen = {name: value for name, value in site.environment.items() if name not in _NOT_INHERITED}
    return {
        "GOCACHE": str(site.go_build),
        # Larger steps of the garbage collector take about 5 % off the compiler's time.
        "GOGC": "400",
        **chosen,
        # A bare machine has no C compiler, and what was built with one differs from what was built without.
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly",
        "GOWORK": "off",
        "GOTMPDIR": str(temporary),
        "TMPDIR": str(temporary),
    }


def _required(go_mod: Path) -> tuple[int, ...]:
    line = re.search(r"^go (\S+)$", go_mod.read_text(), re.MULTILINE)
    version = _version(line[1]) if line else None
    if version is None:
        raise ToolError(f"{go_mod} does not say which Go it needs: it lacks a line like `go 1.26.0`")
    return version


def _version(text: str) -> tuple[int, ...] | None:
    numbers = re.search(r"\d+(\.\d+)+", text)
    return tuple(int(number) for number in numbers[0].split(".")) if numbers else None


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in version)
