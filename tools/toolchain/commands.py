"""Child processes that end with this one, whatever ends it."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import current_thread, main_thread
from types import FrameType

_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Command:
    """A program to run, with its output kept for the one case that somebody needs it."""

    arguments: Sequence[str | Path]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    """Gets standard error, and standard output too unless `output` is given; begun anew by each command."""
    output: Path | None = None
    limit_seconds: float | None = None
    """The command counts as failed when it takes longer."""


class Child:
    """A running command, in a process group of its own so that its own children end with it."""

    def __init__(self, command: Command) -> None:
        """Start the command.

        Raises:
            OSError: it could not be started.
        """
        self.command = command
        self.timed_out = False
        self._started = time.monotonic()
        command.log.parent.mkdir(parents=True, exist_ok=True)
        with command.log.open("wb") as log, (command.output or Path(os.devnull)).open("wb") as output:
            self._process = subprocess.Popen(
                [str(argument) for argument in command.arguments],
                cwd=command.folder,
                env=dict(command.environment),
                stdin=subprocess.DEVNULL,
                stdout=output if command.output else log,
                stderr=log,
                process_group=0,
            )

    def status(self) -> int | None:
        """Exit status, or None while the command runs; a command beyond its limit is ended."""
        limit = self.command.limit_seconds
        if self._process.poll() is None and limit is not None and time.monotonic() - self._started > limit:
            self.timed_out = True
            self.end()
        return self._process.returncode

    def end(self) -> None:
        """End the command and everything that it started, and wait until it is gone."""
        if self._process.poll() is not None:
            return
        # Not SIGINT, which a shell may have switched off for what it started in the background.
        for how in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, how)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_GRACE_SECONDS)
                return


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit, so that clean-up happens as it does for Ctrl-C."""
    if current_thread() is not main_thread():
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold signals back while something is started, until it is known to whoever would have to end it."""
    if current_thread() is not main_thread():
        yield
        return
    held: list[int] = []

    def hold(number: int, _frame: FrameType | None) -> None:
        held.append(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {
        number: signal.signal(number, hold) for number in numbers if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for caught in held:
            signal.raise_signal(caught)
