"""Writes down which tests proved nothing, for the table at the end of `make test`, and what tests measured.

A skip's reason says what is missing; behind " Remedy: " it says what would run the test.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools.tiers.records import FILE_VARIABLE, How, Record


def pytest_configure(config: pytest.Config) -> None:
    """Begin to write, where a file is named; give tests their table of figures."""
    config.pluginmanager.import_plugin("tests.measured")
    if file := os.environ.get(FILE_VARIABLE):
        config.pluginmanager.register(Recorder(Path(file)), "not-run")


class Recorder:
    """Appends to a file what was skipped, left out, or failed as expected."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that was skipped, or marked as a known failure."""
        if report.skipped:
            expected = getattr(report, "wasxfail", None)
            how = How.SKIPPED if expected is None else How.EXPECTED_TO_FAIL
            self._note(report.nodeid, how, reason(report) if expected is None else expected)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a module that was skipped as a whole."""
        if report.skipped:
            self._note(report.nodeid, How.SKIPPED, reason(report))

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Note tests that an option left out."""
        for item in items:
            slow = item.get_closest_marker("thorough") and "thorough" in item.config.getoption("-m")
            self._note(item.nodeid, How.THOROUGH if slow else How.DESELECTED)

    def _note(self, test: str, how: How, why: str = "") -> None:
        Record(test, how, why).append_to(self._file)


def reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why something was skipped, in the words of whoever skipped it."""
    told = report.longrepr
    text = told[2] if isinstance(told, tuple) else str(told)
    return text.removeprefix("Skipped: ")
