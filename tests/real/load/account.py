"""What became of every event of a load: sent, accepted, failed, stored."""

from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus

from tests.dataplane.clients.outcome import Outcome, Record

_TOLD = 20


@dataclass(frozen=True)
class Account:
    """All requests of a load, and what the store holds of their events."""

    outcome: Outcome
    stored: Counter[str]

    @property
    def accepted(self) -> Outcome:
        """The requests that were answered 200."""
        return self.outcome.with_status(HTTPStatus.OK)

    @property
    def failed(self) -> Outcome:
        """The requests that were answered otherwise, or not at all; nobody repeats them.

        What a balancer has refused to look at, as HTTP/2 can say, and what is not stored indeed, is in `unprocessed`.
        """
        return self.outcome.where(lambda record: record.status != HTTPStatus.OK and not self._is_unprocessed(record))

    @property
    def unprocessed(self) -> Outcome:
        """The requests that no instance has seen, as the client was told: browsers repeat them by themselves."""
        return self.outcome.where(self._is_unprocessed)

    @property
    def lost(self) -> set[str]:
        """The events that were accepted, and are not stored."""
        return {record.event for record in self.accepted.records} - self.stored.keys()

    @property
    def twice(self) -> set[str]:
        """The events that are stored more than once."""
        return {event for event, times in self.stored.items() if times > 1}

    def _is_unprocessed(self, record: Record) -> bool:
        told = "REFUSED_STREAM" in record.error or "UnprocessedError" in record.error
        return told and record.event not in self.stored

    def __str__(self) -> str:
        counts = {
            "sent": self.outcome.sent,
            "accepted": self.accepted.sent,
            "failed": self.failed.sent,
            "stored": len(self.stored),
            "lost": len(self.lost),
            "twice": len(self.twice),
        }
        if self.unprocessed.sent:
            counts["refused unread"] = self.unprocessed.sent
        return ", ".join(f"{number} {name}" for name, number in counts.items())

    def explained(self) -> str:
        """The same, and what failed: when, and how; the first ones of many."""
        failed = self.failed.records
        lines = [_told(record) for record in failed[:_TOLD]]
        if len(failed) > _TOLD:
            lines.append(f"and {len(failed) - _TOLD} more; answers: {dict(self.outcome.statuses)}")
        return "\n  ".join([str(self), *lines])


def _told(record: Record) -> str:
    what = f"{record.status or record.error} {record.said}".rstrip()
    return f"{record.at:.1f} s +{record.took:.1f} s {record.event}: {what}"
