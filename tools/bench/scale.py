"""What size costs: many collectors on many nodes, and a second installation in the same cluster."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools.bench.table import CLUSTER, Row, Taken, say, taken
from tools.cluster import ClusterTools, down, up
from tools.errors import ToolError
from tools.layout import repository
from tools.stack import files, policies
from tools.stack.session import Request, Session, prepare
from tools.toolchain import ensure

NODES = 30
SMALL, LARGE = 3, 100
_ROUNDS = 3
_RATIO = 1.25
"""What replicas, or a neighbour, may add. Both are nobody's resources of the stack that is measured."""
_UP_RATIO = 2.0
"""More for an `up`, which waits until the last of the hundred runs."""


@dataclass(frozen=True)
class Case:
    """An installation that is measured."""

    name: str
    collectors: int
    title: str


CASES = (
    Case("bench-small", SMALL, f"{SMALL} collectors"),
    Case("bench-large", LARGE, f"{LARGE} collectors"),
    Case("bench-second", SMALL, f"{SMALL} collectors, beside two installations"),
)


@dataclass(frozen=True)
class Figures:
    """What an installation took."""

    resources: int
    first: Taken
    """The preview of everything."""
    up: Taken
    again: Taken
    """A preview that finds no change."""


def rows(environment: Mapping[str, str]) -> list[Row]:
    """Measure. Raises ToolError where a command fails."""
    down(CLUSTER)
    try:
        up(CLUSTER, ClusterTools(ensure().bin), count=NODES)
        session = prepare(Request(stack="prod", cluster=CLUSTER), environment, say)
        previewed = {case: _deployed(session, case) for case in CASES}
        again = _in_turn({case: partial(_pulumi, session, case, "preview", "--expect-no-changes") for case in CASES})
        found = {
            case: Figures(_resources(session, case), first, made, again[case])
            for case, (first, made) in previewed.items()
        }
    finally:
        down(CLUSTER)
    small, *others = CASES
    return [
        *_plain(small, found[small]),
        *(row for case in others for row in _compared(case, found[case], found[small])),
    ]


def stack_text(text: str, case: Case) -> str:
    """Production's stack file, for an installation of that name with as many collectors as `case` has, always.

    Raises:
        ToolError: the file no longer says what is changed here.
    """
    bounds = f"replicas: {{min: {case.collectors}, max: {case.collectors}}}"
    for old, new in (
        ("  tracardi:installation:\n", f"  tracardi:installation:\n    name: {case.name}\n"),
        ("    replicas: {min: 3, max: 10}\n", f"    {bounds}\n"),
        ("    keep: true\n", "    keep: false\n"),
    ):
        if text.count(old) != 1:
            raise ToolError(f"bench: Pulumi.prod.yaml has no line {old.strip()!r} to change, or several")
        text = text.replace(old, new)
    return text


def _deployed(session: Session, case: Case) -> tuple[Taken, Taken]:
    say(f"an installation of {case.title}, on {NODES} nodes")
    file = _file(session, case)
    session.stack.refresh()  # the project's file beside it, without which there is no stack to make
    session.ask("stack", "init", case.name, "--no-select", "--non-interactive")
    own = file.read_text(encoding="utf-8") if file.exists() else ""
    text = (repository() / "Pulumi.prod.yaml").read_text(encoding="utf-8")
    file.write_text(files.merged(stack_text(text, case), own), encoding="utf-8")
    judged = ("preview", *policies.flags(repository(), "prod"))
    return _pulumi(session, case, *judged), _pulumi(session, case, "up", "--yes", "--skip-preview")


def _file(session: Session, case: Case) -> Path:
    return session.stack.folder / f"Pulumi.{case.name}.yaml"


def _pulumi(session: Session, case: Case, *arguments: str | Path) -> Taken:
    options = ("--non-interactive", "--stack", case.name, "--config-file", _file(session, case))
    return taken((session.pulumi, *arguments, *options), {**session.environment, "PULUMI_STACK": case.name})


def _in_turn(measurements: Mapping[Case, Callable[[], Taken]]) -> dict[Case, Taken]:
    """The quickest of some rounds for each, and the most memory."""
    rounds = [{case: measure() for case, measure in measurements.items()} for _ in range(_ROUNDS)]
    return {
        case: Taken(min(each[case].seconds for each in rounds), max(each[case].memory for each in rounds))
        for case in measurements
    }


def _resources(session: Session, case: Case) -> int:
    return session.ask("stack", "export", "--stack", case.name).count('"urn":')


def _plain(case: Case, found: Figures) -> list[Row]:
    title = f"{case.title} on {NODES} nodes"
    return [
        Row(f"{title}: resources", found.resources, ""),
        Row(f"{title}: first preview, with the pack", found.first.seconds, "s"),
        Row(f"{title}: up", found.up.seconds, "s"),
        Row(f"{title}: preview of no change", found.again.seconds, "s"),
        Row(f"{title}: memory of the first preview", found.first.memory / 1e6, "MB"),
        Row(f"{title}: memory of up", found.up.memory / 1e6, "MB"),
    ]


def _compared(case: Case, found: Figures, small: Figures) -> list[Row]:
    return [
        Row(f"{case.title}: resources", found.resources / small.resources, "x", 1.0),
        Row(f"{case.title}: first preview", found.first.seconds / small.first.seconds, "x", _RATIO),
        Row(f"{case.title}: up", found.up.seconds / small.up.seconds, "x", _UP_RATIO),
        Row(f"{case.title}: preview of no change", found.again.seconds / small.again.seconds, "x", _RATIO),
        Row(f"{case.title}: memory of the preview", found.first.memory / small.first.memory, "x", _RATIO),
        Row(f"{case.title}: memory of up", found.up.memory / small.up.memory, "x", _RATIO),
    ]
