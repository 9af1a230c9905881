"""What became of the requests of a load: one record each, and questions to all of them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """One request."""

    event: str
    """The identity of the event that it carried."""
    at: float
    """When it was begun, in seconds since the load began."""
    took: float
    """Seconds until the whole answer was there, or until it failed."""
    status: int | None
    """None for a failure."""
    error: str = ""
    """What failed: the step (connect, answer), the exception's name and what it says."""
    instance: str = ""
    """Who answered, by X-Instance."""
    said: str = ""
    """How an answer of 500 and more began."""

    @property
    def until(self) -> float:
        """When it ended, in seconds since the load began."""
        return self.at + self.took


@dataclass(frozen=True)
class Outcome:
    """All requests of a load, in the order of their beginning."""

    records: tuple[Record, ...]
    skipped: int = 0
    """Requests that were due while too many were outstanding, and were never sent."""
    lag: float = 0
    """The most seconds that a request began later than it was due: the load generator's own fault."""

    @property
    def sent(self) -> int:
        """How many were begun."""
        return len(self.records)

    @property
    def statuses(self) -> Counter[int]:
        """How many answers of each status; failures are not among them."""
        return Counter(record.status for record in self.records if record.status is not None)

    @property
    def failed(self) -> tuple[Record, ...]:
        """Requests without an answer."""
        return tuple(record for record in self.records if record.status is None)

    @property
    def errors(self) -> list[tuple[float, str]]:
        """When each failure happened, and what it was."""
        return [(record.until, record.error) for record in self.failed]

    @property
    def instances(self) -> Counter[str]:
        """How many answers came from each instance."""
        return Counter(record.instance for record in self.records if record.instance)

    def where(self, wanted: Callable[[Record], bool]) -> "Outcome":
        """The requests that `wanted` is true of."""
        return Outcome(tuple(filter(wanted, self.records)), self.skipped, self.lag)

    def with_status(self, *statuses: int) -> "Outcome":
        """The requests with one of these answers."""
        return self.where(lambda record: record.status in statuses)

    def begun(self, after: float = 0, before: float = float("inf")) -> "Outcome":
        """The requests that began in this span of seconds."""
        return self.where(lambda record: after <= record.at < before)

    def percentile(self, part: float) -> float:
        """The seconds that `part` (0.99: 99 %) of the answered requests did not exceed. Raises ValueError for none."""
        times = sorted(record.took for record in self.records if record.status is not None)
        if not times:
            raise ValueError("no request was answered")
        return times[min(len(times) - 1, int(part * len(times)))]

    @property
    def p50(self) -> float:
        """Seconds that half of the answers took at most."""
        return self.percentile(0.5)

    @property
    def p99(self) -> float:
        """Seconds that 99 % of the answers took at most."""
        return self.percentile(0.99)

    def __str__(self) -> str:
        kinds = Counter(record.error for record in self.failed).most_common(5)
        took = f", p50 {self.p50 * 1000:.1f} ms, p99 {self.p99 * 1000:.1f} ms" if self.statuses else ""
        return (
            f"{self.sent} sent, {dict(sorted(self.statuses.items()))}{took}, failures {kinds}, {self.skipped} skipped"
        )
