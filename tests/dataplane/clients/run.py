"""A load under way: its clock, and the records of what has ended."""

import asyncio
import threading
import time

from tests.dataplane.clients.outcome import Outcome, Record

_STEP_SECONDS = 0.05


class Run:
    """Shared by the load's thread, which writes, and the test's, which reads."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._skipped = 0
        self._lag = 0.0
        self._began = time.monotonic()
        self._begun = threading.Event()
        self._stopped = threading.Event()

    def now(self) -> float:
        """Seconds since the load began, as in its records."""
        return time.monotonic() - self._began

    def outcome(self) -> Outcome:
        """What has ended so far; after the load, everything."""
        records = sorted(self._records.copy(), key=lambda record: record.at)
        return Outcome(tuple(records), self._skipped, self._lag)

    def begin(self) -> None:
        """Start the clock."""
        self._began = time.monotonic()
        self._begun.set()

    def await_begin(self) -> None:
        """Wait for the clock to start; no longer once the run is stopped."""
        while not (self._begun.wait(_STEP_SECONDS) or self._stopped.is_set()):
            pass

    def stop(self) -> None:
        """Let no further request begin."""
        self._stopped.set()

    async def reach(self, due: float) -> bool:
        """Wait for this second of the run; whether it came before the run was stopped."""
        while not self._stopped.is_set():
            if (ahead := due - self.now()) <= 0:
                return True
            await asyncio.sleep(min(ahead, _STEP_SECONDS))
        return False

    def note(self, record: Record) -> None:
        """A request has ended."""
        self._records.append(record)

    def begun_late(self, seconds: float) -> None:
        """A request began so many seconds after its time."""
        self._lag = max(self._lag, seconds)

    def skip(self) -> None:
        """A request was due that could not be begun."""
        self._skipped += 1
