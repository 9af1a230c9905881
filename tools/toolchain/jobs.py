"""Runs jobs, some at a time, and says how far they are."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tools.errors import ToolError
from tools.toolchain.commands import Child, Command, ending_on_signals, undisturbed
from tools.toolchain.progress import Progress

_LONGEST_PAUSE = 0.1
_LINES_SHOWN = 15


@dataclass(frozen=True)
class Job:
    """Work with a title, done as commands with Python between them.

    `steps` yields each command to run and goes on only when it has ended well; so what it does last publishes the
    result, and a job that is interrupted has published nothing.
    """

    title: str
    steps: Iterator[Command]
    remedy: str = ""
    """What to do when a command fails, as far as that is known beforehand."""


class CommandFailedError(ToolError):
    """A command ended badly; the message holds its last lines and where the rest is."""


@dataclass
class _Running:
    job: Job
    child: Child | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def advance(self) -> bool:
        """Go on as far as possible without waiting; true when the job is done."""
        if self.child is not None:
            status = self.child.status()
            if status is None:
                return False
            if status != 0:
                raise CommandFailedError(_failure(self.job, self.child, status))
        command = next(self.job.steps, None)
        try:
            with undisturbed():
                self.child = Child(command) if command else None
        except OSError as error:
            raise CommandFailedError(f"{self.job.title}: {error.filename} cannot be run: {error.strerror}") from error
        return command is None


def run(jobs: Iterable[Job], progress: Progress, at_once: int = 1) -> None:
    """Run the jobs in their order, at most `at_once` of them side by side.

    Raises:
        CommandFailedError: a command of a job failed; the others are ended.
    """
    waiting, running = deque(jobs), list[_Running]()
    with ending_on_signals():
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    running.append(_Running(waiting.popleft()))
                    progress.started(running[-1].job.title)
                for each in [each for each in running if each.advance()]:
                    running.remove(each)
                    progress.finished(each.job.title, each.seconds)
                progress.tick([(each.job.title, each.seconds) for each in running])
                if running:
                    time.sleep(_pause(min(each.seconds for each in running)))
        finally:
            progress.clear()
            for each in running:
                if each.child is not None:
                    each.child.end()


def last_lines(log: Path) -> str:
    """The end of a log, indented, for a message."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"    {line}" for line in lines[-_LINES_SHOWN:])


def _pause(seconds: float) -> float:
    """How long to wait before the next look, so that neither short steps wait nor long ones cost."""
    return min(_LONGEST_PAUSE, 0.002 + seconds / 50)


def _failure(job: Job, child: Child, status: int) -> str:
    command = child.command
    program = Path(command.arguments[0]).name
    how = f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"
    if child.timed_out:
        how = f"took longer than {command.limit_seconds:.0f} s"
    end = last_lines(command.log)
    parts = [f"{job.title}: {program} {how}; its output is in {command.log}" + (" and ends with" if end else ""), end]
    return "\n".join(part for part in [*parts, job.remedy] if part)
