"""What happens when a run is interrupted, meets another one, fails or is undone."""

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.tools.toolchain_bench import PARTS, Bench
from tools.errors import ToolError
from tools.toolchain.__main__ import clean, trim
from tools.toolchain.commands import ending_on_signals, undisturbed
from tools.toolchain.prepare import prepare

CLUSTER = frozenset({"cluster"})


def test_what_is_embedded_carries_the_plugins_version(bench: Bench) -> None:
    bench.hang("main")
    with bench.start() as run:
        (bench.root / "hang-main").read_text()
        (schema,) = bench.site.staging.rglob("plugin/source/schema.json")
        embedded = json.loads(schema.read_text())
        run.send_signal(signal.SIGINT)

    assert embedded == {"name": "kubernetes", "version": "4.25.0"}


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


def ended(process: int, seconds: float = 5.0) -> bool:
    """Whether a process that is nobody's child any more is gone, or only waits to be buried, within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
    return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_its_builds(bench: Bench, how: signal.Signals) -> None:
    pipe = bench.hang("cluster")
    with bench.start() as run:
        builder = int(pipe.read_text())
        run.send_signal(how)

    assert run.returncode != 0
    assert ended(builder)
    assert not bench.site.staging.exists()


def test_a_signal_waits_until_what_was_started_is_known_to_whoever_ends_it() -> None:
    known = []

    def start() -> None:
        with ending_on_signals(), undisturbed():
            os.kill(os.getpid(), signal.SIGTERM)
            known.append("the build")

    with pytest.raises(SystemExit):
        start()

    assert known == ["the build"]


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


@pytest.mark.parametrize(("group", "needs_it"), [("nodes", "NODES=real"), ("checks", "`make check`")])
def test_without_go_it_is_said_what_alone_needs_the_group(bench: Bench, group: str, needs_it: str) -> None:
    (bench.tools / "go").unlink()
    parts = [replace(part, group=group) for part in PARTS if part.group == "cluster"]

    with pytest.raises(ToolError, match=f"is always built with Go, and only {needs_it} needs it"):
        prepare(bench.site, frozenset({group}), parts)


def test_a_go_that_is_too_old_is_named_with_its_version(bench: Bench) -> None:
    bench.put("go-version", "go1.24.11")

    with pytest.raises(ToolError, match=r"Go 1\.26\.0 or newer is needed, and .*/on-path/go is 1\.24\.11"):
        bench.prepare()


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
