"""What runs beside API and console: APM, which merges profiles."""

import uuid

import pytest

from tests.real.load.changes import delete
from tests.real.load.pods import name, pods
from tests.real.load.profiles import known_as, save
from tests.real.site import Installation
from tools.cluster.api import wait_until

pytestmark = pytest.mark.timeout(600)

_SECONDS = 90.0
"""A round begins with the program, and then every minute."""


def test_what_was_marked_while_the_apm_was_away_is_merged_by_the_next(production: Installation) -> None:
    (before,) = pods(production, "apm")
    old, new, shared = (str(uuid.uuid4()) for _ in range(3))
    save(
        production,
        [
            {
                "id": old,
                "ids": [old, shared],
                "traits": {"seen": "first", "kept": "yes"},
                "metadata": {"time": {"insert": "2024-01-01T00:00:00Z"}, "system": {"aux": {"auto_merge": "email"}}},
            },
            {
                "id": new,
                "ids": [new, shared],
                "traits": {"seen": "last"},
                "metadata": {"time": {"insert": "2024-01-02T00:00:00Z"}},
            },
        ],
    )

    delete(production, "apm", before)

    assert name(before) not in {name(pod) for pod in pods(production, "apm")}
    wait_until("one profile in the place of two", lambda: len(known_as(production, (old, new))) == 1, seconds=_SECONDS)
    (merged,) = known_as(production, (old, new))
    assert merged["id"] == old
    assert set(merged["ids"]) == {old, new, shared}
    assert merged["traits"] == {"seen": "last", "kept": "yes"}
