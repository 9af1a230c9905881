"""`make preview-all`: every stack file of the repository judged, as a pull request is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError
from tools.stack import commands, policies
from tools.stack.commands import Tell
from tools.stack.session import Session

_REFERENCE = "docs/policies.md"


@dataclass(frozen=True)
class Verdict:
    """What became of one stack's preview."""

    stack: str
    accepted: bool
    told: str
    """The verdict in some words."""
    details: str = ""
    """What rules, or whoever else refused, said."""


def preview_all(
    stacks: Iterable[str], prepared: Callable[[str], Session], tell: Tell, summary: Path | None = None
) -> int:
    """Preview each stack with the policy pack, tell a line about each, and write them to `summary`; the exit status.

    A stack that cannot be previewed is not accepted, and the others are previewed nevertheless.
    """
    verdicts = []
    for stack in stacks:
        tell(f"preview-all: stack {stack}")
        verdict, stop = _verdict(stack, prepared, tell)
        verdicts.append(verdict)
        if stop:
            break
    accepted = bool(verdicts) and all(verdict.accepted for verdict in verdicts)
    tell("")
    for line in _table(verdicts):
        tell(line)
    if not accepted:
        tell(f"preview-all: not accepted. `make preview STACK=…` shows one stack; {_REFERENCE} explains each rule.")
    if summary:
        with summary.open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in _markdown(verdicts)))
    return 0 if accepted else 1


def _verdict(stack: str, prepared: Callable[[str], Session], tell: Tell) -> tuple[Verdict, bool]:
    """The verdict on a stack, and whether to stop there."""
    try:
        session = prepared(stack)
        judged = commands.judge(session, tell)
    except ToolError as problem:
        tell(f"stack: {problem}")
        return Verdict(stack, accepted=False, told="not judged", details=str(problem)), False
    # A pack that has been told to say nothing accepts anything.
    if not judged.interrupted and (problems := commands.misconfigured(session)):
        told = "\n".join(problems)
        if judged.status == 0:
            tell(told)
        return Verdict(stack, accepted=False, told="not judged: the pack's configuration is wrong", details=told), False
    said = [] if judged.verdict in {"accepted", commands.OVERDUE} else [policies.said(judged.text)]
    details = "\n".join([*said, *judged.certificates])
    return Verdict(stack, judged.status == 0, judged.verdict, details), judged.interrupted


def _table(verdicts: list[Verdict]) -> Iterator[str]:
    width = max((len(verdict.stack) for verdict in verdicts), default=0)
    for verdict in verdicts:
        yield f"preview-all: {verdict.stack:<{width}}  {verdict.told}"


def _markdown(verdicts: list[Verdict]) -> Iterator[str]:
    yield "## Policy pack\n"
    yield "| Stack | Verdict |\n|---|---|"
    for verdict in verdicts:
        yield f"| `{verdict.stack}` | {'✅' if verdict.accepted else '❌'} {verdict.told} |"
    for verdict in verdicts:
        if verdict.details:
            yield f"\n### `{verdict.stack}`\n\n````text\n{verdict.details}\n````"
    yield ""
