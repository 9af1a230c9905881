"""How Python tools get environments of their own, outside the clone."""

import shutil
from pathlib import Path

import pytest

from tests.unit.tools.toolchain_bench import Bench

CHECKS = frozenset({"checks"})
SYNC = "uv sync --locked --compile-bytecode"


def environment(bench: Bench) -> Path:
    (folder,) = (bench.site.toolchain / "environments" / "linter").iterdir()
    return folder


def test_a_tool_is_synced_into_the_cache_and_its_command_put_in_place(bench: Bench) -> None:
    programs = bench.prepare(CHECKS)

    assert (programs / "lint").samefile(environment(bench) / "bin" / "lint")
    assert not bench.site.venv.exists()


def test_a_tool_that_is_there_is_left_alone(bench: Bench) -> None:
    bench.prepare(CHECKS)
    bench.prepare(CHECKS)

    assert bench.calls.count(SYNC) == 1


def test_the_environment_of_the_clone_is_made_beside_it_where_both_are_missing(bench: Bench) -> None:
    bench.prepare(CHECKS | {"python"})

    assert bench.calls.count(SYNC) == 2
    assert (bench.site.venv / "bin" / "python").exists()
    assert (environment(bench) / "bin" / "python").exists()


@pytest.mark.parametrize("file", ["uv.lock", "pyproject.toml"])
def test_a_changed_lock_makes_another_environment_and_leaves_the_old_one_to_other_clones(
    bench: Bench, file: str
) -> None:
    old_command = bench.prepare(CHECKS) / "lint"
    (bench.site.repository / "tools" / "linter" / file).write_text("changed")

    command = bench.prepare(CHECKS) / "lint"

    assert command.exists()
    assert old_command.exists()
    assert not command.samefile(old_command)


def test_an_environment_whose_python_is_gone_is_made_again(bench: Bench) -> None:
    bench.prepare(CHECKS)
    (environment(bench) / "bin" / "python").unlink()

    bench.prepare(CHECKS)

    assert (environment(bench) / "bin" / "python").exists()


def test_an_environment_that_was_removed_is_made_again(bench: Bench) -> None:
    bench.prepare(CHECKS)
    shutil.rmtree(environment(bench))

    assert (bench.prepare(CHECKS) / "lint").exists()


def test_stacks_do_not_wait_for_tools_that_judge_them(bench: Bench) -> None:
    bench.prepare()

    assert not (bench.site.toolchain / "environments").exists()
