"""A bench for folders of Debian's programs: a cache, a machine's /etc, and an apt that serves what a test packs."""

import io
import shlex
import shutil
import stat
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tools.debian.packages import Package, PackageSet
from tools.debian.prepare import prepare
from tools.toolchain.site import Site

PACKAGES = (
    Package("haproxy", "the balancers", "usr/sbin/haproxy"),
    Package("dash", "sh", "usr/bin/dash"),
)
DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'
STANZA = """\
Types: deb
URIs: https://debian.example.org/debian
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""

_APT_GET = """
if [ -e "$here/no-network" ]; then echo 'E: Could not resolve debian.example.org' >&2; exit 100; fi
cp "${1#--config-file=}" "$here/apt.conf"
cp -r sources "$here/sources-seen"
if [ "$3" = install ]; then cp "$here"/archive/*.deb cache/archives; fi
"""
_DPKG_DEB = """
if [ -e "$here/broken" ]; then head -c 700 "$2"; echo 'error: unexpected end' >&2; exit 2; fi
cat "$2"
"""


@dataclass(frozen=True)
class Bench:
    """A Debian with two packages in its archive."""

    folder: Path

    @property
    def tools(self) -> Path:
        return self.folder / "on-path"

    @property
    def etc(self) -> Path:
        return self.folder / "etc"

    @property
    def site(self) -> Site:
        return Site(self.folder / "clone", self.folder / "cache", {"PATH": str(self.tools)})

    @property
    def calls(self) -> list[str]:
        """What apt was asked to do so far."""
        log = self.folder / "calls"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def whole(self) -> list[Path]:
        """Every folder in the cache that counts as prepared."""
        return [found for found in self.site.debian.glob("*/*") if found.parent.name not in {"logs", "staging"}]

    def prepare(self, *more: Package, name: str = "programs", authorities: bool = False) -> Path:
        """Make a set ready in this process, with more packages than the usual ones."""
        return prepare(self.site, self.etc, PackageSet(name, "Debian's", (*PACKAGES, *more), authorities))

    def pack(self, name: str, **files: str) -> None:
        """Put a package into the archive; `bin__sh` names the file ./bin/sh."""
        (self.folder / "archive").mkdir(exist_ok=True)
        with tarfile.open(self.folder / "archive" / f"{name}_amd64.deb", "w") as package:
            for path, text in files.items():
                file = Path(path.replace("__", "/"))
                for parent in (*reversed(file.parents[:-1]),):
                    folder = tarfile.TarInfo(f"./{parent}")
                    folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                    package.addfile(folder)
                entry = tarfile.TarInfo(f"./{file}")
                entry.size, entry.mode = len(text), 0o755
                package.addfile(entry, io.BytesIO(text.encode()))

    def install(self, name: str, body: str) -> None:
        """Put a stand-in on PATH."""
        head = f"#!/bin/sh\nset -e\nhere={shlex.quote(str(self.folder))}\n"
        (self.tools / name).write_text(head + body)
        (self.tools / name).chmod(stat.S_IRWXU)


def new_bench(folder: Path) -> Bench:
    """A bench whose PATH has what the folder is made with."""
    bench = Bench(folder)
    bench.tools.mkdir()
    for program in ("bash", "tar", "rm", "cp", "cat", "head"):
        (bench.tools / program).symlink_to(shutil.which(program) or f"/no/{program}")
    bench.install("apt-get", f'echo "$3" >>"$here/calls"\n{_APT_GET}')
    bench.install("dpkg-deb", _DPKG_DEB)
    (bench.etc / "apt" / "sources.list.d").mkdir(parents=True)
    (bench.etc / "apt" / "sources.list.d" / "debian.sources").write_text(STANZA)
    (bench.etc / "os-release").write_text(DEBIAN)
    bench.pack("haproxy_2.6.12-1+deb12u4", usr__sbin__haproxy="proxy")
    bench.pack("dash_0.5.12-2", bin__dash="shell", usr__share__doc__dash__copyright="long")
    return bench
