"""What the toolchain builder shows while it works."""

import io

import pytest

from tools.toolchain.progress import Progress, duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (10.0, "10 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (427.2, "7 min 7 s")],
)
def test_a_time_span_reads_as_people_say_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_log_gets_a_line_when_a_step_begins_and_when_it_ends() -> None:
    log = io.StringIO()
    progress = Progress(log)

    progress.expect(2)
    progress.started("kwok")
    progress.finished("kwok", 61)

    assert log.getvalue() == "tools: kwok …\ntools: [1/2] kwok: 1 min 1 s\n"


def test_steps_that_turn_out_later_are_added_to_those_that_are_done() -> None:
    log = io.StringIO()
    progress = Progress(log)

    progress.expect(1)
    progress.finished("first", 1)
    progress.expect(2)
    progress.finished("second", 1)

    assert log.getvalue().splitlines()[-1] == "tools: [2/3] second: 1.0 s"


def test_a_log_is_not_filled_with_updates() -> None:
    log = io.StringIO()

    Progress(log).tick([("kwok", 3)])

    assert log.getvalue() == ""


def test_a_terminal_gets_one_line_that_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    terminal = Terminal()
    progress = Progress(terminal)

    progress.expect(3)
    progress.started("kwok")
    progress.tick([("kwok", 3), ("Pulumi", 70)])

    assert terminal.getvalue() == "\rtools: [0/3] kwok (3.0 s) · Pulumi (1 min 10 s)\x1b[K"


def test_a_line_on_a_terminal_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    monkeypatch.setenv("COLUMNS", "30")
    terminal = Terminal()

    Progress(terminal).tick([("a step with quite a long name", 3)])

    assert len(terminal.getvalue().removeprefix("\r").removesuffix("\x1b[K")) < 30
