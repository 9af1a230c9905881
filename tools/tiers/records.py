"""What pytest leaves out of a tier, written down by `tests/conftest.py` while `make test` runs the tier."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from tools.tiers.model import NotRun

FILE_VARIABLE = "TRACARDI_TESTS_NOT_RUN"
"""Environment variable that names the file of records; without it nothing is written."""

REMEDY = " Remedy: "
"""What follows it in a skip's reason is the remedy, as in `pytest.skip("There is no IPv6 here. Remedy: ...")`."""


class How(StrEnum):
    """Why a test proved nothing."""

    SKIPPED = "skipped"
    EXPECTED_TO_FAIL = "expected to fail"
    DESELECTED = "deselected"
    THOROUGH = "thorough"


@dataclass(frozen=True)
class Record:
    """A test that proved nothing."""

    test: str
    """As pytest names it; a module where all of it was skipped."""
    how: How
    why: str = ""

    def append_to(self, file: Path) -> None:
        """Add it to the file; several processes may do so at once."""
        with file.open("a", encoding="utf-8") as records:
            records.write(json.dumps(asdict(self)) + "\n")


def read(file: Path) -> list[Record]:
    """The file's records, each once: every process of pytest-xdist writes its own."""
    if not file.exists():
        return []
    told = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return list(dict.fromkeys(Record(each["test"], How(each["how"]), each["why"]) for each in told))


def not_run(tier: str, records: Iterable[Record]) -> Iterator[NotRun]:
    """The lines about tests that should have run: one for each reason."""
    return (
        _line(tier, how, why, tests) for (how, why), tests in _by_reason(records).items() if how is not How.THOROUGH
    )


def left_out(tier: str, records: Iterable[Record]) -> Iterator[NotRun]:
    """The lines about tests that nobody asked for."""
    for (how, _), tests in _by_reason(records).items():
        if how is How.THOROUGH:
            yield NotRun(f"{tier}: {_count(tests)}", "They are slow, and more of the same kind.", "THOROUGH=yes")


def _by_reason(records: Iterable[Record]) -> dict[tuple[How, str], list[str]]:
    found: dict[tuple[How, str], list[str]] = {}
    for record in records:
        found.setdefault((record.how, record.why), []).append(record.test)
    return found


def _line(tier: str, how: How, why: str, tests: list[str]) -> NotRun:
    what = f"{tier}: {tests[0]}"
    if len(tests) > 1:
        # Their names stand in the tier's own summary.
        what = f"{tier}: {_count(tests)}, the first in {tests[0].partition('::')[0]}"
    if how is How.DESELECTED:
        return NotRun(what, "They were not selected.", "Leave -k, -m and --deselect out of PYTEST_ADDOPTS.")
    reason, _, remedy = why.partition(REMEDY)
    if how is How.EXPECTED_TO_FAIL:
        return NotRun(what, f"Known to fail: {reason or 'no reason is given'}", remedy)
    return NotRun(what, reason, remedy)


def _count(tests: list[str]) -> str:
    return "1 test" if len(tests) == 1 else f"{len(tests)} tests"
