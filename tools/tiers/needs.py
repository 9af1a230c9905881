"""What tiers need of a machine."""

import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from tools.debian.namespaces import require_namespaces
from tools.debian.sources import require_debian
from tools.errors import ToolError
from tools.tiers.model import Lack, Machine, Need
from tools.toolchain import path_pulumi
from tools.toolchain.golang import find_go

_IN_DEBIAN = "Run it in Debian 12 or newer; a container of debian:12 with --privileged will do."
_AS_ROOT = "Run it as root; a container needs --privileged."
_GO = "Install Go 1.26 or newer."
_GIGABYTE = 10**9


def debian(machine: Machine) -> Lack | None:
    """Debian, whose packages hold the programs that run."""
    try:
        require_debian(machine.root / "etc")
    except ToolError:
        return Lack(f"The programs come from Debian's packages; this is {_name(machine)}.", _IN_DEBIAN)
    return None


def intel(machine: Machine) -> Lack | None:
    """The processor that programs are started for."""
    if machine.processor == "x86_64":
        return None
    return Lack(f"Nodes run on x86_64 only; this is {machine.processor}.", "Run it on another machine.")


def root(machine: Machine) -> Lack | None:
    """The rights of a kubelet."""
    return Lack("A kubelet runs as root only.", _AS_ROOT) if machine.user else None


def apt(machine: Machine) -> Lack | None:
    """What gets packages and unpacks them."""
    path = machine.site.environment.get("PATH")
    missing = [program for program in ("apt-get", "dpkg-deb") if shutil.which(program, path=path) is None]
    return Lack(f"PATH has no {' and no '.join(missing)}.", _IN_DEBIAN) if missing else None


def namespaces(_: Machine) -> Lack | None:
    """Leave to make namespaces."""
    try:
        require_namespaces()
    except ToolError as error:
        said = str(error).splitlines()[0].removesuffix(".")
        return Lack(f"Namespaces cannot be made: {said.rpartition(' here: ')[2]}.", _AS_ROOT)
    return None


def cgroups(machine: Machine) -> Lack | None:
    """Control groups that can be made, and, in version 2, handed controllers."""
    place = machine.root / "sys" / "fs" / "cgroup"
    second = (place / "cgroup.controllers").exists()
    hierarchies = [place] if second else [each for each in place.glob("*") if each.is_dir() and not each.is_symlink()]
    if not hierarchies:
        return Lack(f"{place} has no control groups.", _AS_ROOT)
    for hierarchy in hierarchies:
        try:
            Path(tempfile.mkdtemp(prefix="tracardi-try-", dir=hierarchy)).rmdir()
        except OSError as error:
            return Lack(f"Control groups cannot be made: {hierarchy}: {error.strerror}.", _AS_ROOT)
    if second and _keeps_controllers(place):
        why = f"{place} holds processes, so groups below it get no controllers."
        return Lack(why, "Give the container --cgroupns=host.")
    return None


def memory(gigabytes: int) -> Need:
    """So much memory, in 10^9 bytes, of the machine or of the container."""

    def need(machine: Machine) -> Lack | None:
        place = machine.root / "sys" / "fs" / "cgroup"
        limits = [place / "memory.max", place / "memory" / "memory.limit_in_bytes"]
        found = min([_total(machine), *(limit for file in limits if (limit := _number(file)) is not None)])
        # What a kernel keeps for itself is missing in the sum, so a machine of just that size would be refused.
        if found >= gigabytes * _GIGABYTE * 0.95:
            return None
        return Lack(
            f"There are {found / _GIGABYTE:.1f} GB of memory; it takes {gigabytes}.", "Run it on a larger machine."
        )

    return need


def kernel(machine: Machine) -> Lack | None:
    """Links, packet filters and file systems of the kernel, tried in namespaces that end with the trial."""
    command = ("unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", sys.executable)
    tried = subprocess.run(
        [*command, "-m", "tools.tiers.kernel"],
        cwd=machine.site.repository,
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode == 0 and not tried.stdout:
        return None
    lacking = ", ".join(tried.stdout.splitlines()) or (tried.stderr.strip().splitlines() or ["no answer"])[-1]
    return Lack(f"The kernel lacks: {lacking}.", "Run it on a kernel of Debian's, or load these modules.")


def pulumi_or_go(machine: Machine) -> Lack | None:
    """A Pulumi, or what builds it. Whether the one on PATH is new enough is seen when it is used."""
    if path_pulumi.find(machine.site) or (lack := can_build("pulumi")(machine)) is None:
        return None
    return Lack(f"There is no pulumi on PATH. {lack.why}", "Install pulumi, or Go 1.26 or newer.")


def can_build(group: str) -> Need:
    """A group of the toolchain, built before, or Go to build it."""

    def need(machine: Machine) -> Lack | None:
        site = machine.site
        if any(site.toolchain.glob(f"*/ready/{group}.json")):
            return None
        try:
            find_go(site, [file.parent for file in site.sources.glob("*/go.mod")], Path(tempfile.gettempdir()))
        except ToolError as error:
            return Lack(f"{error}.", _GO)
        return None

    return need


def _name(machine: Machine) -> str:
    with suppress(OSError):
        for line in (machine.root / "etc" / "os-release").read_text(encoding="utf-8").splitlines():
            if line.startswith("PRETTY_NAME="):
                return line.partition("=")[2].strip('"')
    return "another system"


def _keeps_controllers(group: Path) -> bool:
    """Whether processes in it keep controllers from groups below; the kernel's own root, without a type, has both."""
    told = {file: group / f"cgroup.{file}" for file in ("type", "procs", "controllers", "subtree_control")}
    if not told["type"].exists() or not _words(told["procs"]):
        return False
    return not _words(told["controllers"]) <= _words(told["subtree_control"])


def _words(file: Path) -> set[str]:
    return set(file.read_text(encoding="ascii").split())


def _total(machine: Machine) -> int:
    try:
        lines = (machine.root / "proc" / "meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:")), 0)


def _number(file: Path) -> int | None:
    """The number in the file; None where there is no file or no limit."""
    text = file.read_text(encoding="ascii").strip() if file.is_file() else ""
    return int(text) if text.isdecimal() else None
