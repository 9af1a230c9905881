"""The performance table (`make bench`): how long the commands take, beside what they may take.

Everything is measured in one run on a cluster of its own, and previews are compared with those of an empty program that
run in turn with ours, so that a busy machine slows both. Nothing here fails when a budget is missed: the table says so.
"""

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.cluster import down
from tools.errors import ToolError
from tools.layout import repository, work_dir
from tools.stack import policies
from tools.stack.session import Request, Session, prepare

CLUSTER = "bench"
ROUNDS = 5
_DEV_SECONDS = 30.0
_PROD_SECONDS = 45.0
_PREVIEW_RATIO = 3.0

_EMPTY_PROJECT = """\
name: empty
runtime:
  name: python
  options: {{toolchain: uv, virtualenv: "{virtualenv}"}}
"""


@dataclass(frozen=True)
class Row:
    """A line of the table; `budget` is what the value may be, in the same unit."""

    what: str
    value: float
    unit: str
    budget: float | None = None

    def __str__(self) -> str:
        told = f"{self.what:<58}{self.value:>8.2f} {self.unit}"
        if self.budget is None:
            return told
        return f"{told}   budget {self.budget:g} {self.unit}  {'kept' if self.value <= self.budget else 'MISSED'}"


def main(environment: Mapping[str, str]) -> int:
    """Measure and print the table.

    Raises:
        ToolError: a command that is measured fails.
    """
    say("the table takes about 3 minutes; nothing else should run on this machine meanwhile")
    down(CLUSTER)
    try:
        rows = [
            Row("make up STACK=dev, from no cluster", timed_make("up", "dev"), "s", _DEV_SECONDS),
            Row("make up STACK=prod, beside it", timed_make("up", "prod"), "s", _PROD_SECONDS),
            *_previews(environment),
            Row("make down STACK=prod DATA=keep", timed_make("down", "prod", "DATA=keep"), "s"),
            Row("make down STACK=dev", timed_make("down", "dev"), "s"),
        ]
    finally:
        down(CLUSTER)
    print(*rows, sep="\n")
    return 0


def timed_make(target: str, stack: str, *variables: str) -> float:
    """Seconds that a make target takes on the bench's own cluster."""
    say(f"make {target} STACK={stack}")
    return _seconds(["make", "--silent", target, f"STACK={stack}", f"CLUSTER={CLUSTER}", *variables], None)


def _previews(environment: Mapping[str, str]) -> list[Row]:
    session = prepare(Request(stack="prod", cluster=CLUSTER), environment, say)
    session.stack.refresh()
    pack = policies.flags(repository(), "prod")
    empty = _EmptyProgram(session)
    preview = ("preview", "--non-interactive", "--expect-no-changes")
    prod = (session.pulumi, *preview, "--stack", "prod", "--config-file", session.stack.copy)
    say(f"no-op previews, {2 * (ROUNDS + 1)} of each program")
    with_pack = in_turn(lambda: _seconds([*prod, *pack], session.environment), lambda: empty.run(*preview, *pack))
    plain = in_turn(lambda: _seconds(prod, session.environment), lambda: empty.run(*preview))
    empty.remove()
    resources = _resources(session)
    return [
        Row("no-op preview of prod", plain[0], "s"),
        Row("no-op preview of an empty program", plain[1], "s"),
        Row("ratio of the two", plain[0] / plain[1], "x", _PREVIEW_RATIO),
        Row("no-op preview of prod, with the policy pack", with_pack[0], "s"),
        Row("no-op preview of an empty program, with the policy pack", with_pack[1], "s"),
        Row("ratio of the two", with_pack[0] / with_pack[1], "x", _PREVIEW_RATIO),
        Row(f"preview, for each of {resources} resources", (plain[0] - plain[1]) / resources * 1000, "ms"),
    ]


def in_turn(first: Callable[[], float], second: Callable[[], float]) -> tuple[float, float]:
    """Medians of both measurements, taken alternately; what the first round warms up does not count."""
    first(), second()
    pairs = [(first(), second()) for _ in range(ROUNDS)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


class _EmptyProgram:
    """A deployed program without resources, with the same interpreter and packages."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._folder = work_dir() / "bench"
        self.remove()
        self._folder.mkdir(parents=True)
        project = _EMPTY_PROJECT.format(virtualenv=repository() / ".venv")
        (self._folder / "Pulumi.yaml").write_text(project, encoding="utf-8")
        (self._folder / "__main__.py").write_text('"""Nothing."""\n', encoding="utf-8")
        self.run("stack", "init", "empty", "--no-select")
        self.run("up", "--yes", "--skip-preview", "--non-interactive")

    def run(self, *arguments: str | Path) -> float:
        variables = {**self._session.environment, "PULUMI_STACK": "empty"}
        return _seconds([self._session.pulumi, *arguments], variables, self._folder)

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _resources(session: Session) -> int:
    return session.ask("stack", "export", "--stack", "prod").count('"urn":')


def _seconds(
    command: list[str | Path] | tuple[str | Path, ...],
    environment: Mapping[str, str] | None,
    folder: Path | None = None,
) -> float:
    began = time.monotonic()
    done = subprocess.run(
        command,
        env=None if environment is None else dict(environment),
        cwd=folder or repository(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ToolError(f"bench: `{' '.join(map(str, command[:3]))}` failed:\n{done.stdout[-3000:]}")
    return time.monotonic() - began


def say(line: str) -> None:
    """Tell what is being measured, beside the table."""
    print(f"bench: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    import os

    try:
        sys.exit(main(os.environ))
    except ToolError as problem:
        sys.exit(str(problem))
