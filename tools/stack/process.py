"""Runs Pulumi: what it says goes to the terminal as it is said, and is kept for us to read."""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Self

from tools.stack import terminal

# What a person or a system means as "stop", and what makes Pulumi finish the steps under way and release its lock.
_FORWARDED = {signal.SIGINT: signal.SIGINT, signal.SIGTERM: signal.SIGTERM, signal.SIGHUP: signal.SIGTERM}
_SIGNALLED = 128


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    """Exit status, in the shell's terms: 128 and the number where a signal ended it."""
    text: str
    """What it said, without colours."""
    interrupted: bool
    """Whether it was asked to stop."""


def run(command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> Outcome:
    """Run a command, showing what it says on standard output.

    The command is in a process group of its own and gets each signal of ours once. Otherwise Ctrl-C would reach it
    twice, from the terminal and from us, and the second one tells Pulumi to drop everything.
    """
    with _Signals() as signals:
        with subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            signals.go_to(process)
            text = "".join(_shown(process))
        status = process.returncode
        return Outcome(status if status >= 0 else _SIGNALLED - status, text, interrupted=signals.received)


class _Signals:
    """Catches signals from before the command begins until it has ended, and sends them on to it."""

    def __init__(self) -> None:
        self._waiting: list[signal.Signals] = []
        self._process: subprocess.Popen[bytes] | None = None
        self.received = False

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._receive) for number in _FORWARDED}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def go_to(self, process: subprocess.Popen[bytes]) -> None:
        """Send signals to this process, also those that came before it was there."""
        self._process = process
        while self._waiting:
            process.send_signal(self._waiting.pop())

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self.received = True
        forwarded = _FORWARDED[signal.Signals(number)]
        if self._process is None:
            self._waiting.append(forwarded)
        else:
            self._process.send_signal(forwarded)


def _shown(process: subprocess.Popen[bytes]) -> Iterator[str]:
    digest = terminal.Digest()
    for line in process.stdout or ():
        text = terminal.plain(line.decode(errors="replace"))
        if digest.keeps(text):
            terminal.show(line)
        yield text
