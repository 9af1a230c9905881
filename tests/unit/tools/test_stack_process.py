import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.stack import process, terminal

RESOURCE = "kubernetes:core/v1:Secret name"


def script(folder: Path, text: str) -> list[str | Path]:
    """A command that runs a Python text."""
    file = folder / "program.py"
    file.write_text(text, encoding="utf-8")
    return [sys.executable, "-I", file]


def test_what_a_command_says_is_shown_and_kept(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    command = script(tmp_path, "import sys; print('\\x1b[1mbold\\x1b[0m', flush=True); sys.stderr.write('err\\n')")

    outcome = process.run(command, os.environ, tmp_path)

    assert (outcome.text, outcome.status, outcome.interrupted) == ("bold\nerr\n", 0, False)
    assert capfdbinary.readouterr().out == b"\x1b[1mbold\x1b[0m\nerr\n"


@pytest.mark.parametrize(("ending", "status"), [("sys.exit(3)", 3), ("os.kill(os.getpid(), 9)", 137)])
def test_the_exit_status_is_passed_on_as_a_shell_would(tmp_path: Path, ending: str, status: int) -> None:
    assert process.run(script(tmp_path, f"import os, sys; {ending}"), os.environ, tmp_path).status == status


@pytest.fixture
def typed() -> Iterator[None]:
    """Standard input on which somebody has typed an answer."""
    before = os.dup(0)
    reading, writing = os.pipe()
    os.write(writing, b"yes\n")
    os.dup2(reading, 0)
    yield
    os.dup2(before, 0)
    for file in (before, reading, writing):
        os.close(file)


@pytest.mark.usefixtures("typed")
def test_a_command_gets_no_answer_to_a_question(tmp_path: Path) -> None:
    outcome = process.run(script(tmp_path, "print(repr(input()))"), os.environ, tmp_path)

    assert outcome.status == 1
    assert "EOFError" in outcome.text


def test_a_line_that_tells_nothing_is_kept_but_not_shown(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    line = f" +  {RESOURCE} creating (0s) "

    outcome = process.run(script(tmp_path, f"print({line!r})"), os.environ, tmp_path)

    assert outcome.text == f"{line}\n"
    assert capfdbinary.readouterr().out == b""


COUNTS_SIGNALS = """
import signal, sys
got = []
def note(number, _):
    got.append(signal.Signals(number).name)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, note)
print("ready", flush=True)
while not got:
    signal.pause()
print(got)
sys.exit(1)
"""


@pytest.mark.parametrize(
    ("sent", "arrived"),
    [(signal.SIGINT, "SIGINT"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGTERM")],
)
def test_a_request_to_stop_reaches_the_command_once_and_it_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals, arrived: str
) -> None:
    def when_ready(text: bytes) -> None:
        if text == b"ready\n":
            os.kill(os.getpid(), sent)

    monkeypatch.setattr(terminal, "show", when_ready)
    handler = signal.getsignal(sent)

    outcome = process.run(script(tmp_path, COUNTS_SIGNALS), os.environ, tmp_path)

    assert outcome.interrupted
    assert outcome.status == 1
    assert outcome.text.splitlines()[1] == f"['{arrived}']"
    assert signal.getsignal(sent) is handler


def test_a_terminals_ctrl_c_does_not_reach_the_command_past_us(tmp_path: Path) -> None:
    outcome = process.run(script(tmp_path, "import os; print(os.getpgid(0) == os.getpid())"), os.environ, tmp_path)

    assert outcome.text == "True\n"


def without_reader() -> int:
    """File number of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def full_disk() -> int:
    """File number of a place that has no room."""
    return os.open("/dev/full", os.O_WRONLY)


@pytest.mark.parametrize("output", [without_reader, full_disk])
def test_a_command_is_not_stopped_because_nobody_hears_it(tmp_path: Path, output: Callable[[], int]) -> None:
    said = "print('\\n' * 100000); import pathlib; pathlib.Path('done').touch()"
    program = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from tools.stack import process, terminal\n"
        f"outcome = process.run([sys.executable, '-I', '-c', {said!r}], os.environ, Path({str(tmp_path)!r}))\n"
        "terminal.say('the end')\n"
        "sys.exit(outcome.status)\n"
    )
    repository = Path(__file__).parents[3]
    writing = output()
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", program, repository],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "done").exists()


@pytest.mark.parametrize(
    "line",
    [
        f" +  {RESOURCE} creating (0s) ",
        f" ~  {RESOURCE} updating (12s) ",
        f" +  {RESOURCE} creating (0s) Skipping await logic",
        "    pulumi:pulumi:Stack tracardi-dev running ",
        "    tracardi:index:Tracardi tracardi  ",
    ],
)
def test_a_step_that_merely_began_is_left_out(line: str) -> None:
    assert not terminal.Digest().keeps(line)


@pytest.mark.parametrize(
    "line",
    [
        f" +  {RESOURCE} create ",
        f" +- {RESOURCE} replace [diff: ~data]",
        f" +  {RESOURCE} created (0.1s) ",
        f" +  {RESOURCE} creating (3s) Waiting for app ReplicaSet to be available (0/1 Pods available)",
        f" +  {RESOURCE} creating (3s) error: no",
        f" +  {RESOURCE} **creating failed** error: no",
        "    error: update failed",
        "    + 3 created",
        "        [0]: {",
        "",
    ],
)
def test_what_happened_and_what_went_wrong_is_shown(line: str) -> None:
    assert terminal.Digest().keeps(line)


def test_a_step_is_shown_once_however_long_it_takes() -> None:
    digest = terminal.Digest()
    waiting = " +  kubernetes:apps/v1:Deployment name creating ({}s) Waiting for Pods (0/1)"

    assert digest.keeps(waiting.format(1))
    assert not digest.keeps(waiting.format(2))
    assert digest.keeps(waiting.format(3).replace("0/1", "1/1"))


def test_lines_that_are_not_about_resources_may_repeat() -> None:
    digest = terminal.Digest()

    assert [digest.keeps("        }") for _ in range(2)] == [True, True]
