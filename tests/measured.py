"""Figures that tests take, in a table at the end of the run."""

from collections.abc import Callable
from typing import Protocol

import pytest


class Measured(Protocol):
    """Notes a figure, which the summary at the end shows."""

    def __call__(self, name: str, value: object) -> None: ...


_MEASURED = "measured: "


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Measured:
    """Notes figures under names, such as `measured("kill -9: failed of 2000", 3)`; a report of the run has them too."""

    def note(name: str, value: object) -> None:
        record_property(f"{_MEASURED}{name}", str(value))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A table of what was measured."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    figures = [
        (name.removeprefix(_MEASURED), value)
        for report in sorted(reports, key=lambda each: getattr(each, "nodeid", ""))
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name.startswith(_MEASURED)
    ]
    if figures:
        width = max(len(name) for name, _ in figures)
        terminalreporter.section("measured")
        for name, value in figures:
            terminalreporter.write_line(f"{name:<{width}}  {value}")
