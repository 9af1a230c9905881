"""Stack files, and the copies that Pulumi works on.

Pulumi writes the salt of a passphrase, or the key of a secrets provider, into the stack file of whoever runs it. The
files in the repository are everybody's and stay as they are: Pulumi is given a copy in an ignored folder, which is the
stack file plus those lines.
"""

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError

_SECRETS_LINE = re.compile(r"^(encryptionsalt|encryptedkey|secretsprovider):.*$", re.MULTILINE)
_PROVIDER = re.compile(r"^secretsprovider:\s*[\"']?([^\s\"'#]+)", re.MULTILINE)
_OWN_TARGET = re.compile(r"^\s+[\"']?tracardi:target[\"']?\s*:", re.MULTILINE)
_PROJECT = re.compile(r"^name:\s*[\"']?([A-Za-z0-9._-]+)", re.MULTILINE)


@dataclass(frozen=True)
class StackFile:
    """The stack file of one stack, and its working copy."""

    repository: Path
    stack: str
    folder: Path
    """Folder of working copies. It holds the copies of all stacks of one state backend, and a project file, so that
    Pulumi run there reads and writes the copies."""

    @property
    def tracked(self) -> Path:
        """The stack file in the repository. A stack that somebody made by hand may have none."""
        return self.repository / f"Pulumi.{self.stack}.yaml"

    @property
    def copy(self) -> Path:
        """The copy that Pulumi works on."""
        return self.folder / f"Pulumi.{self.stack}.yaml"

    def refresh(self) -> Path:
        """Bring the copy up to date with the stack file; its path. It is only written when it changes."""
        tracked = _read(self.tracked)
        _write(self.folder / "Pulumi.yaml", f"name: {project(self.repository)}\nruntime: python\n")
        _write(self.copy, merged(tracked, _read(self.copy)))
        return self.copy


def merged(tracked: str, previous: str) -> str:
    """The stack file's text, plus the lines about secrets that only the previous copy has."""
    known = {line[1] for line in _SECRETS_LINE.finditer(tracked)}
    if known & {"encryptionsalt", "encryptedkey"}:
        return tracked
    # A salt is of no use to a key service that the stack file names by now, nor the other way round.
    wanted = {"encryptedkey"} if "secretsprovider" in known else {"encryptionsalt", "secretsprovider", "encryptedkey"}
    own = [line[0] for line in _SECRETS_LINE.finditer(previous) if line[1] in wanted]
    if not own:
        return tracked
    head = tracked if not tracked or tracked.endswith("\n") else f"{tracked}\n"
    return head + "\n".join(own) + "\n"


def secrets_provider(text: str) -> str | None:
    """The key service that a stack file names, or None where secrets are locked with a passphrase."""
    found = _PROVIDER.search(text)
    return found[1] if found and found[1] not in {"passphrase", "default"} else None


def names_target(text: str) -> bool:
    """Whether a stack file itself says which cluster it is for."""
    return _OWN_TARGET.search(text) is not None


def project(repository: Path) -> str:
    """The project's name. Raises ToolError where Pulumi.yaml has none."""
    found = _PROJECT.search(_read(repository / "Pulumi.yaml"))
    if not found:
        raise ToolError(f"{repository / 'Pulumi.yaml'} names no project")
    return found[1]


def known_stacks(repository: Path) -> list[str]:
    """Names of the stacks that have a stack file."""
    files = repository.glob("Pulumi.*.yaml")
    return sorted(file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in files)


def read_stack_file(repository: Path, stack: str) -> str:
    """Text of a stack's file. Raises ToolError, naming the stacks that there are, where it has none."""
    if stack not in known_stacks(repository):
        known = ", ".join(known_stacks(repository)) or "none"
        raise ToolError(
            f"there is no stack {stack}: {repository / f'Pulumi.{stack}.yaml'} does not exist. Stacks: {known}. "
            "Choose one with STACK=…, or copy a stack file and change it."
        )
    return _read(repository / f"Pulumi.{stack}.yaml")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _write(path: Path, text: str) -> None:
    if path.exists() and _read(path) == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", delete=False, encoding="utf-8") as new:
        new.write(text)
    os.replace(new.name, path)  # noqa: PTH105 - a name, not a path, is what the temporary file has
