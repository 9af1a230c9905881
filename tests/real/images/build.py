"""The archive of all images: made once for whatever is in them, and found again."""

import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import tools.nodes.oci
from model.releases import release_of, supported_versions
from tests.real.images.catalogue import PATH, contents
from tests.real.images.elasticsearch.libraries import jars
from tests.real.images.java import cache
from tests.real.images.layers import api_folder, distributions, lay_out
from tools.debian import root
from tools.layout import repository
from tools.locks import exclusive
from tools.nodes.oci import Image, Layer, write_archive
from tools.toolchain.digest import digest_of
from tools.toolchain.progress import Progress, duration

_WITHOUT = (
    # For people, compilers and package managers.
    "usr/include", "usr/share/bash-completion", "usr/share/fonts", "usr/share/lintian", "usr/share/vim",
    "usr/share/zsh", "usr/share/menu", "usr/share/pixmaps", "usr/src", "var/lib/dpkg",
    # What scripts of packages are written in; nothing here runs one.
    "usr/bin/perl*", "usr/bin/*perl*", "usr/share/perl*", "usr/lib/*-linux-gnu/perl*", "usr/lib/*-linux-gnu/libperl*",
    # Java's compiler, and memory images of settings that nobody uses.
    "usr/lib/jvm/*/jmods", "usr/lib/jvm/*/legal", "usr/lib/jvm/*/lib/ct.sym", "usr/lib/jvm/*/lib/src.zip",
    "usr/lib/jvm/*/lib/server/classes_nocoops.jsa",
    # MariaDB's tools beyond a server, its clients and what makes an empty data folder.
    "usr/bin/aria_*", "usr/bin/myisam*", "usr/bin/innochecksum", "usr/bin/perror", "usr/bin/replace",
    "usr/bin/resolve_stack_dump", "usr/bin/mariadb-[!ai]*", "usr/bin/mariadb-access", "usr/bin/mariadb-import",
    "usr/bin/mariadbd-safe-helper", "usr/bin/wsrep_*", "usr/lib/libgalera_smm.so",
    # Python's tests of itself, and what Python writes where it may.
    "usr/lib/python3*/test", "*/__pycache__",
)  # fmt: skip


def archive() -> Path:
    """The archive for `ctr --namespace k8s.io images import`, made where it is missing; progress is told.

    Raises:
        ToolError: a part cannot be had; the message says which and what to do.
    """
    debian, node = root("images"), jars()
    folder = cache() / f"archive-{_digest(debian, node)}"
    file = folder / "images.tar"
    if file.is_file():
        return file
    progress = Progress()
    progress.say("images for tests …")
    began = time.monotonic()
    with exclusive(cache(), lambda: progress.say("another run is making images; waiting for it")):
        if not file.is_file():
            _make(folder, debian, node)
    size = file.stat().st_size / 1e6
    progress.say(f"images for tests: {size:.0f} MB, {duration(time.monotonic() - began)}")
    return file


def _make(folder: Path, debian: Path, node: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache()) as work:
        made = Path(work) / "made"
        made.mkdir()
        write_archive(list(_images(Path(work) / "layers", debian, node)), made / "images.tar")
        for stale in cache().glob("archive-*"):
            shutil.rmtree(stale)
        made.replace(folder)


def _images(work: Path, debian: Path, node: Path) -> Iterator[Image]:
    applications = {release_of(version).application_folder for version in supported_versions()}
    base, layers = Layer(debian, _WITHOUT), lay_out(work, node, applications)
    for reference, content in contents():
        yield Image(
            str(reference),
            (base, *(Layer(layers[name]) for name in content.layers)),
            entrypoint=content.entrypoint,
            command=content.command,
            environment={"PATH": PATH},
            user=content.user,
            folder=content.folder,
        )


def _digest(debian: Path, node: Path) -> str:
    """Changes with whatever decides what is in the archive."""
    here = Path(__file__).parent
    folders = (here, api_folder(), repository() / "tests" / "dataplane" / "instance" / "gui")
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if _counts(file)]
    model = [repository() / "model" / name for name in ("images.py", "releases.py", "services.py")]
    texts = (file.read_text(encoding="utf-8") for file in (*files, *model, Path(tools.nodes.oci.__file__)))
    versions = (f"{found.name} {found.version}" for found in distributions())
    return digest_of((platform.machine(), debian.name, node.name, *versions, *texts))


def _counts(file: Path) -> bool:
    return file.is_file() and "__pycache__" not in file.parts
