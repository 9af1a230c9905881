"""The folder of jars that a node runs on: resolved by Maven, compared with a list, and one class of our own."""

import hashlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.real.images.java import cache, java
from tools.debian import root
from tools.errors import ToolError
from tools.locks import exclusive
from tools.toolchain.commands import Command
from tools.toolchain.digest import digest_of
from tools.toolchain.jobs import Job, run
from tools.toolchain.progress import Progress, duration

VERSION = "7.17.29"
CLASS = "org.elasticsearch.bootstrap.ElasticsearchNode"
_FOLDER = Path(__file__).parent
_POM, _LIST = _FOLDER / "pom.xml", _FOLDER / "jars.sha256"
_SOURCE, _LOGGING = _FOLDER / "ElasticsearchNode.java", _FOLDER / "log4j2.xml"
_LAUNCHER = "org.codehaus.plexus.classworlds.launcher.Launcher"
_REMEDY = (
    "The jars come from Maven Central, or from the mirror that ~/.m2/settings.xml names; run the same command again."
)


def jars() -> Path:
    """Folder with every jar of a node, the class that starts one, and how it logs; made where it is missing.

    Raises:
        ToolError: a jar cannot be had, or is not the one that it was.
    """
    folder = cache() / f"elasticsearch-{_digest()}"
    if folder.is_dir():
        return folder
    runtime, maven = java(), root("maven")
    progress = Progress()
    began = time.monotonic()
    with exclusive(cache(), lambda: progress.say("another run is making images; waiting for it")):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=cache()) as work:
                _make(Path(work), runtime, maven, progress)
                for stale in cache().glob("elasticsearch-*"):
                    shutil.rmtree(stale)
                (Path(work) / "jars").replace(folder)
            progress.say(f"Elasticsearch's jars: ready after {duration(time.monotonic() - began)}")
    return folder


def _digest() -> str:
    texts = (file.read_text(encoding="utf-8") for file in (_POM, _LIST, _SOURCE, _LOGGING, Path(__file__)))
    return digest_of((platform.machine(), *texts))


def _make(work: Path, runtime: Path, maven: Path, progress: Progress) -> None:
    made, log = work / "jars", cache() / "elasticsearch.log"
    progress.expect(2)
    # A copy: Maven must not find the folders around this file.
    shutil.copy2(_POM, work / "pom.xml")
    resolve = Command(_maven(runtime, maven, work, made), dict(os.environ), work, log)
    run([Job("Elasticsearch's jars: resolve", iter((resolve,)), remedy=_REMEDY)], progress)
    _compare(made)
    run([Job("Elasticsearch's jars: compile", _compile(runtime, made, log))], progress)
    shutil.copy2(_LOGGING, made / _LOGGING.name)
    made.chmod(0o755)


def _maven(runtime: Path, maven: Path, work: Path, made: Path) -> list[str]:
    home = maven / "usr/share/maven"
    settings = {
        "maven.home": home,
        # A link into the machine's /etc, which has no Maven.
        "maven.conf": maven / "etc/maven",
        "classworlds.conf": maven / "etc/maven/m2.conf",
        "maven.multiModuleProjectDirectory": work,
        "maven.repo.local": work / "repository",
        "outputDirectory": made,
    }
    return [
        str(runtime),
        *(f"-D{name}={value}" for name, value in settings.items()),
        *("-classpath", str(home / "boot/plexus-classworlds-2.x.jar"), _LAUNCHER),
        *("--batch-mode", "--quiet", "--strict-checksums", "dependency:copy-dependencies"),
    ]


def _compare(made: Path) -> None:
    """Make sure that the folder holds what the list says, no more and no less.

    Raises:
        ToolError: it does not.
    """
    wanted = {name: digest for digest, name in (line.split() for line in _LIST.read_text().splitlines())}
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in made.iterdir()}
    differing = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if differing:
        raise ToolError(
            f"Maven resolved other files than {_LIST} lists: {', '.join(differing)}.\n  A mirror that changes files is "
            "not to be used; after a change of pom.xml, make the list anew with sha256sum."
        )


def _compile(runtime: Path, made: Path, log: Path) -> Iterator[Command]:
    path = ":".join(str(jar) for jar in sorted(made.glob("*.jar")))
    # Debian's Java has the compiler's module even where its program belongs to another package.
    compiler = (str(runtime), "-m", "jdk.compiler/com.sun.tools.javac.Main")
    yield Command(
        (*compiler, "--release", "17", "-d", str(made), "-cp", path, str(_SOURCE)), dict(os.environ), made, log
    )
