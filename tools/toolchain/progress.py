"""Says on standard error what is being done, how far it is and how long each step took."""

import shutil
import sys
import time
from collections.abc import Sequence
from typing import TextIO

_SECONDS_BETWEEN_LINES = 60.0
_SECONDS_BETWEEN_UPDATES = 0.5
_MINUTE = 60
_NEAR = 10


class Progress:
    """Lines for finished steps; between them a line that keeps its place on a terminal, or one a minute in a log."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._total = 0
        self._done = 0
        self._said = time.monotonic()

    def expect(self, steps: int) -> None:
        """Set how many more steps there will be."""
        self._total = self._done + steps

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self.clear()
        print(f"tools: {text}", file=self._stream, flush=True)
        self._said = time.monotonic()

    def started(self, title: str) -> None:
        """Note that a step begins."""
        if not self._live:
            self.say(f"{title} …")

    def finished(self, title: str, seconds: float) -> None:
        """Note that a step is done."""
        self._done += 1
        self.say(f"[{self._done}/{max(self._total, self._done)}] {title}: {duration(seconds)}")

    def tick(self, running: Sequence[tuple[str, float]]) -> None:
        """Show the running steps with their seconds so far, if it is time for it."""
        due = _SECONDS_BETWEEN_UPDATES if self._live else _SECONDS_BETWEEN_LINES
        if not running or time.monotonic() - self._said < due:
            return
        now = " · ".join(f"{title} ({duration(seconds)})" for title, seconds in running)
        if not self._live:
            self.say(f"still at it: {now}")
            return
        line = f"tools: [{self._done}/{self._total}] {now}"
        print(f"\r{line[: shutil.get_terminal_size().columns - 1]}\x1b[K", end="", file=self._stream, flush=True)
        self._said = time.monotonic()

    def clear(self) -> None:
        """Remove the line that keeps its place."""
        if self._live:
            print("\r\x1b[K", end="", file=self._stream, flush=True)


def duration(seconds: float) -> str:
    """A time span for people: 0.4 s, 42 s, 3 min 7 s."""
    if seconds < _NEAR:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
