"""A folder of Debian's programs: whole or not there, made once, and clear about what stands in the way."""

import io
import stat
import sys
import threading
from pathlib import Path

import pytest

from tests.unit.tools.debian_bench import STANZA, Bench, new_bench
from tools.debian.packages import Package
from tools.errors import ToolError
from tools.locks import exclusive
from tools.toolchain.__main__ import clean


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A Debian with two packages in its archive."""
    return new_bench(tmp_path)


def test_programs_are_found_where_debian_has_them(bench: Bench) -> None:
    root = bench.prepare()

    assert (root / "usr" / "sbin" / "haproxy").read_text() == "proxy"
    # The package holds it as /bin/dash, which is a link by now.
    assert (root / "usr" / "bin" / "dash").read_text() == "shell"
    assert (root / "bin").readlink() == Path("usr/bin")
    assert not (root / "usr" / "share" / "doc" / "dash").exists()


def test_other_users_can_enter_the_folder(bench: Bench) -> None:
    assert stat.S_IMODE(bench.prepare().stat().st_mode) == 0o755


def test_a_second_run_needs_no_apt_and_says_nothing(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    first = bench.prepare()
    capsys.readouterr()
    (bench.tools / "apt-get").unlink()

    assert bench.prepare() == first
    assert bench.calls == ["update", "install"]
    assert capsys.readouterr().err == ""


def test_neither_package_lists_nor_archives_are_kept(bench: Bench) -> None:
    root = bench.prepare()

    assert {entry.name for entry in bench.site.debian.iterdir()} == {"programs", "logs"}
    assert bench.whole == [root]


def test_another_list_of_packages_takes_the_place_of_the_one_before(bench: Bench) -> None:
    before = bench.prepare()
    bench.pack("wrk_4.1.0", usr__bin__wrk="load")

    after = bench.prepare(Package("wrk", "load", "usr/bin/wrk"))

    assert bench.whole == [after]
    assert after != before


def test_sets_do_not_get_in_each_others_way(bench: Bench) -> None:
    programs, node = bench.prepare(), bench.prepare(name="node")
    bench.pack("wrk_4.1.0", usr__bin__wrk="load")

    more = bench.prepare(Package("wrk", "load", "usr/bin/wrk"), name="node")

    assert sorted(bench.whole) == sorted([programs, more])
    assert more != node
    assert bench.prepare() == programs


def test_what_is_no_set_is_removed(bench: Bench) -> None:
    (bench.site.debian / "ba59762342fdccb8" / "usr").mkdir(parents=True)
    (bench.site.debian / "dropped" / "515faee27fc958c4").mkdir(parents=True)

    root = bench.prepare()

    assert bench.whole == [root]
    assert {entry.name for entry in bench.site.debian.iterdir()} == {"programs", "logs"}


def test_other_sources_make_another_folder(bench: Bench) -> None:
    before = bench.prepare()
    (bench.etc / "apt" / "sources.list.d" / "debian.sources").write_text(STANZA.replace("bookworm", "trixie"))

    assert bench.prepare() != before


def test_apt_works_on_a_state_of_its_own_and_leaves_the_machines_caches_alone(bench: Bench) -> None:
    bench.prepare()

    configuration = (bench.folder / "apt.conf").read_text()
    folders = [line.split('"')[1] for line in configuration.splitlines() if line.startswith(("Dir::State ", "Dir::C"))]
    assert "#clear APT::Update;" in configuration.splitlines()
    assert folders[0].startswith(str(bench.site.debian))
    assert (bench.folder / "sources-seen" / "debian.sources").read_text().strip() == STANZA.strip()


def test_without_a_network_apts_own_words_and_a_remedy_are_shown(bench: Bench) -> None:
    (bench.folder / "no-network").touch()

    with pytest.raises(ToolError) as refused:
        bench.prepare()

    assert "E: Could not resolve debian.example.org" in str(refused.value)
    assert "Where `apt-get update` works, so does this" in str(refused.value)
    assert bench.whole == []


def test_half_unpacked_packages_never_count_and_the_next_run_starts_anew(bench: Bench) -> None:
    (bench.folder / "broken").touch()
    with pytest.raises(ToolError, match="unexpected end"):
        bench.prepare()
    assert bench.whole == []
    (bench.folder / "broken").unlink()

    assert (bench.prepare() / "usr" / "sbin" / "haproxy").read_text() == "proxy"


def test_what_a_killed_run_has_left_is_removed(bench: Bench) -> None:
    left = bench.site.debian / "staging" / "x" / "root"
    left.mkdir(parents=True)

    root = bench.prepare()

    assert bench.whole == [root]


def test_a_run_that_waited_for_another_one_uses_what_that_one_made(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench.prepare()
    aside = made.rename(bench.folder / "aside")
    waits = threading.Event()

    class Listener(io.StringIO):
        def write(self, text: str) -> int:
            if "waiting for it" in text:
                waits.set()
            return len(text)

    monkeypatch.setattr(sys, "stderr", Listener())
    with exclusive(bench.site.cache):
        other = threading.Thread(target=bench.prepare)
        other.start()
        noticed = waits.wait(timeout=10)
        aside.rename(made)
    other.join()

    assert noticed
    assert bench.calls == ["update", "install"]


def test_a_package_without_its_program_is_refused_by_name(bench: Bench) -> None:
    with pytest.raises(ToolError, match=r"package chromium .* has no usr/lib/chromium/chromium \(a real browser\)"):
        bench.prepare(Package("chromium", "a real browser", "usr/lib/chromium/chromium"))

    assert bench.whole == []


def test_a_haproxy_older_than_the_configuration_needs_is_refused(bench: Bench) -> None:
    (bench.folder / "archive" / "haproxy_2.6.12-1+deb12u4_amd64.deb").unlink()
    bench.pack("haproxy_2.4.22-0", usr__sbin__haproxy="old")

    with pytest.raises(ToolError, match=r"apt offers HAProxy 2\.4; the generated configuration needs 2\.6"):
        bench.prepare()


@pytest.mark.parametrize("program", ["apt-get", "dpkg-deb", "tar", "bash"])
def test_a_missing_program_is_named_with_what_needs_it(bench: Bench, program: str) -> None:
    (bench.tools / program).unlink()

    with pytest.raises(ToolError, match=f"(?s)make test-dataplane.*PATH has no {program}"):
        bench.prepare()


def test_a_folder_that_cannot_be_written_is_named(bench: Bench) -> None:
    bench.site.cache.write_text("a file where the cache folder should be")

    with pytest.raises(ToolError, match=r"cache.*TRACARDI_CACHE can name another"):
        bench.prepare()


def test_clean_tools_removes_the_folder_as_well(bench: Bench) -> None:
    bench.prepare()

    clean(bench.site)

    assert not bench.site.cache.exists()
