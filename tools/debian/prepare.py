"""Makes the root folder of a set of packages, once for a package list."""

import platform
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.debian.apt import Apt
from tools.debian.finish import finish
from tools.debian.packages import OLDEST_HAPROXY, PackageSet
from tools.debian.sets import SETS
from tools.debian.sources import NEEDS, Sources, debian_sources, require_debian
from tools.errors import ToolError
from tools.locks import exclusive
from tools.toolchain.commands import Command
from tools.toolchain.digest import digest_of
from tools.toolchain.jobs import Job, run
from tools.toolchain.progress import Progress, duration
from tools.toolchain.site import Site

_MERGED = ("bin", "sbin", "lib", "lib64")
_PROGRAMS = ("apt-get", "dpkg-deb", "tar", "bash")
# A package's /bin belongs into /usr/bin, through the link that is there.
_UNPACK = """
root=$1; shift
for archive; do
  dpkg-deb --fsys-tarfile "$archive" | tar --extract --directory="$root" --no-same-owner --keep-directory-symlink \\
    --exclude='./usr/share/doc/*' --exclude='./usr/share/locale/*' --exclude='./usr/share/man/*'
  rm "$archive"
done
"""
_NETWORK_REMEDY = (
    "The packages come from this machine's own sources (/etc/apt). Where `apt-get update` works, so does this; run the "
    "same command again."
)


def root(name: str = "programs") -> Path:
    """Root folder (usr, etc, var) of a set of Debian's packages, one of `SETS`; prepared where it is missing.

    Nobody has run the packages' own installation scripts: no service, no folder for data. What programs need of them is
    said by the set, and made by `finish`: links such as awk's, users.

    Raises:
        ToolError: this machine is no Debian, or a package cannot be had; the message says what and what to do.
    """
    return prepare(Site.here(), Path("/etc"), SETS[name])


def prepare(site: Site, etc: Path, packages: PackageSet) -> Path:
    """As `root`, for any cache folder, machine (its /etc) and set."""
    require_debian(etc)
    wanted = _Wanted(site, debian_sources(etc), packages, _authorities(etc) if packages.authorities else "")
    if wanted.folder.is_dir():
        return wanted.folder
    for program in _PROGRAMS:
        if shutil.which(program, path=site.environment.get("PATH")) is None:
            raise ToolError(f"{NEEDS}; PATH has no {program}.")
    progress = Progress()
    try:
        site.cache.mkdir(parents=True, exist_ok=True)
        # The lock of the toolchain, so that `make clean-tools` waits as well.
        with exclusive(site.cache, lambda: progress.say("another run is preparing the toolchain; waiting for it")):
            if not wanted.folder.is_dir():
                _build(wanted, progress)
    except OSError as error:
        where = error.filename or site.cache
        raise ToolError(f"{where}: {error.strerror}. TRACARDI_CACHE can name another cache folder.") from error
    return wanted.folder


@dataclass(frozen=True)
class _Wanted:
    """What is asked for, and where it is when it is there."""

    site: Site
    sources: Sources
    packages: PackageSet
    authorities: str
    """The machine's certificate authorities as PEM, for a set that asks for them."""

    @cached_property
    def folder(self) -> Path:
        """Named by the set, the machine's sources and the code that puts them together; not by other sets."""
        code = (file.read_text(encoding="utf-8") for file in sorted(Path(__file__).parent.glob("*.py")))
        origin = (platform.machine(), *self.sources.stanzas, *self.sources.lines, self.authorities)
        return self.home / digest_of((*origin, *self.packages.declaration(), *code))

    @property
    def home(self) -> Path:
        return self.site.debian / self.packages.name

    @property
    def log(self) -> Path:
        return self.site.debian / "logs" / f"{self.packages.name}.log"

    @property
    def staging(self) -> Path:
        return self.site.debian / "staging"


def _build(wanted: _Wanted, progress: Progress) -> None:
    began = time.monotonic()
    # What an earlier run left half done; a run that still lives would hold the cache folder.
    shutil.rmtree(wanted.staging, ignore_errors=True)
    wanted.staging.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=wanted.staging))
    apt = Apt(work / "apt", wanted.site.environment, wanted.log)
    made = work / "root"
    title = wanted.packages.title
    try:
        progress.expect(2)
        run([Job(f"{title}: download", _download(wanted, apt), remedy=_NETWORK_REMEDY)], progress)
        _require_new_haproxy(apt.archives)
        run([Job(f"{title}: unpack", _unpack(wanted, apt, made))], progress)
        _complete(wanted, made)
    finally:
        shutil.rmtree(wanted.staging, ignore_errors=True)
    progress.say(f"ready after {duration(time.monotonic() - began)}")


def _download(wanted: _Wanted, apt: Apt) -> Iterator[Command]:
    apt.write(wanted.sources)
    yield apt.update()
    yield apt.download([package.name for package in wanted.packages.packages])


def _unpack(wanted: _Wanted, apt: Apt, made: Path) -> Iterator[Command]:
    _lay_out(made)
    archives = sorted(apt.archives.glob("*.deb"))
    # One command for all of them: each one of ours costs a look at the clock.
    unpack = ("bash", "-euo", "pipefail", "-c", _UNPACK, "unpack")
    yield Command((*unpack, str(made), *map(str, archives)), wanted.site.environment, apt.folder, wanted.log)


def _lay_out(made: Path) -> None:
    for name in _MERGED:
        (made / "usr" / name).mkdir(parents=True)
        (made / name).symlink_to(f"usr/{name}")


def _complete(wanted: _Wanted, made: Path) -> None:
    """Look the folder over, finish it, and put it where it counts; what earlier lists left is removed."""
    for package in wanted.packages.packages:
        if not (made / package.file).is_file():
            raise ToolError(
                f"the package {package.name} that apt found has no {package.file} ({package.reason}).\n  {NEEDS}."
            )
    finish(made, wanted.packages, wanted.authorities)
    # Programs run under other users than the one who prepared this.
    made.chmod(0o755)
    # The set's earlier lists, and what is no set at all, such as one that a later release no longer has.
    known = {*SETS, wanted.staging.name, wanted.log.parent.name} - {wanted.packages.name}
    wanted.home.mkdir(exist_ok=True)
    for stale in (*wanted.site.debian.iterdir(), *wanted.home.iterdir()):
        if stale.name not in known and stale != wanted.home:
            shutil.rmtree(stale)
    made.replace(wanted.folder)


def _authorities(etc: Path) -> str:
    bundle = etc / "ssl" / "certs" / "ca-certificates.crt"
    return bundle.read_text(encoding="utf-8") if bundle.is_file() else ""


def _require_new_haproxy(archives: Path) -> None:
    for archive in archives.glob("haproxy_*.deb"):
        version = re.match(r"haproxy_(?:\d+%3a)?(\d+)\.(\d+)", archive.name)
        if version and (int(version[1]), int(version[2])) < OLDEST_HAPROXY:
            oldest = ".".join(map(str, OLDEST_HAPROXY))
            raise ToolError(
                f"apt offers HAProxy {version[1]}.{version[2]}; the generated configuration needs {oldest}.\n  {NEEDS}."
            )
