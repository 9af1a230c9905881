"""What `make up`, `make preview`, `make down` and `make env` do with a session."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError
from tools.stack import certificates, checkpoint, entries, kept, locks, policies, report, shell
from tools.stack.files import StackFile
from tools.stack.process import Outcome
from tools.stack.session import Session

Tell = Callable[[str], None]

# A line of Pulumi's closing summary that counts resources which would change, like "    + 3 to create".
_CHANGE = re.compile(r"^ +[-+~<>=]+ *\d+ to ", re.MULTILINE)
_OUTPUT = re.compile(r"^Outputs:$", re.MULTILINE)
_INTERRUPTED = 130

OVERDUE = "certificates are overdue"
"""Verdict on a change that no rule forbids, of a stack that waits for an `up` for too long."""


@dataclass(frozen=True)
class Judged:
    """What came of a preview with the policy pack."""

    status: int
    """0 only if every rule that forbids something agreed."""
    verdict: str
    """The same in a few words."""
    text: str
    """All that Pulumi said."""
    interrupted: bool
    certificates: tuple[str, ...] = ()
    """Lines about certificates that come near their end."""


def up(session: Session, tell: Tell) -> int:
    """Bring the cluster to what the stack says, and tell what to do with it; Pulumi's exit status."""
    began = time.monotonic()
    session.create()
    _make_way(session, tell)
    # With its preview first: rules about the whole stack are judged at the end, in an update only after the changes.
    outcome = session.run("up", "--yes", *policies.flags(session.stack.repository, session.stack.stack))
    if outcome.status == 0:
        tell("")
        for line in report.after_up(session, time.monotonic() - began):
            tell(line)
    elif not outcome.interrupted:
        for line in (*entries.without_address(session, outcome.text), *_pack_trouble(session, outcome)):
            tell(line)
    return _status(session, outcome, tell, "make up")


def preview(session: Session, tell: Tell) -> int:
    """Show what `up` would change, judged by the policy pack; its exit status.

    0 only if every rule that forbids something agreed, and no certificate waits for an overdue `up`.
    """
    return judge(session, tell).status


def judge(session: Session, tell: Tell) -> Judged:
    """Show what `up` would change, how the policy pack judges it, and which certificates wait for it."""
    session.create()
    pack = policies.flags(session.stack.repository, session.stack.stack)
    outcome = session.run("preview", *pack)
    ending = certificates.Examination((), overdue=False) if outcome.interrupted else certificates.examine(session)
    status, verdict = _judgement(outcome, ending)
    for line in ending.lines:
        tell(line)
    match verdict:
        case "accepted":
            changes = _CHANGE.search(outcome.text) or _OUTPUT.search(outcome.text)
            tell("preview: accepted; the changes are those above" if changes else "preview: accepted; no change")
        case "not judged":
            tell(
                f"preview: these rules could not run, because they read values that are only known after the change: "
                f"{', '.join(policies.not_run(outcome.text))}. What has not been judged is not passed."
            )
        case _ if verdict == OVERDUE:
            tell("preview: not accepted, because of these certificates; rules have nothing against the changes")
        case _:
            for line in _pack_trouble(session, outcome):
                tell(line)
            status = _status(session, outcome, tell, "make preview")
    return Judged(status, verdict, outcome.text, outcome.interrupted, ending.lines)


def misconfigured(session: Session) -> list[str]:
    """What is wrong with the policy pack's configuration files, a line each."""
    python = Path(session.environment["VIRTUAL_ENV"]) / "bin" / "python"
    return [f"policies/{problem}" for problem in policies.misconfigured(session.stack.repository, python)]


def _judgement(outcome: Outcome, ending: certificates.Examination) -> tuple[int, str]:
    if outcome.interrupted or outcome.status != 0:
        return outcome.status, _refusal(outcome) or "failed"
    if policies.not_run(outcome.text):
        return 1, "not judged"
    return (1, OVERDUE) if ending.overdue else (0, "accepted")


def down(session: Session, tell: Tell, *, keep: bool = False) -> int:
    """Remove everything that the stack made, then the stack; the stack file stays. Pulumi's exit status.

    With `keep`, its data stays in the cluster. Raises ToolError where data is kept and nobody has said what becomes of
    it.
    """
    session.stack.refresh()
    data = kept.examine(session, keep=keep)
    _make_way(session, tell)
    if data.guarded:
        kept.release(session, keep=keep)
    # The question has been asked by typing the command; a preview would only say the same twice.
    outcome = session.run("destroy", "--yes", "--skip-preview")
    if outcome.status == 0:
        # Among the working copies, so that it is the copy which Pulumi removes with the stack.
        session.ask("stack", "rm", session.stack.stack, "--yes", "--non-interactive")
        for line in kept.farewell(session, data, keep=keep):
            tell(line)
    return _status(session, outcome, tell, "make down", keep=keep)


def outputs(session: Session, names: list[str], *, show_secrets: bool) -> str:
    """What `pulumi stack output` prints: all outputs as JSON, or the value of one. Raises ToolError."""
    secrets = ("--show-secrets",) if show_secrets else ()
    if not session.exists() and session.target.state is not None:
        raise ToolError(f"stack {session.stack.stack} does not exist on {session.target.title}; `make up` creates it.")
    session.stack.refresh()
    return session.ask("stack", "output", *(names or ["--json"]), *secrets)


def env(session: Session, current: Mapping[str, str]) -> str:
    """Shell commands after which plain pulumi, kubectl and python work on the stack."""
    session.create()
    return "".join(f"{line}\n" for line in shell.script(current, session.environment))


def _make_way(session: Session, tell: Tell) -> None:
    """Refuse while somebody else changes the stack, and clear up after a command that was cut off."""
    state, stack = session.target.state, session.stack.stack
    if state is None:
        return  # Pulumi asks such a backend itself
    cancel = f"{report.enter(session)} && pulumi cancel --yes"
    locks.open_or_refuse(
        locks.held(state, session.project, stack), stack, cancel, tell if session.target.private_state else None
    )
    count = checkpoint.pending_operations(state, session.project, stack)
    if not count:
        return
    pending = "one change" if count == 1 else f"{count} changes"
    if session.target.private_state:
        tell(f"stack {stack}: an earlier command left {pending} unfinished; looking at what became of it")
        outcome = session.run(*report.CLEAR_UP)
        if outcome.status != 0:
            raise ToolError(f"stack {stack} could not be compared with its cluster; see above.")
        return
    tell(
        f"stack {stack}: an earlier command left {pending} unfinished. What was being created may exist by now; when "
        f"you have looked after it:\n  {report.clear_up(session)}"
    )


def _status(session: Session, outcome: Outcome, tell: Tell, command: str, *, keep: bool = False) -> int:
    if outcome.interrupted:
        tell(
            f"{command}: stopped on request. What was done is recorded; "
            f"`{report.make('up', session)}` goes on, `{report.down(session, keep=keep)}` takes it down."
        )
        return outcome.status or _INTERRUPTED
    if outcome.status != 0:
        for line in _borrowed(session.stack, outcome):
            tell(line)
        tell(f"{command}: {_refusal(outcome, ' the policy pack:') or 'failed'}; Pulumi says above why")
    return outcome.status


def _refusal(outcome: Outcome, pack: str = "") -> str | None:
    """Which rules kept the change from being accepted."""
    if rules := policies.forbidding(outcome.text):
        return f"refused by{pack} {', '.join(rules)}"
    if rules := policies.failed(outcome.text):
        return f"not judged, because of a mistake in the policy pack: {', '.join(rules)}"
    return None


def _borrowed(stack: StackFile, outcome: Outcome) -> Iterator[str]:
    """By whose numbers a stack was refused that has none of its own."""
    if policies.forbidding(outcome.text) and (files := policies.borrowed(stack.repository, stack.stack)):
        own, strictest = files
        yield f"stack {stack.stack} is judged by {strictest}, because there is no {own}; a copy of another goes there"


def _pack_trouble(session: Session, outcome: Outcome) -> list[str]:
    """What is wrong with the pack's configuration, where that may be why no rule spoke."""
    return [] if outcome.interrupted or _refusal(outcome) else misconfigured(session)
