"""How uv and the Python environment come to be."""

import shutil
import sys

import pytest

from tests.unit.tools.toolchain_bench import Bench
from tools.errors import ToolError

PYTHON = frozenset({"python"})

_PYTHON_WITH_PIP = """
if [ "$3" = --version ]; then exit 0; fi
while [ "$1" != --target ]; do shift; done
/bin/mkdir -p "$2/bin"
/bin/cp "$here/on-path/uv" "$2/bin/uv"
"""


def test_the_python_environment_alone_needs_neither_go_nor_pulumi(bench: Bench) -> None:
    (bench.tools / "go").unlink()

    bench.prepare(PYTHON)

    assert "uv sync --locked --compile-bytecode" in bench.calls
    assert (bench.site.venv / "bin" / "python").exists()


def test_uvx_comes_along_where_uv_has_it(bench: Bench) -> None:
    bench.install("uvx", "")

    assert (bench.prepare(PYTHON) / "uvx").samefile(bench.tools / "uvx")


@pytest.mark.parametrize("file", ["uv.lock", "pyproject.toml"])
def test_a_changed_lock_brings_the_python_environment_up_to_date(bench: Bench, file: str) -> None:
    bench.prepare(PYTHON)
    (bench.site.repository / file).write_text("changed")

    bench.prepare(PYTHON)

    assert bench.calls.count("uv sync --locked --compile-bytecode") == 2


def test_a_python_environment_that_was_removed_is_made_again(bench: Bench) -> None:
    bench.prepare(PYTHON)
    shutil.rmtree(bench.site.venv)

    bench.prepare(PYTHON)

    assert (bench.site.venv / "bin" / "python").exists()


def test_a_python_environment_without_its_python_is_made_again(bench: Bench) -> None:
    bench.prepare(PYTHON)
    (bench.site.venv / "bin" / "python").unlink()

    bench.prepare(PYTHON)

    assert (bench.site.venv / "bin" / "python").exists()


def test_a_failed_sync_is_not_taken_for_done(bench: Bench) -> None:
    bench.put("no-index", "")
    with pytest.raises(ToolError, match="the index does not answer"):
        bench.prepare(PYTHON)
    (bench.root / "no-index").unlink()

    bench.prepare(PYTHON)

    assert bench.calls.count("uv sync --locked --compile-bytecode") == 2


def test_settings_of_uv_reach_it_and_it_never_downloads_a_python(bench: Bench) -> None:
    bench.prepare(PYTHON, UV_DEFAULT_INDEX="mirror", VIRTUAL_ENV="elsewhere")

    synced = bench.environment("uv sync")
    assert synced["UV_DEFAULT_INDEX"] == "mirror"
    assert synced["UV_PYTHON_DOWNLOADS"] == "never"
    assert "VIRTUAL_ENV" not in synced


def test_an_old_uv_is_replaced_by_one_that_pip_installs_with_hashes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.put("uv-version", "uv 0.8.22")
    bench.install("python3", _PYTHON_WITH_PIP)
    monkeypatch.setattr(sys, "executable", str(bench.tools / "python3"))

    programs = bench.prepare(PYTHON)

    assert (programs / "uv").resolve().is_relative_to(bench.site.cache / "uv")
    (install,) = [call for call in bench.calls if "pip install" in call]
    assert "--require-hashes" in install
    assert install.endswith(f"-r {bench.site.repository}/tools/requirements-uv.txt")


def test_without_uv_and_pip_both_ways_on_are_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (bench.tools / "uv").unlink()
    bench.install("python3", "exit 1")
    monkeypatch.setattr(sys, "executable", str(bench.tools / "python3"))

    with pytest.raises(ToolError, match=r"Either put uv on PATH .* or give python3 its pip"):
        bench.prepare(PYTHON)
