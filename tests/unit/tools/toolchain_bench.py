"""A bench for the toolchain builder: a clone, a cache and a PATH of stand-ins that note how they were called."""

import json
import os
import shlex
import stat
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from tools.toolchain.model import ModuleFile, Part, Plugin, Program, PythonTool
from tools.toolchain.prepare import prepare
from tools.toolchain.site import Site

PARTS = (
    Part(
        name="pulumi",
        title="Pulumi",
        group="pulumi",
        source="cli",
        programs=(Program("example.org/cli/pulumi", "pulumi", commands=("pulumi",)),),
        files=(ModuleFile("example.org/sdk", "python/helper", "bin/helper"),),
    ),
    Part(
        name="plugin",
        title="Kubernetes plugin",
        group="pulumi",
        source="plugin",
        programs=(Program(".", "main", plugins=(Plugin("kubernetes", "4.25.0"),)),),
        variables=(("example.org/version.Version", "4.25.0"),),
        embeds=(ModuleFile("example.org/sdk", "schema.json", "schema.json", version="4.25.0"),),
    ),
    Part(
        name="control-plane",
        title="Control plane",
        group="cluster",
        source="cluster",
        programs=(Program("example.org/cluster", "cluster", commands=("etcd", "kube-apiserver")),),
    ),
)
PYTHON_TOOLS = (PythonTool("linter", "Linter", "checks", source="tools/linter", commands=("lint",)),)
ALL = frozenset({"pulumi", "cluster"})

# Shell with absolute paths: such a stand-in answers in two milliseconds, and sees the PATH that the test made.
_GO = """
case $1 in
env) /bin/cat "$here/go-version" ;;
mod)
    if [ -e "$here/no-proxy" ]; then echo 'no route to the module proxy' >&2; exit 1; fi
    /bin/cat "$here/module.json" ;;
build)
    while [ "$1" != -o ]; do shift; done
    made=$2; shift 2
    for package; do
        name=${package##*/}; if [ "$package" = . ]; then name=main; fi
        echo half >"$made/$name"
        if [ -e "$here/fail" ]; then echo 'does not compile' >&2; exit 2; fi
        if [ -e "$here/hang-$name" ]; then echo $$ >"$here/hang-$name"; read -r _ <"$here/release"; fi
        /bin/cp "$here/pulumi-source" "$made/$name"
        /bin/chmod 755 "$made/$name"
    done ;;
esac
"""

_PULUMI = """
if [ "$1" = version ]; then exec /bin/cat "$here/pulumi-version"; fi
if [ "$6" != --file ] && [ -e "$here/no-downloads" ]; then echo 'error: no such host' >&2; exit 1; fi
folder=$PULUMI_HOME/plugins/resource-$4-v$5
/bin/mkdir -p "$folder"
if [ "$6" = --file ]; then source=$7; else source=$here/pulumi-version; fi
/bin/cp "$source" "$folder/pulumi-resource-$4"
"""

_UV = """
if [ "$1" = --version ]; then exec /bin/cat "$here/uv-version"; fi
if [ -e "$here/no-index" ]; then echo 'error: the index does not answer' >&2; exit 2; fi
/bin/mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"
: >"$UV_PROJECT_ENVIRONMENT/bin/python"
: >"$UV_PROJECT_ENVIRONMENT/bin/lint"
"""


@dataclass(frozen=True)
class Bench:
    """A site whose PATH holds nothing but the stand-ins that a test has put there."""

    root: Path

    @property
    def tools(self) -> Path:
        return self.root / "on-path"

    @property
    def site(self) -> Site:
        environment = {"PATH": str(self.tools), "HOME": str(self.root / "home"), "GOOS": "plan9"}
        return Site(repository=self.root / "clone", cache=self.root / "cache", environment=environment)

    @property
    def calls(self) -> list[str]:
        """Every call of a stand-in so far, as its name and arguments."""
        log = self.root / "calls"
        return log.read_text().splitlines() if log.exists() else []

    def environment(self, call: str) -> dict[str, str]:
        """Environment of the latest call that began so, for example with `go build`."""
        exported = (self.root / f"environment {call}").read_text().splitlines()
        return {name: value for line in shlex.split(" ".join(exported)) for name, _, value in [line.partition("=")]}

    def built(self) -> list[str]:
        """Names of what has been compiled so far, in order."""
        return [PurePath(call.split()[-1]).name or "main" for call in self.calls if call.startswith("go build ")]

    def prepare(self, groups: frozenset[str] = ALL, **environment: str) -> Path:
        """Make the groups ready in this process, with more in its environment; tells the bin folder."""
        site = replace(self.site, environment={**self.site.environment, **environment})
        return prepare(site, groups, PARTS, PYTHON_TOOLS).bin

    def start(self) -> subprocess.Popen[str]:
        """Make both groups ready in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", __name__, str(self.root)],
            cwd=Path(__file__).parents[3],
            stderr=subprocess.PIPE,
            text=True,
        )

    def hang(self, program: str) -> Path:
        """Let the build of a program wait; tells the pipe that speaks when it does."""
        pipe = self.root / f"hang-{program}"
        os.mkfifo(pipe)
        if not (self.root / "release").exists():
            os.mkfifo(self.root / "release")
        return pipe

    def release(self, pipe: Path) -> None:
        """Let waiting builds, and later ones, go on."""
        pipe.unlink()
        (self.root / "release").write_text("go on")

    def let_go(self) -> None:
        """Let a build that still waits end, after a test that failed."""
        for pipe in (self.root / "release", *self.root.glob("hang-*")):
            if pipe.is_fifo():
                with suppress(OSError):
                    os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))

    def put(self, name: str, text: str) -> None:
        """Set what a stand-in answers."""
        (self.root / name).write_text(text)

    def install(self, name: str, body: str) -> None:
        """Put a stand-in on PATH."""
        self.tools.mkdir(exist_ok=True)
        (self.tools / name).write_text(_script(self.root, name, body))
        (self.tools / name).chmod(stat.S_IRWXU)


def new_bench(root: Path) -> Bench:
    """A bench with a clone of three parts, and with go and uv on PATH."""
    bench = Bench(root)
    clone = bench.site.repository
    for source in ("cli", "plugin", "cluster"):
        folder = clone / "tools" / "go" / source
        folder.mkdir(parents=True)
        (folder / "go.mod").write_text(f"module example.org/{source}\n\ngo 1.26.0\n")
        (folder / "go.sum").write_text("example.org/sdk v1.0.0 h1:good=\n")
    (clone / "tools" / "linter").mkdir()
    locks = [f"{project}{name}" for project in ("", "tools/linter/") for name in ("pyproject.toml", "uv.lock")]
    for name in (*locks, "tools/requirements-uv.txt"):
        (clone / name).write_text(name)
    (root / "module" / "python").mkdir(parents=True)
    (root / "module" / "python" / "helper").write_text("#!/bin/sh\n")
    (root / "module" / "schema.json").write_text('{"name": "kubernetes"}')
    sdk = {"Path": "example.org/sdk", "Version": "v1.0.0", "Sum": "h1:good=", "Dir": str(root / "module")}
    bench.put("module.json", json.dumps(sdk))
    bench.put("go-version", "go1.26.8")
    bench.put("uv-version", "uv 0.13.8 (x86_64-unknown-linux-gnu)")
    bench.put("pulumi-version", "v3.250.0")
    bench.put("pulumi-source", _script(root, "pulumi", _PULUMI))
    bench.install("go", _GO)
    bench.install("uv", _UV)
    return bench


def install_pulumi(bench: Bench, version: str = "v3.250.0") -> None:
    """Put a pulumi of that version on PATH, with its Python language host."""
    bench.put("pulumi-version", version)
    bench.install("pulumi", _PULUMI)
    bench.install("pulumi-language-python", "")


def _script(root: Path, name: str, body: str) -> str:
    head = f"""#!/bin/sh
here={shlex.quote(str(root))}
echo "{name} $*" >>"$here/calls"
export -p >"$here/environment {name} $1"
"""
    return head + body


if __name__ == "__main__":
    Bench(Path(sys.argv[1])).prepare()
