"""The script that asks the kernel about workers, with processes of the tests' own in a worker's place."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "components" / "programs" / "worker.sh"
IMPORTING = "import sys, time; print(flush=True); time.sleep(600)"
# What Tracardi's APM does at its start, once all is imported.
LOOPING = """
import asyncio, signal
async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: None)
    print(flush=True)
    while True:
        await asyncio.sleep(0.01)
asyncio.run(main())
"""
FINISHING = """
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: (time.sleep(0.3), print("finished"), sys.exit()))
print(flush=True)
while True:
    time.sleep(0.01)
"""

Begin = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Starts a Python program, and returns when it has said a line."""
    running: list[subprocess.Popen[str]] = []

    def begun(program: str) -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield begun
    for process in running:
        process.kill()
        process.communicate()


def ask(state: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """What the script answers; it remembers in `state` what it saw."""
    command = ["/bin/sh", str(SCRIPT), *map(str, arguments)]
    environment = {"PATH": "/usr/bin:/bin", "WORKER_STATE": str(state)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=20)


def test_a_program_has_begun_once_it_handles_term(tmp_path: Path, begin: Begin) -> None:
    importing, looping = begin(IMPORTING), begin(LOOPING)

    assert ask(tmp_path / "state", "started", importing.pid).returncode == 1
    assert ask(tmp_path / "state", "started", looping.pid).returncode == 0


def test_a_program_that_does_something_now_and_then_is_alive(tmp_path: Path, begin: Begin) -> None:
    looping = begin(LOOPING)

    for _ in range(3):
        assert ask(tmp_path / "state", "alive", looping.pid).returncode == 0
        # The loop turns about a hundred times a second.
        time.sleep(0.05)


def test_a_program_that_hangs_is_not_alive_from_the_second_question_on(tmp_path: Path, begin: Begin) -> None:
    hanging = begin(LOOPING)
    hanging.send_signal(signal.SIGSTOP)
    while "State:\tT" not in Path(f"/proc/{hanging.pid}/status").read_text():
        pass

    answers = [ask(tmp_path / "state", "alive", hanging.pid).returncode for _ in range(3)]

    assert answers == [0, 1, 1]


def test_it_is_alive_again_when_it_goes_on(tmp_path: Path, begin: Begin) -> None:
    looping = begin(LOOPING)
    ask(tmp_path / "state", "alive", looping.pid)
    looping.send_signal(signal.SIGSTOP)
    while ask(tmp_path / "state", "alive", looping.pid).returncode == 0:
        pass
    looping.send_signal(signal.SIGCONT)
    time.sleep(0.05)

    assert ask(tmp_path / "state", "alive", looping.pid).returncode == 0


def test_a_program_that_is_stopped_may_finish(tmp_path: Path, begin: Begin) -> None:
    finishing = begin(FINISHING)
    stopping = subprocess.Popen(["/bin/sh", str(SCRIPT), "stop", "INT", str(finishing.pid)])

    told, _ = finishing.communicate(timeout=20)

    assert told == "finished\n"
    assert finishing.returncode == 0
    assert stopping.wait(timeout=20) == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [(), ("restart",)], ids=str)
def test_what_it_does_not_know_it_does_not_do(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = ask(tmp_path / "state", *arguments)

    assert done.returncode == 2
    assert "usage" in done.stderr


def test_a_program_that_is_gone_has_neither_begun_nor_is_it_judged(tmp_path: Path) -> None:
    gone = 4194305

    assert ask(tmp_path / "state", "started", gone).returncode != 0
