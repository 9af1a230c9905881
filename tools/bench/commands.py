"""How long the commands take, previews beside those of an empty program."""

import shutil
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.bench.table import CLUSTER, Row, say, seconds
from tools.cluster import down
from tools.layout import repository, work_dir
from tools.stack import policies
from tools.stack.session import Request, Session, prepare

ROUNDS = 5
_DEV_SECONDS = 30.0
_PROD_SECONDS = 45.0
_PREVIEW_RATIO = 3.0
_PACK_SHARE = 33.3

_EMPTY_PROJECT = """\
name: empty
runtime:
  name: python
  options: {{toolchain: uv, virtualenv: "{virtualenv}"}}
"""
_EMPTY_PACK = """\
version: 0.1.0
runtime:
  name: python
  options: {{toolchain: pip, virtualenv: "{virtualenv}"}}
"""
_RULE_THAT_DOES_NOTHING = """\
from pulumi_policy import PolicyPack, StackValidationPolicy

PolicyPack("empty", [StackValidationPolicy("nothing", "Nothing.", lambda args, report: None)])
"""


def rows(environment: Mapping[str, str]) -> list[Row]:
    """Measure. Raises ToolError where a command fails."""
    down(CLUSTER)
    try:
        return [
            Row("make up STACK=dev, from no cluster", timed_make("up", "dev"), "s", _DEV_SECONDS),
            Row("make up STACK=prod, beside it", timed_make("up", "prod"), "s", _PROD_SECONDS),
            *_previews(environment),
            Row("make down STACK=prod DATA=keep", timed_make("down", "prod", "DATA=keep"), "s"),
            Row("make down STACK=dev", timed_make("down", "dev"), "s"),
        ]
    finally:
        down(CLUSTER)


def timed_make(target: str, stack: str, *variables: str) -> float:
    """Seconds that a make target takes on the bench's own cluster."""
    say(f"make {target} STACK={stack}")
    return seconds(["make", "--silent", target, f"STACK={stack}", f"CLUSTER={CLUSTER}", *variables], None)


def _previews(environment: Mapping[str, str]) -> list[Row]:
    session = prepare(Request(stack="prod", cluster=CLUSTER), environment, say)
    session.stack.refresh()
    pack = policies.flags(repository(), "prod")
    empty = _EmptyProgram(session)
    preview = ("preview", "--non-interactive", "--expect-no-changes")
    prod = (session.pulumi, *preview, "--stack", "prod", "--config-file", session.stack.copy)
    say(f"no-op previews, {ROUNDS + 1} of each kind")
    plain, nothing, judged, empty_plain, empty_judged = in_turn(
        lambda: seconds(prod, session.environment),
        lambda: seconds([*prod, "--policy-pack", _empty_pack()], session.environment),
        lambda: seconds([*prod, *pack], session.environment),
        lambda: empty.run(*preview),
        lambda: empty.run(*preview, *pack),
    )
    empty.remove()
    resources = _resources(session)
    return [
        Row("no-op preview of prod", plain, "s"),
        Row("no-op preview of an empty program", empty_plain, "s"),
        Row("ratio of the two", plain / empty_plain, "x", _PREVIEW_RATIO),
        Row("no-op preview of prod, with the policy pack", judged, "s"),
        Row("no-op preview of an empty program, with the policy pack", empty_judged, "s"),
        Row("ratio of the two", judged / empty_judged, "x", _PREVIEW_RATIO),
        Row("the policy pack adds to the preview of prod", judged - plain, "s"),
        Row("of which a pack of one rule that does nothing adds", nothing - plain, "s"),
        Row("what the policy pack adds, of the preview without it", (judged / plain - 1) * 100, "%", _PACK_SHARE),
        Row(f"preview, for each of {resources} resources", (plain - empty_plain) / resources * 1000, "ms"),
    ]


def in_turn(*measurements: Callable[[], float]) -> tuple[float, ...]:
    """Medians of all measurements, taken in turn; what the first round warms up does not count."""
    rounds = [[measure() for measure in measurements] for _ in range(ROUNDS + 1)]
    return tuple(statistics.median(values) for values in zip(*rounds[1:], strict=True))


def _empty_pack() -> Path:
    """A pack that proves nothing: what it adds is what Pulumi takes to start a pack and to talk to it."""
    folder = work_dir() / "bench-pack"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "PulumiPolicy.yaml").write_text(_EMPTY_PACK.format(virtualenv=repository() / ".venv"), encoding="utf-8")
    (folder / "__main__.py").write_text(_RULE_THAT_DOES_NOTHING, encoding="utf-8")
    return folder


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
        return seconds([self._session.pulumi, *arguments], variables, self._folder)

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.rmtree(work_dir() / "bench-pack", ignore_errors=True)


def _resources(session: Session) -> int:
    return session.ask("stack", "export", "--stack", "prod").count('"urn":')
