"""Images made of folders: an OCI layout whose digests fit, the same bytes each time, and every file as it was."""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tools.errors import ToolError
from tools.nodes import images
from tools.nodes.oci import Image, Layer, write_archive


class Archive:
    """An archive as whoever imports it reads it."""

    def __init__(self, file: Path) -> None:
        with tarfile.open(file) as tar:
            self.names = tar.getnames()
            self.files = {name: _read(tar, name) for name in self.names}

    @property
    def manifests(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.files["index.json"])["manifests"]
        return found

    def blob(self, descriptor: dict[str, Any]) -> bytes:
        """What a descriptor points to, which has the size and the digest that it says."""
        content = self.files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert len(content) == descriptor["size"]
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == descriptor["digest"]
        return content

    def manifest(self, name: str) -> dict[str, Any]:
        found = [each for each in self.manifests if each["annotations"]["io.containerd.image.name"] == name]
        manifest: dict[str, Any] = json.loads(self.blob(found[0]))
        return manifest

    def configuration(self, name: str) -> dict[str, Any]:
        configuration: dict[str, Any] = json.loads(self.blob(self.manifest(name)["config"]))
        return configuration

    def layer(self, name: str, number: int = 0) -> tarfile.TarFile:
        return tarfile.open(fileobj=io.BytesIO(self.blob(self.manifest(name)["layers"][number])))


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    content = tar.extractfile(name)
    assert content
    return content.read()


def _folder(place: Path, **files: str) -> Path:
    for name, text in files.items():
        file = place / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return place


def test_an_image_is_found_by_the_very_name_that_it_was_given(tmp_path: Path) -> None:
    layer = Layer(_folder(tmp_path / "root", etc__name="x"))

    write_archive([Image("images.test/library/redis:7.2.11", (layer,))], tmp_path / "archive")

    annotations = Archive(tmp_path / "archive").manifests[0]["annotations"]
    assert set(annotations.values()) == {"images.test/library/redis:7.2.11"}
    assert set(annotations) == {"io.containerd.image.name", "org.opencontainers.image.ref.name"}
    assert json.loads(Archive(tmp_path / "archive").files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}


def test_an_image_tells_what_it_runs(tmp_path: Path) -> None:
    image = Image(
        "images.test/a:1",
        (Layer(_folder(tmp_path / "root", bin__a="x")),),
        entrypoint=("/bin/a",),
        command=("serve",),
        environment={"PATH": "/bin", "HOME": "/"},
        user="999:999",
        folder="/app",
    )

    write_archive([image], tmp_path / "archive")

    assert Archive(tmp_path / "archive").configuration("images.test/a:1")["config"] == {
        "Entrypoint": ["/bin/a"],
        "Cmd": ["serve"],
        "Env": ["PATH=/bin", "HOME=/"],
        "User": "999:999",
        "WorkingDir": "/app",
    }


def test_layers_are_listed_by_the_digest_of_their_content(tmp_path: Path) -> None:
    layers = (Layer(_folder(tmp_path / "one", a="1")), Layer(_folder(tmp_path / "two", b="2")))

    write_archive([Image("images.test/a:1", layers)], tmp_path / "archive")

    archive = Archive(tmp_path / "archive")
    assert archive.layer("images.test/a:1", 0).getnames() == ["a"]
    assert archive.layer("images.test/a:1", 1).getnames() == ["b"]
    listed = [layer["digest"] for layer in archive.manifest("images.test/a:1")["layers"]]
    assert archive.configuration("images.test/a:1")["rootfs"] == {"type": "layers", "diff_ids": listed}


def test_a_layer_that_images_share_is_in_the_archive_once(tmp_path: Path) -> None:
    base, copy = Layer(_folder(tmp_path / "base", a="1")), Layer(_folder(tmp_path / "copy", a="1"))
    own = Layer(_folder(tmp_path / "own", b="2"))

    write_archive(
        [Image("images.test/a:1", (base,)), Image("images.test/b:1", (base, own)), Image("images.test/c:1", (copy,))],
        tmp_path / "archive",
    )

    archive = Archive(tmp_path / "archive")
    assert len(archive.names) == len(set(archive.names))
    a, b, c = (archive.manifest(f"images.test/{name}:1")["layers"] for name in "abc")
    assert a[0] == b[0] == c[0] != b[1]
    # Two layers; of a and c, which are equal, one manifest and one configuration; those of b; index and layout.
    assert len(archive.names) == 2 + 2 + 2 + 2


def test_equal_folders_make_equal_bytes_whenever_and_whoever_wrote_them(tmp_path: Path) -> None:
    first = _folder(tmp_path / "first", b="2", a__x="1")
    second = _folder(tmp_path / "second", a__x="1", b="2")
    os.utime(second / "b", (1, 1))
    if os.geteuid() == 0:
        os.chown(second / "b", 1234, 1234)

    for folder in (first, second):
        write_archive([Image("images.test/a:1", (Layer(folder),))], tmp_path / f"{folder.name}.tar")

    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes()


def test_modes_and_links_stay_what_they_are(tmp_path: Path) -> None:
    root = _folder(tmp_path / "root", bin__one="program", etc__empty="")
    (root / "bin" / "one").chmod(0o4755)
    (root / "bin" / "two").hardlink_to(root / "bin" / "one")
    (root / "sh").symlink_to("/bin/one")
    (root / "dangling").symlink_to("nowhere")
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)

    write_archive([Image("images.test/a:1", (Layer(root),))], tmp_path / "archive")

    layer = Archive(tmp_path / "archive").layer("images.test/a:1")
    assert layer.getmember("bin/one").mode == 0o4755
    assert (layer.getmember("bin/two").islnk(), layer.getmember("bin/two").linkname) == (True, "bin/one")
    assert (layer.getmember("sh").issym(), layer.getmember("sh").linkname) == (True, "/bin/one")
    assert layer.getmember("dangling").linkname == "nowhere"
    assert (layer.getmember("tmp").isdir(), layer.getmember("tmp").mode) == (True, 0o1777)
    assert {(each.uid, each.gid, each.uname, each.mtime) for each in layer} == {(0, 0, "", 0)}


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    root = _folder(tmp_path / "root", usr__bin__a="x")
    (root / "bin").symlink_to("usr/bin")

    write_archive([Image("images.test/a:1", (Layer(root),))], tmp_path / "archive")

    assert Archive(tmp_path / "archive").layer("images.test/a:1").getnames() == ["bin", "usr", "usr/bin", "usr/bin/a"]


def test_what_a_layer_is_without_stays_out_with_all_below_it(tmp_path: Path) -> None:
    root = _folder(tmp_path / "root", usr__share__doc__a__copyright="long", usr__lib__x="1", usr__lib__x_pyc="2")

    write_archive(
        [Image("images.test/a:1", (Layer(root, without=("usr/share/doc", "usr/lib/*_pyc")),))], tmp_path / "archive"
    )

    names = Archive(tmp_path / "archive").layer("images.test/a:1").getnames()
    assert names == ["usr", "usr/lib", "usr/lib/x", "usr/share"]


def test_a_missing_folder_leaves_neither_archive_nor_remains(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="nothing-here is no folder"):
        write_archive([Image("images.test/a:1", (Layer(tmp_path / "nothing-here"),))], tmp_path / "archive")

    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_packed_leaves_the_archive_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("before")
    os.mkfifo(_folder(tmp_path / "root", a="1") / "pipe")

    with pytest.raises(ToolError, match="pipe is neither a file, a folder nor a link"):
        write_archive([Image("images.test/a:1", (Layer(tmp_path / "root"),))], tmp_path / "archive")

    assert (tmp_path / "archive").read_text() == "before"
    assert {each.name for each in tmp_path.iterdir()} == {"archive", "root"}


@pytest.mark.parametrize(("machine", "named"), [("x86_64", "amd64"), ("aarch64", "arm64")])
def test_images_are_for_the_machine_that_makes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, named: str
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)

    write_archive([Image("images.test/a:1", (Layer(_folder(tmp_path / "root", a="1")),))], tmp_path / "archive")

    archive = Archive(tmp_path / "archive")
    assert archive.manifests[0]["platform"] == {"architecture": named, "os": "linux"}
    assert archive.configuration("images.test/a:1")["architecture"] == named


def test_another_kind_of_machine_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    with pytest.raises(ToolError, match="this machine is riscv64"):
        write_archive([Image("images.test/a:1", (Layer(_folder(tmp_path / "root", a="1")),))], tmp_path / "archive")


def test_a_clusters_own_images_hold_one_program_and_run_as_nobody(tmp_path: Path) -> None:
    debian = _folder(tmp_path / "debian", usr__bin__catatonit="pause")
    programs = _folder(tmp_path / "programs", **{"coredns": "dns", "metrics-server": "metrics"})

    images.cluster_images(programs, tmp_path / "archive", debian)

    archive = Archive(tmp_path / "archive")
    expected = {
        images.PAUSE: ("catatonit", ["/catatonit", "-P"]),
        images.COREDNS: ("coredns", ["/coredns"]),
        images.METRICS_SERVER: ("metrics-server", ["/metrics-server"]),
    }
    for name, (program, entrypoint) in expected.items():
        assert archive.configuration(name)["config"]["Entrypoint"] == entrypoint
        assert archive.configuration(name)["config"]["User"] == "65532:65532"
        layer = archive.layer(name)
        assert set(layer.getnames()) == {program, "tmp"}
        assert layer.getmember(program).mode == 0o755
        assert layer.getmember("tmp").mode == 0o1777
    assert {each.name for each in tmp_path.iterdir()} == {"archive", "debian", "programs"}


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    debian = _folder(tmp_path / "debian", usr__bin__catatonit="pause")

    with pytest.raises(ToolError, match="programs/coredns is missing"):
        images.cluster_images(_folder(tmp_path / "programs"), tmp_path / "archive", debian)
