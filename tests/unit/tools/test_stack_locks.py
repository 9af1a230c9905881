import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.stack.locks import held, open_or_refuse

CANCEL = "pulumi cancel --yes"


def lock(state: Path, pid: int, host: str = "") -> Path:
    """A lock as Pulumi writes it."""
    folder = state / ".pulumi" / "locks" / "organization" / "tracardi" / "dev"
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "pid": pid,
        "username": "ann",
        "hostname": host or platform.node(),
        "timestamp": "2026-01-02T03:04:05.6Z",
    }
    file = folder / f"{pid}.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    file.with_name(f"{file.name}.attrs").touch()
    return file


@contextmanager
def looking_like_pulumi() -> Iterator[int]:
    """Number of a process that has pulumi in its command line and waits."""
    command = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", "pulumi"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # before it, the command line may still be empty
        yield process.pid
        process.communicate()


@pytest.fixture
def dead() -> int:
    """Number of a process that has ended."""
    with subprocess.Popen(["/bin/true"]) as process:
        return process.pid


@pytest.fixture
def living() -> Iterator[int]:
    """Number of a process that looks like Pulumi."""
    with looking_like_pulumi() as pid:
        yield pid


def opened(state: Path, told: list[str] | None) -> bool:
    tell = None if told is None else told.append
    return open_or_refuse(held(state, "tracardi", "dev"), "dev", CANCEL, tell)


def test_no_lock_lets_everything_pass(tmp_path: Path) -> None:
    assert not opened(tmp_path, [])


def test_a_live_holder_is_named_and_waited_for(tmp_path: Path, living: int) -> None:
    file = lock(tmp_path, living)

    with pytest.raises(ToolError, match=rf"being changed .*ann@.*process {living}, since 2026-01-02T03:04:05Z"):
        opened(tmp_path, [])
    assert file.exists()


def test_the_lock_of_a_dead_process_on_an_embedded_cluster_is_removed_and_said_so(tmp_path: Path, dead: int) -> None:
    file = lock(tmp_path, dead)
    told: list[str] = []

    assert opened(tmp_path, told)

    assert list(file.parent.iterdir()) == []
    assert f"process {dead}" in told[0]


def test_a_process_that_took_over_a_dead_holders_number_does_not_keep_the_lock(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as stranger:
        lock(tmp_path, stranger.pid)
        assert opened(tmp_path, [])


def test_elsewhere_the_lock_of_a_dead_process_is_left_and_the_remedy_told(tmp_path: Path, dead: int) -> None:
    file = lock(tmp_path, dead)

    with pytest.raises(ToolError, match=CANCEL):
        opened(tmp_path, None)
    assert file.exists()


def test_a_holder_on_another_machine_is_never_taken_for_dead(tmp_path: Path, dead: int) -> None:
    file = lock(tmp_path, dead, host="elsewhere.test")

    with pytest.raises(ToolError, match="cannot be seen from here"):
        opened(tmp_path, [])
    assert file.exists()


def test_a_lock_cut_off_while_it_was_written_counts_as_dead(tmp_path: Path) -> None:
    file = lock(tmp_path, 1)
    file.write_text('{"pid": 12', encoding="utf-8")

    assert opened(tmp_path, [])
    assert not file.exists()


def test_locks_of_other_stacks_do_not_matter(tmp_path: Path, living: int) -> None:
    lock(tmp_path, living)

    assert list(held(tmp_path, "tracardi", "prod")) == []
