"""What `make tools` builds and where it puts it, with stand-ins for go, pulumi and uv."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.tools.toolchain_bench import PARTS, Bench
from tools.errors import ToolError
from tools.toolchain.prepare import prepare

CLUSTER = frozenset({"cluster"})


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


def test_real_nodes_bring_what_measures_them(bench: Bench) -> None:
    measuring, _, nodes = PARTS
    parts = [replace(measuring, group="metrics"), replace(nodes, group="nodes")]

    prepare(bench.site, frozenset({"nodes"}), parts)

    assert sorted(bench.built()) == ["cluster", "pulumi"]


def test_what_measures_can_be_had_without_real_nodes(bench: Bench) -> None:
    measuring, _, nodes = PARTS
    parts = [replace(measuring, group="metrics"), replace(nodes, group="nodes")]

    prepare(bench.site, frozenset({"metrics"}), parts)

    assert bench.built() == ["pulumi"]


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


def test_a_finished_toolchain_needs_no_go(bench: Bench) -> None:
    programs = bench.prepare()
    (bench.tools / "go").unlink()

    assert bench.prepare() == programs


def test_nothing_is_written_outside_clone_and_cache(bench: Bench) -> None:
    bench.prepare()

    assert not (bench.root / "home").exists()
    assert {path.name for path in bench.site.repository.iterdir()} == {"tools", "pyproject.toml", "uv.lock", ".venv"}
