"""When the pulumi on PATH is used and when it is not."""

import os

import pytest

from tests.unit.tools.toolchain_bench import Bench, install_pulumi
from tools.errors import ToolError


def test_pulumi_from_path_is_used_when_it_can_install_the_plugins(bench: Bench) -> None:
    install_pulumi(bench)

    programs = bench.prepare()

    assert (programs / "pulumi").samefile(bench.tools / "pulumi")
    assert bench.built() == ["cluster"]
    assert (programs.parent / "pulumi-home" / "plugins" / "resource-kubernetes-v4.25.0").is_dir()


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
