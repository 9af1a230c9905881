"""`make test`: what runs, what does not, what is told about it, and when that is a failure."""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.unit.stacks import REPOSITORY
from tools.tiers import __main__ as command
from tools.tiers.model import Lack, Machine, NotRun, Tier
from tools.tiers.records import FILE_VARIABLE, REMEDY, How, Record
from tools.tiers.run import Result, run
from tools.tiers.table import table
from tools.tiers.tiers import TIERS

UNIT = Tier("unit")
LAST = Tier("last", prepare="programs")
ELSEWHERE = Tier("elsewhere", needs=(lambda _: None, lambda _: Lack("There is no moon.", "Wait for it.")))
NO_MOON = NotRun("elsewhere (make test-elsewhere)", "There is no moon.", "Wait for it.")
SKIPPED = Record("tests/a.py::test_b", How.SKIPPED, f"No IPv6.{REMEDY}ip addr add ::1")
THOROUGH = Record("tests/a.py::test_c", How.THOROUGH)


class Make:
    """Stands in for make: notes what is asked for, and lets tests prove nothing."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.failing = ""
        self.records: dict[str, list[Record]] = {}

    def __call__(self, target: str, environment: Mapping[str, str]) -> int:
        self.made.append(target)
        for record in self.records.get(target, []):
            record.append_to(Path(environment[FILE_VARIABLE]))
        return 2 if target == self.failing else 0


@pytest.fixture
def make() -> Make:
    """A make where everything succeeds."""
    return Make()


@pytest.fixture
def told() -> list[str]:
    """What was said while it ran."""
    return []


@pytest.fixture
def go(make: Make, told: list[str]) -> Callable[..., Result]:
    """Runs tiers."""

    def go(*tiers: Tier, require_all: bool = False) -> Result:
        return run(tiers, Machine.here(), make, told.append, require_all=require_all)

    return go


def test_tiers_run_in_their_order_after_what_they_prepare(go: Callable[..., Result], make: Make) -> None:
    result = go(UNIT, LAST, Tier("later", prepare="programs"))

    assert make.made == ["programs", "test-unit", "test-last", "test-later"]
    assert result == Result()


def test_a_tier_that_the_machine_cannot_run_is_told_at_once_and_at_the_end(
    go: Callable[..., Result], make: Make, told: list[str]
) -> None:
    result = go(ELSEWHERE, UNIT)

    assert make.made == ["test-unit"]
    assert told == ["not on this machine: elsewhere; the table at the end says why"]
    assert result == Result(missing=[NO_MOON])


def test_what_a_tier_prepares_is_left_alone_where_it_cannot_run(go: Callable[..., Result], make: Make) -> None:
    go(UNIT, Tier("elsewhere", needs=ELSEWHERE.needs, prepare="programs"))

    assert make.made == ["test-unit"]


def test_who_wants_all_learns_what_is_missing_before_anything_runs(go: Callable[..., Result], make: Make) -> None:
    result = go(UNIT, ELSEWHERE, require_all=True)

    assert make.made == []
    assert result.missing == [NO_MOON]


def test_a_failure_ends_the_run_and_names_what_did_not_begin(go: Callable[..., Result], make: Make) -> None:
    make.failing = "test-unit"

    result = go(UNIT, LAST)

    assert make.made == ["programs", "test-unit"]
    assert result.failed == "test-unit"
    assert result.missing == [NotRun("last (make test-last)", "make test-unit failed before.", "make test-last")]


def test_a_failed_preparation_ends_the_run(go: Callable[..., Result], make: Make) -> None:
    make.failing = "programs"

    result = go(UNIT, LAST)

    assert make.made == ["programs"]
    assert result.failed == "programs"
    assert [line.what for line in result.missing] == ["unit (make test-unit)", "last (make test-last)"]


def test_skipped_tests_are_told_with_their_reason_and_remedy(go: Callable[..., Result], make: Make) -> None:
    make.records = {"test-unit": [SKIPPED, SKIPPED]}

    result = go(UNIT)

    assert result == Result(missing=[NotRun("unit: tests/a.py::test_b", "No IPv6.", "ip addr add ::1")])


def test_skips_for_one_reason_share_a_line(go: Callable[..., Result], make: Make) -> None:
    make.records = {"test-unit": [Record(f"tests/a.py::test_{n}", How.SKIPPED, "No IPv6.") for n in range(3)]}

    assert go(UNIT).missing == [NotRun("unit: 3 tests, the first in tests/a.py", "No IPv6.", "")]


def test_a_known_failure_and_a_test_left_out_by_an_option_count_as_not_run(
    go: Callable[..., Result], make: Make
) -> None:
    make.records = {
        "test-unit": [Record("a::b", How.EXPECTED_TO_FAIL, "upstream bug"), Record("a::c", How.DESELECTED)],
    }

    assert [line.why for line in go(UNIT).missing] == ["Known to fail: upstream bug", "They were not selected."]


def test_thorough_tests_are_left_out_by_choice(go: Callable[..., Result], make: Make) -> None:
    make.records = {"test-unit": [THOROUGH]}

    result = go(UNIT, require_all=True)

    assert result.missing == []
    assert [(line.what, line.remedy) for line in result.chosen] == [("unit: 1 test", "THOROUGH=yes")]


def test_the_table_has_a_line_for_each_and_wraps_what_is_long() -> None:
    long = NotRun(
        "cluster (make test-cluster)", "There is no pulumi on PATH, and no Go that could build it.", "Get Go."
    )

    lines = table([NO_MOON, long], [NotRun("policies: 9 tests", "They are slow.", "THOROUGH=yes")]).splitlines()

    assert lines == [
        "Not run",
        "  what                                        why                                         what runs it",
        "  elsewhere (make test-elsewhere)             There is no moon.                           Wait for it.",
        "  cluster (make test-cluster)                 There is no pulumi on PATH, and no Go that  Get Go.",
        "                                              could build it.",
        "",
        "Left out by choice",
        "  what                                        why                                         what runs it",
        "  policies: 9 tests                           They are slow.                              THOROUGH=yes",
    ]
    assert max(map(len, lines)) <= 120


def test_the_table_says_so_where_everything_ran() -> None:
    assert table([], []) == "Every tier ran, and no test was skipped."


@pytest.mark.parametrize(
    ("result", "options", "status"),
    [
        (Result(), [], 0),
        (Result(), ["--require-all"], 0),
        (Result(missing=[NO_MOON]), [], 0),
        (Result(missing=[NO_MOON]), ["--require-all"], 1),
        (Result(chosen=[NO_MOON]), ["--require-all"], 0),
        (Result(failed="test-unit"), [], 1),
    ],
)
def test_only_a_failure_fails_unless_all_is_required(
    result: Result,
    options: list[str],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[bool] = []

    def stand_in(*_: object, require_all: bool) -> Result:
        asked.append(require_all)
        return result

    monkeypatch.setattr(command, "run", stand_in)
    monkeypatch.setattr(sys, "argv", ["tools.tiers", *options])

    assert command.main() == status

    assert asked == ["--require-all" in options]
    assert table(result.missing, result.chosen) in capsys.readouterr().out


def recipes() -> dict[str, str]:
    """The Makefile's targets with what they run."""
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    found = re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)+)", text, re.MULTILINE)
    return {str(name): str(lines) for name, lines in found}


def test_every_tier_is_a_make_target_and_so_is_what_it_prepares() -> None:
    assert {tier.target for tier in TIERS} == {name for name in recipes() if name.startswith("test-")}
    assert {tier.prepare for tier in TIERS} - {""} <= set(recipes())


def test_every_folder_of_tests_belongs_to_a_tier() -> None:
    folders = {file.relative_to(REPOSITORY).parts[1] for file in (REPOSITORY / "tests").rglob("test_*.py")}
    run_by_tiers = {folder for tier in TIERS for folder in re.findall(r"tests/([a-z]+)", recipes()[tier.target])}

    assert folders <= run_by_tiers


def test_ci_requires_all() -> None:
    assert "make test REQUIRE_ALL=1" in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8").splitlines()
