"""What `make tools` does, with stand-ins for go, pulumi and uv."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.tools.toolchain_bench import PARTS, Bench, install_pulumi, new_bench
from tools.errors import ToolError
from tools.toolchain.__main__ import clean, trim

CLUSTER = frozenset({"cluster"})
PYTHON = frozenset({"python"})

_PYTHON_WITH_PIP = """
if [ "$3" = --version ]; then exit 0; fi
while [ "$1" != --target ]; do shift; done
/bin/mkdir -p "$2/bin"
/bin/cp "$here/on-path/uv" "$2/bin/uv"
"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = new_bench(tmp_path)
    yield bench
    bench.let_go()


def home(bench: Bench) -> Path:
    return bench.prepare().parent / "pulumi-home"


def test_a_first_run_builds_every_part_and_puts_it_in_place(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    programs = bench.prepare()

    assert sorted(bench.built()) == ["cluster", "main", "pulumi"]
    assert {path.name for path in programs.iterdir()} == {"pulumi", "helper", "uv", "etcd", "kube-apiserver"}
    assert all(os.access(path, os.X_OK) for path in programs.iterdir())
    said = capfd.readouterr()
    assert "[5/5] Plugins into Pulumi's home: " in said.err
    assert said.out == ""


def test_a_second_run_says_nothing_and_calls_nothing(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    first = bench.prepare()
    before = bench.calls
    capfd.readouterr()

    assert bench.prepare() == first
    assert bench.calls == before
    assert capfd.readouterr() == ("", "")


def test_plugins_are_installed_into_a_pulumi_home_of_our_own(bench: Bench) -> None:
    installed = home(bench) / "plugins" / "resource-kubernetes-v4.25.0" / "pulumi-resource-kubernetes"

    assert installed.is_file()
    assert installed.is_relative_to(bench.site.cache)


def test_an_installed_plugin_takes_no_space_of_its_own(bench: Bench) -> None:
    installed = home(bench) / "plugins" / "resource-kubernetes-v4.25.0" / "pulumi-resource-kubernetes"

    assert installed.stat().st_nlink > 1


def test_plugins_stay_off_the_path(bench: Bench) -> None:
    assert not list(bench.prepare().glob("pulumi-resource-*"))


def test_one_binary_serves_under_each_of_its_names(bench: Bench) -> None:
    programs = bench.prepare()

    assert (programs / "etcd").samefile(programs / "kube-apiserver")


def test_builds_are_verified_and_need_no_c_compiler(bench: Bench) -> None:
    bench.prepare()

    environment = bench.environment("go build")
    assert environment["GOFLAGS"] == "-mod=readonly"
    assert environment["CGO_ENABLED"] == "0"
    assert environment["GOTOOLCHAIN"] == "local"
    assert environment["GOWORK"] == "off"
    assert Path(environment["GOCACHE"]) == bench.site.cache / "go-build"
    assert Path(environment["GOTMPDIR"]).is_relative_to(bench.site.cache)
    assert "GOOS" not in environment


def test_files_from_a_module_are_taken_only_with_a_checksum_of_ours(bench: Bench) -> None:
    (bench.site.sources / "plugin" / "go.sum").write_text("example.org/sdk v1.0.0 h1:other=\n")

    with pytest.raises(ToolError, match=r"go\.sum has no checksum for example\.org/sdk v1\.0\.0"):
        bench.prepare()


def test_nothing_is_written_into_the_sources(bench: Bench) -> None:
    before = sorted(bench.site.sources.rglob("*"))

    bench.prepare()

    assert sorted(bench.site.sources.rglob("*")) == before


def test_what_is_embedded_carries_the_plugins_version(bench: Bench) -> None:
    bench.hang("main")
    with bench.start() as run:
        (bench.root / "hang-main").read_text()
        (schema,) = bench.site.staging.rglob("plugin/source/schema.json")
        embedded = json.loads(schema.read_text())
        run.send_signal(signal.SIGINT)

    assert embedded == {"name": "kubernetes", "version": "4.25.0"}


def test_a_changed_source_builds_its_part_anew_and_no_other(bench: Bench) -> None:
    bench.prepare()
    (bench.site.sources / "cluster" / "main.go").write_text("package main\n")

    bench.prepare()

    assert bench.built().count("cluster") == 2
    assert bench.built().count("pulumi") == 1


def test_a_group_alone_builds_only_its_own_parts(bench: Bench) -> None:
    bench.prepare(CLUSTER)

    assert bench.built() == ["cluster"]
    assert not bench.site.venv.exists()


def test_groups_that_are_asked_for_later_join_the_same_toolchain(bench: Bench) -> None:
    assert bench.prepare(CLUSTER) == bench.prepare()
    assert bench.built().count("cluster") == 1


def test_a_file_that_was_removed_is_put_back_without_building(bench: Bench) -> None:
    programs = bench.prepare()
    (programs / "etcd").unlink()

    bench.prepare()

    assert (programs / "etcd").exists()
    assert len(bench.built()) == len(PARTS)


def test_an_unknown_group_is_named(bench: Bench) -> None:
    with pytest.raises(ToolError, match="no part of the toolchain is in group clusters"):
        bench.prepare(frozenset({"clusters"}))


def test_a_killed_run_leaves_nothing_half_done_and_the_next_goes_on(bench: Bench) -> None:
    pipe = bench.hang("cluster")
    with bench.start() as run:
        builder = int(pipe.read_text())
        run.kill()
    os.kill(builder, signal.SIGKILL)
    pipe.unlink()

    programs = bench.prepare()

    assert (programs / "etcd").read_text() == (bench.root / "pulumi-source").read_text()
    assert bench.built().count("pulumi") == 1
    assert bench.built().count("cluster") == 2


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_its_builds(bench: Bench, how: signal.Signals) -> None:
    pipe = bench.hang("cluster")
    with bench.start() as run:
        builder = int(pipe.read_text())
        run.send_signal(how)

    assert run.returncode != 0
    with pytest.raises(ProcessLookupError):
        os.kill(builder, 0)
    assert not bench.site.staging.exists()


def test_of_two_runs_at_once_the_second_waits_and_finds_everything_done(bench: Bench) -> None:
    pipe = bench.hang("cluster")
    with bench.start() as first:
        pipe.read_text()
        with bench.start() as second:
            assert second.stderr is not None
            said = second.stderr.readline()
            bench.release(pipe)

    assert said == "tools: another run is preparing the toolchain; waiting for it\n"
    assert (first.returncode, second.returncode) == (0, 0)
    assert sorted(bench.built()) == ["cluster", "main", "pulumi"]


def test_a_failed_build_shows_its_last_lines_and_where_the_rest_is(bench: Bench) -> None:
    bench.put("fail", "")

    with pytest.raises(ToolError) as failure:
        bench.prepare(CLUSTER)

    assert "Control plane: go ended with status 2" in str(failure.value)
    assert str(bench.site.logs / "control-plane.log") in str(failure.value)
    assert "    does not compile" in str(failure.value)


def test_a_failed_build_is_built_again_by_the_next_run(bench: Bench) -> None:
    bench.put("fail", "")
    with pytest.raises(ToolError):
        bench.prepare(CLUSTER)
    (bench.root / "fail").unlink()

    assert (bench.prepare(CLUSTER) / "etcd").exists()


def test_a_module_that_cannot_be_fetched_is_a_message_of_go(bench: Bench) -> None:
    bench.put("no-proxy", "")

    with pytest.raises(ToolError, match="no route to the module proxy"):
        bench.prepare()


def test_without_go_both_ways_on_are_named(bench: Bench) -> None:
    (bench.tools / "go").unlink()

    with pytest.raises(ToolError) as failure:
        bench.prepare()

    assert "Go 1.26.0 or newer is needed, and there is no `go` on PATH" in str(failure.value)
    assert "Either install that Go, or put pulumi 3.250.0 or newer on PATH" in str(failure.value)
    assert "KUBE_CONTEXT=<context>" in str(failure.value)


def test_a_go_that_is_too_old_is_named_with_its_version(bench: Bench) -> None:
    bench.put("go-version", "go1.24.11")

    with pytest.raises(ToolError, match=r"Go 1\.26\.0 or newer is needed, and .*/on-path/go is 1\.24\.11"):
        bench.prepare()


def test_a_finished_toolchain_needs_no_go(bench: Bench) -> None:
    programs = bench.prepare()
    (bench.tools / "go").unlink()

    assert bench.prepare() == programs


def test_pulumi_from_path_is_used_when_it_can_install_the_plugins(bench: Bench) -> None:
    install_pulumi(bench)

    programs = bench.prepare()

    assert (programs / "pulumi").samefile(bench.tools / "pulumi")
    assert bench.built() == ["cluster"]
    assert (home(bench) / "plugins" / "resource-kubernetes-v4.25.0").is_dir()


def test_pulumi_from_path_needs_no_go(bench: Bench) -> None:
    install_pulumi(bench, "v3.260.1")
    (bench.tools / "go").unlink()

    assert (bench.prepare(frozenset({"pulumi"})) / "pulumi").samefile(bench.tools / "pulumi")


def test_pulumi_from_path_is_tried_once(bench: Bench) -> None:
    install_pulumi(bench)
    bench.prepare()
    before = bench.calls

    bench.prepare()

    assert bench.calls == before


def test_an_old_pulumi_on_path_is_passed_over(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    install_pulumi(bench, "v3.249.9")

    programs = bench.prepare()

    assert not (programs / "pulumi").samefile(bench.tools / "pulumi")
    assert "pulumi is 3.249.9, older than 3.250.0" in capfd.readouterr().err


def test_a_pulumi_that_cannot_fetch_plugins_is_passed_over_once(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    install_pulumi(bench)
    bench.put("no-downloads", "")

    programs = bench.prepare()
    before = bench.calls

    assert not (programs / "pulumi").samefile(bench.tools / "pulumi")
    assert "no such host; so Pulumi is built from its sources" in capfd.readouterr().err
    assert bench.prepare() == programs
    assert bench.calls == before


def test_a_pulumi_without_its_language_host_is_passed_over(bench: Bench) -> None:
    install_pulumi(bench)
    (bench.tools / "pulumi-language-python").unlink()

    assert not (bench.prepare() / "pulumi").samefile(bench.tools / "pulumi")


def test_without_go_the_reason_against_the_pulumi_on_path_is_told(bench: Bench) -> None:
    install_pulumi(bench, "v3.100.0")
    (bench.tools / "go").unlink()

    with pytest.raises(ToolError, match=r"The pulumi on PATH cannot be used: .* is 3\.100\.0, older than 3\.250\.0"):
        bench.prepare()


def test_a_pulumi_that_appears_later_is_used(bench: Bench) -> None:
    bench.prepare()
    install_pulumi(bench)

    assert (bench.prepare() / "pulumi").samefile(bench.tools / "pulumi")


def test_a_pulumi_that_goes_away_is_built(bench: Bench) -> None:
    install_pulumi(bench)
    bench.prepare()
    (bench.tools / "pulumi").unlink()

    assert (bench.prepare() / "pulumi").read_text() == (bench.root / "pulumi-source").read_text()


@pytest.mark.parametrize("folder", ["clone/.work/bin", "cache/toolchain/x/bin", "clone/.venv/bin"])
def test_a_pulumi_of_our_own_making_is_not_taken_for_the_users(bench: Bench, folder: str) -> None:
    install_pulumi(bench)
    own = bench.root / folder
    own.mkdir(parents=True)
    (bench.tools / "pulumi").rename(own / "pulumi")

    bench.prepare(PATH=f"{own}{os.pathsep}{bench.tools}")

    assert "pulumi" in bench.built()


def test_the_python_environment_alone_needs_neither_go_nor_pulumi(bench: Bench) -> None:
    (bench.tools / "go").unlink()

    bench.prepare(PYTHON)

    assert "uv sync --locked" in bench.calls
    assert (bench.site.venv / "bin" / "python").exists()


def test_uvx_comes_along_where_uv_has_it(bench: Bench) -> None:
    bench.install("uvx", "")

    assert (bench.prepare(PYTHON) / "uvx").samefile(bench.tools / "uvx")


@pytest.mark.parametrize("file", ["uv.lock", "pyproject.toml"])
def test_a_changed_lock_brings_the_python_environment_up_to_date(bench: Bench, file: str) -> None:
    bench.prepare(PYTHON)
    (bench.site.repository / file).write_text("changed")

    bench.prepare(PYTHON)

    assert bench.calls.count("uv sync --locked") == 2


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

    assert bench.calls.count("uv sync --locked") == 2


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


def test_nothing_is_written_outside_clone_and_cache(bench: Bench) -> None:
    bench.prepare()

    assert not (bench.root / "home").exists()
    assert {path.name for path in bench.site.repository.iterdir()} == {"tools", "pyproject.toml", "uv.lock", ".venv"}


def test_cleaning_removes_what_the_builder_keeps_and_nothing_else(bench: Bench) -> None:
    bench.prepare()
    for name in ("uv", "go-build", "somebody-elses"):
        (bench.site.cache / name).mkdir(exist_ok=True)

    clean(bench.site)

    assert [path.name for path in bench.site.cache.iterdir()] == ["somebody-elses"]


def test_trimming_removes_only_gos_build_cache(bench: Bench) -> None:
    programs = bench.prepare()
    bench.site.go_build.mkdir()

    trim(bench.site)

    assert not bench.site.go_build.exists()
    assert bench.prepare() == programs
    assert len(bench.built()) == len(PARTS)


def test_a_cache_folder_that_cannot_be_written_is_named(bench: Bench) -> None:
    bench.site.cache.write_text("a file")

    with pytest.raises(ToolError, match=r"/cache.*: .*\. TRACARDI_CACHE can name another cache folder"):
        bench.prepare()


def test_cleaning_leaves_no_empty_cache_folder(bench: Bench) -> None:
    bench.prepare()

    clean(bench.site)
    clean(bench.site)

    assert not bench.site.cache.exists()


def test_a_cleaned_toolchain_is_built_again(bench: Bench) -> None:
    bench.prepare()
    clean(bench.site)

    assert (bench.prepare() / "pulumi").exists()
    assert len(PARTS) * 2 == len(bench.built())
