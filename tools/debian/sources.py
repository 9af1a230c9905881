"""Where this machine gets Debian's packages from: its own package sources, without those of others."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from tools.errors import ToolError

_OLDEST_DEBIAN = 12
_KEYRING = "debian-archive-"
_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?\S+:")
_SIGNED_BY = re.compile(r"signed-by=(\S+)", re.IGNORECASE)

NEEDS = (
    "`make test-dataplane` and real nodes run the programs of Debian's packages, which needs Debian 12 or newer, and "
    "its apt"
)


@dataclass(frozen=True)
class Sources:
    """The entries that name Debian's own archive, in apt's two notations."""

    stanzas: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        """Put them into a folder of their own, as apt expects them."""
        folder.mkdir(parents=True)
        (folder / "debian.sources").write_text("\n\n".join(self.stanzas) + "\n", encoding="utf-8")
        (folder / "debian.list").write_text("\n".join(self.lines) + "\n", encoding="utf-8")


def require_debian(etc: Path) -> None:
    """Make sure that this machine's packages are those that the tests were made for.

    Raises:
        ToolError: it runs another distribution, or an older Debian.
    """
    file = etc / "os-release"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    said = {name: value.strip('"') for name, _, value in (line.partition("=") for line in text.splitlines())}
    version = said.get("VERSION_ID", "")
    # Testing and unstable have no number, and are newer.
    if said.get("ID") == "debian" and (not version.isdecimal() or int(version) >= _OLDEST_DEBIAN):
        return
    name = said.get("PRETTY_NAME", "unknown")
    raise ToolError(
        f"{NEEDS}; {file} says: {name}.\n  A container of debian:12 with --privileged will do; every other command "
        "works without."
    )


def debian_sources(etc: Path) -> Sources:
    """What the machine's apt is configured for, as far as it is, or can be, Debian's own archive.

    An entry that names no keyring is kept: apt then trusts Debian's and the administrator's.

    Raises:
        ToolError: there is none.
    """
    folder = etc / "apt" / "sources.list.d"
    stanzas = tuple(stanza for file in sorted(folder.glob("*.sources")) for stanza in _stanzas(file))
    lists = [etc / "apt" / "sources.list", *sorted(folder.glob("*.list"))]
    lines = tuple(line for file in lists if file.is_file() for line in _lines(file))
    if not stanzas and not lines:
        raise ToolError(f"{NEEDS}; {etc / 'apt'} names no package source of Debian's. `man sources.list` shows one.")
    return Sources(stanzas, lines)


def _stanzas(file: Path) -> Iterator[str]:
    text = "\n".join(line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", text.strip()):
        fields = {name.lower(): value.strip() for name, value in re.findall(r"(?m)^([\w-]+):(.*)$", stanza)}
        wanted = "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() != "no"
        if wanted and _is_debians(fields.get("signed-by")):
            yield stanza


def _lines(file: Path) -> Iterator[str]:
    for line in file.read_text(encoding="utf-8").splitlines():
        entry = _LINE.match(line.strip())
        if entry:
            signed_by = _SIGNED_BY.search(entry["options"] or "")
            if _is_debians(signed_by[1] if signed_by else None):
                yield line.strip()


def _is_debians(keyring: str | None) -> bool:
    return keyring is None or PurePath(keyring).name.startswith(_KEYRING)
