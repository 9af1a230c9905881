"""The `pulumi` that `make env` puts first on PATH: plain Pulumi that leaves the stack files of the repository alone.

* What runs the program or reads the configuration (`up`, `preview`, `destroy`, `refresh`, `config get`, …) is given
  the working copy of the stack file with `--config-file`, because Pulumi would write the salt of the stack's passphrase
  into the file that it reads.
* `stack init` and `stack history` write there too and know no such flag, and `stack rm` and `destroy --remove` remove
  the stack file; these run in the folder of the working copies instead.
* `config set`, `config rm` and whatever else is there to change the stack file change it. With `--secret` that brings
  the salt into it, which then belongs there: commit both. On an embedded cluster that is refused, because its
  passphrase is public and so would be the secret.

Everything else, other projects and commands with a `--config-file` of their own, goes to Pulumi as it is.
"""

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tools.errors import ToolError
from tools.layout import repository
from tools.stack.files import StackFile
from tools.stack.target import BUILT_IN_PASSPHRASE

FOLDER = "TRACARDI_STACK_COPIES"
"""Variable with the folder of working copies; without it the wrapper changes nothing."""

_DESTROY = (("destroy",), ("down",), ("dn",))
_WITH_CONFIG_FILE = (
    *(("up",), ("update",), ("preview",), ("pre",), *_DESTROY, ("refresh",), ("import",), ("watch",), ("logs",)),
    *(("config",), ("config", "get")),
)
_TAKING_A_NAME = tuple(("stack", word) for word in ("init", "new", "rm", "remove", "select"))
_AMONG_COPIES = tuple(("stack", word) for word in ("init", "new", "history", "hist", "rm", "remove"))
_SECRET_SETTERS = (("config", "set"), ("config", "set-all"))
_FLAGS_WITH_VALUE = frozenset(
    {"-C", "--cwd", "--color", "-v", "--verbose", "--profiling", "--memprofilerate", "--tracing", "-s", "--stack"}
)


@dataclass(frozen=True)
class Invocation:
    """A command line of Pulumi."""

    arguments: tuple[str, ...]

    def words(self) -> Iterator[tuple[int, str]]:
        """The arguments that are neither flags nor the values of flags that can stand before the command's name."""
        value_next = False
        for position, argument in enumerate(self.arguments):
            if value_next or argument.startswith("-"):
                value_next = not value_next and argument in _FLAGS_WITH_VALUE
            else:
                yield position, argument

    def begins(self, words: tuple[str, ...]) -> bool:
        """Whether these are the command's first words; `config` alone is not `config set`."""
        own = tuple(word for _, word in self.words())
        return own[: len(words)] == words and (words != ("config",) or own == words)

    def any_of(self, commands: Sequence[tuple[str, ...]]) -> bool:
        """Whether it is one of the commands."""
        return any(self.begins(command) for command in commands)

    def has(self, flag: str) -> bool:
        """Whether a long flag is given, with or without a value behind `=`."""
        return any(argument == flag or argument.startswith(f"{flag}=") for argument in self.arguments)

    def value(self, short: str, long: str) -> str | None:
        """The last value of a flag, in any of the ways to write it."""
        found = None
        for argument, following in zip(self.arguments, (*self.arguments[1:], ""), strict=False):
            if argument in {short, long}:
                found = following
            elif argument.startswith(f"{long}="):
                found = argument.removeprefix(f"{long}=")
            elif argument.startswith(short) and not argument.startswith("--"):
                found = argument.removeprefix(short).removeprefix("=")
        return found

    def with_flags(self, *flags: str) -> tuple[str, ...]:
        """The arguments with flags put behind the first word, where both global ones and the command's own may be."""
        at = next(position for position, _ in self.words()) + 1
        return (*self.arguments[:at], *flags, *self.arguments[at:])


def rewritten(arguments: Sequence[str], environment: Mapping[str, str], root: Path, here: Path) -> tuple[str, ...]:
    """What to give to Pulumi instead of `arguments`. Raises ToolError for what it must not be asked to do."""
    call = Invocation(tuple(arguments))
    folder = environment.get(FOLDER)
    start = here / (call.value("-C", "--cwd") or "")
    if not folder or call.has("--help") or _project_folder(start) != root:
        return call.arguments
    if call.any_of(_SECRET_SETTERS) and call.has("--secret"):
        _refuse_public_secret(environment)
    stack = _stack(call, environment)
    if not stack:
        return call.arguments
    copies = StackFile(root, stack, Path(folder))
    if _runs_among_copies(call):
        copies.refresh()
        return call.with_flags("--cwd", folder)
    if call.any_of(_WITH_CONFIG_FILE) and not call.has("--config-file"):
        return call.with_flags("--config-file", str(copies.refresh()))
    return call.arguments


def _runs_among_copies(call: Invocation) -> bool:
    removes = call.any_of(_DESTROY) and call.has("--remove")
    creates = call.begins(("stack", "select")) and (call.has("--create") or "-c" in call.arguments)
    return call.any_of(_AMONG_COPIES) or removes or creates


def _stack(call: Invocation, environment: Mapping[str, str]) -> str:
    """Name of the stack that the command is about, without the organisation and project that may stand before it."""
    words = [word for _, word in call.words()]
    named = words[2] if len(words) > len(("stack", "init")) and call.any_of(_TAKING_A_NAME) else None
    return (named or call.value("-s", "--stack") or environment.get("PULUMI_STACK", "")).rpartition("/")[2]


def _project_folder(start: Path) -> Path | None:
    """The folder of the project that Pulumi finds when it is started in `start`."""
    folders = (start.resolve(), *start.resolve().parents)
    return next((folder for folder in folders if (folder / "Pulumi.yaml").exists()), None)


def _refuse_public_secret(environment: Mapping[str, str]) -> None:
    if environment.get("PULUMI_CONFIG_PASSPHRASE") == BUILT_IN_PASSPHRASE:
        raise ToolError(
            "this would lock a secret with the passphrase of embedded clusters, which is public, and put it into the "
            "stack file. Take the stack down (`make down`), set PULUMI_CONFIG_PASSPHRASE to one of your own, and call "
            "`make env` again."
        )


def install(folder: Path, pulumi: Path) -> Path:
    """Put the wrapper of this clone into a folder, as a command that runs with the Python of this process."""
    program = (
        f"import sys; sys.path.insert(0, {str(repository())!r}); "
        f"from tools.stack.wrapper import main; main({str(pulumi)!r}, sys.argv[1:])"
    )
    # Isolated (-I), so that neither the folder it is called in nor the user's PYTHONPATH can stand in for this clone.
    text = f'#!/bin/sh\n# Made by `make env`.\nexec {shlex.quote(sys.executable)} -I -c {shlex.quote(program)} "$@"\n'
    file = folder / "pulumi"
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f".pulumi.{os.getpid()}"
        new.write_text(text, encoding="utf-8")
        new.chmod(0o755)
        new.replace(file)
    return folder


def main(pulumi: str, arguments: Sequence[str]) -> NoReturn:
    """Become the real Pulumi; exit with status 1 where what is asked for is refused."""
    try:
        final = rewritten(arguments, os.environ, repository(), Path.cwd())
    except ToolError as error:
        sys.exit(f"pulumi: {error}")
    os.execv(pulumi, [pulumi, *final])  # noqa: S606 - no shell is wanted between us and it
