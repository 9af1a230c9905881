"""What counts as lost, failed and stored twice: without a cluster, on records made up."""

from collections import Counter

from tests.dataplane.clients.outcome import Outcome, Record
from tests.real.load import Account


def account(*records: Record, stored: dict[str, int] | None = None) -> Account:
    return Account(Outcome(records), Counter(stored or {}))


def record(event: str, status: int | None = 200, error: str = "") -> Record:
    return Record(event, 0.0, 0.1, status, error)


def test_an_accepted_event_that_is_not_stored_is_lost() -> None:
    found = account(record("a"), record("b"), stored={"a": 1})

    assert found.lost == {"b"}
    assert not found.failed.records


def test_a_failed_event_is_neither_lost_nor_accepted_even_if_it_is_stored() -> None:
    found = account(record("a", 500), record("b", None, "answer: EOFError: "), stored={"a": 1})

    assert not found.lost
    assert (found.accepted.sent, found.failed.sent) == (0, 2)


def test_an_event_that_is_stored_more_than_once_is_told() -> None:
    assert account(record("a"), record("b"), stored={"a": 2, "b": 1}).twice == {"a"}


def test_a_request_that_nobody_has_read_is_no_failure_unless_its_event_is_stored() -> None:
    refused = "answer: ConnectionError: stream reset: <ErrorCodes.REFUSED_STREAM: 7>"

    unread, read = account(record("a", None, refused)), account(record("a", None, refused), stored={"a": 1})

    assert (unread.failed.sent, unread.unprocessed.sent) == (0, 1)
    assert (read.failed.sent, read.unprocessed.sent) == (1, 0)


def test_the_counts_are_told_in_words_and_each_failure_with_its_moment() -> None:
    found = account(record("a"), record("b", 503), stored={"a": 1})

    assert str(found) == "2 sent, 1 accepted, 1 failed, 1 stored, 0 lost, 0 twice"
    assert found.explained().splitlines()[1:] == ["  0.0 s +0.1 s b: 503"]
