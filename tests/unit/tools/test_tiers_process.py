"""A tier is a make of its own: its output passes through, and a run that is interrupted ends with it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.stacks import REPOSITORY
from tools.tiers.process import maker

RUN = """\
import signal
import sys
from pathlib import Path
from tools.tiers.process import maker
# A shell switches it off for what it starts in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(maker(Path.cwd(), sys.argv[1])("test-unit", {}))
"""

WAITING = """\
import signal
import sys
ends = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
# Blocked, so that none gets lost between what is said and the wait.
signal.pthread_sigmask(signal.SIG_BLOCK, ends)
print("begun", flush=True)
print(ends[signal.sigwait(ends)])
sys.exit(2)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A make of the test's own, yet to be written."""
    file = tmp_path / "make"
    file.touch(mode=0o755)
    return file


@pytest.fixture
def running(program: Path) -> Iterator["subprocess.Popen[str]"]:
    """A run of a make that says when it has begun, and how it was asked to end; it has begun."""
    program.write_text(f"#!{sys.executable}\n{WAITING}")
    command = [sys.executable, "-c", RUN, str(program)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, process_group=0
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        yield process
        process.kill()


def test_make_gets_the_target_and_its_status_counts(program: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program.write_text('#!/bin/sh\necho "$@" "$SEEN"\nexit 2\n')

    assert maker(REPOSITORY, str(program))("test-unit", {"SEEN": "yes"}) == 2

    said = capfd.readouterr().out
    assert said == "--no-print-directory test-unit KUBE_CONTEXT= yes\n"


def test_tests_never_work_on_the_cluster_that_the_shell_names(program: Path, capfd: pytest.CaptureFixture[str]) -> None:
    makefile = program.with_name("Makefile")
    makefile.write_text("KUBE_CONTEXT ?=\ntest-unit:\n\t@echo 'on $(KUBE_CONTEXT)' \"$$KUBE_CONTEXT\"\n")
    context = {"KUBE_CONTEXT": "production", "MAKEFLAGS": " -- KUBE_CONTEXT=production"}

    assert maker(makefile.parent)("test-unit", context) == 0

    assert capfd.readouterr().out.strip() == "on"


def test_a_run_that_is_told_to_end_tells_make(running: "subprocess.Popen[str]") -> None:
    running.send_signal(signal.SIGTERM)

    said, _ = running.communicate(timeout=30)

    assert said == "terminated\n"
    assert running.returncode == 128 + signal.SIGTERM


def test_a_run_that_is_interrupted_lets_make_end_by_itself(running: "subprocess.Popen[str]") -> None:
    os.killpg(running.pid, signal.SIGINT)

    said, _ = running.communicate(timeout=30)

    assert said == "interrupted\n"
    assert running.returncode != 0
