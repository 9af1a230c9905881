"""The archive of images and what it is made of: made once, made anew for other content, and never by halves."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from tests.real.images import archive, names
from tests.real.images.elasticsearch import jars
from tests.real.images.java import java
from tools.errors import ToolError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRACARDI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "images"


@pytest.fixture
def parts(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with small stand-ins for what takes long to have."""
    assert not cache.exists()
    for name in ("debian/usr/bin/python3", "debian/usr/include/stdio.h", "elasticsearch-1/lucene.jar"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setattr("tests.real.images.build.root", lambda _name: tmp_path / "debian")
    monkeypatch.setattr("tests.real.images.build.jars", lambda: next(tmp_path.glob("elasticsearch-*")))
    return tmp_path


def test_every_image_is_in_the_one_archive_under_its_name(parts: Path) -> None:
    with tarfile.open(archive()) as tar:
        index = tar.extractfile("index.json")
        assert index
        found = {each["annotations"]["io.containerd.image.name"] for each in json.load(index)["manifests"]}

    assert parts in archive().parents
    assert found == set(names())


def test_the_archive_is_made_once(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = archive()
    before = first.stat().st_ino
    capsys.readouterr()
    (parts / "debian" / "usr" / "bin" / "python3").unlink()

    assert archive() == first
    assert first.stat().st_ino == before
    assert capsys.readouterr().err == ""


def test_other_content_makes_another_archive_in_the_place_of_the_one_before(parts: Path, cache: Path) -> None:
    first = archive()
    (parts / "elasticsearch-1").rename(parts / "elasticsearch-2")

    second = archive()

    assert second != first
    assert [folder.name for folder in cache.iterdir()] == [second.parent.name]


def test_what_cannot_be_made_leaves_nothing(parts: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_images: object, file: Path) -> None:
        file.write_text("half")
        raise ToolError("the disk is full")

    monkeypatch.setattr("tests.real.images.build.write_archive", fails)

    with pytest.raises(ToolError, match="the disk is full"):
        archive()
    assert list(cache.iterdir()) == []
    assert parts.exists()


def test_java_is_found_without_the_machines_own_settings(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    debian = tmp_path / "debian-1"
    home = debian / "usr/lib/jvm/java-99"
    for file in (home / "bin/java", home / "man/java.1", debian / "etc/java-99/security/java.security"):
        file.parent.mkdir(parents=True)
        file.write_text(file.name)
    (debian / "usr/lib/jvm/default-java").symlink_to("java-99")
    (home / "conf").symlink_to("/etc/java-99")
    (home / "lost").symlink_to("/etc/nowhere")
    monkeypatch.setattr("tests.real.images.java.root", lambda _name: debian)

    found = java()

    assert found.is_relative_to(cache)
    assert sorted(str(path.relative_to(found.parent.parent)) for path in found.parent.parent.rglob("*")) == [
        "bin",
        "bin/java",
        "conf",
        "conf/security",
        "conf/security/java.security",
    ]
    assert not any(path.is_symlink() for path in found.parent.parent.rglob("*"))


@pytest.fixture
def maven(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Java that, whatever it is told, puts what is in the folder `served` where jars are expected."""
    assert not cache.exists()
    script = tmp_path / "java"
    script.write_text(
        '#!/bin/sh\nfor each; do case $each in -DoutputDirectory=*) cp -r "$(dirname "$0")/served" "${each#*=}" ;; '
        "esac; done\n"
    )
    script.chmod(0o755)
    monkeypatch.setattr("tests.real.images.elasticsearch.libraries.java", lambda: script)
    monkeypatch.setattr("tests.real.images.elasticsearch.libraries.root", lambda _name: tmp_path)
    monkeypatch.setattr("tests.real.images.elasticsearch.libraries._LIST", tmp_path / "jars.sha256")
    (tmp_path / "jars.sha256").write_text(f"{hashlib.sha256(b'good').hexdigest()}  lucene.jar\n")
    (tmp_path / "served").mkdir()
    return tmp_path


def test_jars_are_those_of_the_list(maven: Path, cache: Path) -> None:
    (maven / "served" / "lucene.jar").write_text("good")

    assert (jars() / "lucene.jar").read_text() == "good"
    assert jars().is_relative_to(cache)
    assert (jars() / "log4j2.xml").is_file()


@pytest.mark.parametrize(
    ("served", "named"),
    [({"lucene.jar": "bad"}, "lucene.jar"), ({"lucene.jar": "good", "x.jar": ""}, "x.jar"), ({}, "lucene")],
)
def test_other_jars_than_those_of_the_list_are_refused(
    maven: Path, cache: Path, served: dict[str, str], named: str
) -> None:
    for name, text in served.items():
        (maven / "served" / name).write_text(text)

    with pytest.raises(ToolError, match=rf"jars\.sha256 lists: {named}"):
        jars()
    assert not list(cache.glob("elasticsearch-*"))
