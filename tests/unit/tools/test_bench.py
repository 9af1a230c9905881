"""The performance table: what is measured, and how its lines read."""

import json
import sys

import pytest
import yaml

from tests.unit.stacks import settings_of
from tools.bench.scale import CASES, LARGE, SMALL, Case, Figures, _compared, stack_text
from tools.bench.table import Row, Taken, seconds, taken
from tools.errors import ToolError
from tools.layout import repository

MEGABYTE = 10**6
_HOLDS_MEMORY = "import time; held = bytearray(90_000_000); time.sleep(0.5)"


def shipped() -> str:
    return (repository() / "Pulumi.prod.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_measured_installation_differs_from_production_in_name_collectors_and_kept_data_alone(case: Case) -> None:
    found = yaml.safe_load(stack_text(shipped(), case))["config"]

    settings = settings_of(found)
    assert settings.installation.name == case.name
    assert (settings.track.replicas.min, settings.track.replicas.max) == (case.collectors, case.collectors)
    assert settings.data.keep is False
    usual = yaml.safe_load(shipped())["config"]
    found["tracardi:installation"].pop("name")
    found["tracardi:track"]["replicas"] = usual["tracardi:track"]["replicas"]
    found["tracardi:data"]["keep"] = True
    assert json.dumps(found) == json.dumps(usual)


def test_a_stack_file_that_reads_otherwise_by_now_is_told() -> None:
    with pytest.raises(ToolError, match=r"Pulumi\.prod\.yaml has no line 'keep: true' to change"):
        stack_text(shipped().replace("keep: true", "keep: yes"), CASES[0])


def test_a_larger_installation_is_told_in_ratios_to_the_small_one() -> None:
    small = Figures(100, Taken(10, MEGABYTE), Taken(20, MEGABYTE), Taken(2, MEGABYTE))
    large = Figures(100, Taken(11, MEGABYTE), Taken(50, 2 * MEGABYTE), Taken(2, MEGABYTE))

    told = [str(row) for row in _compared(CASES[1], large, small)]

    assert (SMALL, LARGE) == (3, 100)
    assert [line.partition(": ")[2].split() for line in told] == [
        ["resources", "1.00", "x", "budget", "1", "x", "kept"],
        ["first", "preview", "1.10", "x", "budget", "1.25", "x", "kept"],
        ["up", "2.50", "x", "budget", "2", "x", "MISSED"],
        ["preview", "of", "no", "change", "1.00", "x", "budget", "1.25", "x", "kept"],
        ["memory", "of", "the", "preview", "1.00", "x", "budget", "1.25", "x", "kept"],
        ["memory", "of", "up", "2.00", "x", "budget", "1.25", "x", "MISSED"],
    ]


def test_a_line_without_a_budget_tells_its_value_alone() -> None:
    assert str(Row("make up", 12.345, "s")).split() == ["make", "up", "12.35", "s"]


def test_memory_counts_the_children_of_a_command_as_well() -> None:
    child = f"subprocess.run([sys.executable, '-c', {_HOLDS_MEMORY!r}])"
    parent = f"import subprocess, sys; held = bytearray(60_000_000); {child}"

    assert taken([sys.executable, "-c", parent], None).memory > 150 * MEGABYTE


def test_a_command_that_fails_is_told_with_what_it_said() -> None:
    with pytest.raises(ToolError, match=r"`.*` failed:\nno such thing"):
        seconds([sys.executable, "-c", "import sys; sys.exit('no such thing')"], None)
