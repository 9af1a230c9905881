"""The machine outside all clusters: everything that a cluster could change on it, but for processes."""

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.debian import root
from tools.nodes import cgroups
from tools.nodes.programs import debian

Host = Mapping[str, frozenset[str]]
"""What there is, by kind."""

_FOLDERS = {"/etc": 3, "/run": 3, "/var": 3, "/opt": 2, str(Path.home()): 1, str(Path.home() / ".kube"): 3}
"""Where programs put files unless they are told, and how deep to look. Temporary ones go where they are told."""
_SETTINGS = ("vm", "kernel/keys", "kernel/hostname", "net/bridge", "net/ipv4", "net/ipv6", "net/netfilter")
_ALONE = ("kernel/panic", "kernel/panic_on_oops", "kernel/core_pattern")
# What counts by itself, and what belongs to clusters of others.
_VOLATILE = re.compile(r"nf_conntrack_count|vm/stat_refresh|random")
_GROUP = re.compile(r"tracardi-[0-9a-f]{12}")
_COUNTERS = re.compile(r"\[[0-9]+:[0-9]+\]|\\ +valid_lft.*")
_LISTINGS = {
    "packet filter": ("usr/sbin/nft", "list", "ruleset"),
    "packet filter, as iptables has it": ("usr/sbin/iptables-nft-save",),
    "packet filter, as iptables had it": ("usr/sbin/iptables-legacy-save",),
    "sets of addresses": ("usr/sbin/ipset", "save"),
    "addresses": ("usr/sbin/ip", "-oneline", "address"),
    "routes": ("usr/sbin/ip", "route", "show", "table", "all"),
    "rules of routing": ("usr/sbin/ip", "rule"),
}


def seen(cluster: Path) -> Host:
    """What this machine has now; of control groups of clusters, only those of the one in that folder."""
    listings = {what: frozenset(_listing(*command)) for what, command in _LISTINGS.items()}
    return {
        **listings,
        "links": frozenset(link.name for link in Path("/sys/class/net").iterdir()),
        "mounts": frozenset(_mounts()),
        "control groups": frozenset(_groups(cgroups.name(cluster))),
        "settings of the kernel": frozenset(_settings()),
        "files": frozenset(name for folder, depth in _FOLDERS.items() for name in _names(Path(folder), depth)),
    }


def _listing(program: str, *arguments: str) -> list[str]:
    command = [*debian(root("node"), program), *arguments]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = said.stdout.splitlines() or said.stderr.splitlines()
    return [_COUNTERS.sub("", line) for line in lines if not line.startswith("#")]


def _mounts() -> Iterator[str]:
    """Every mount of the machine's own: what is mounted where, without the kernel's numbers."""
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        yield " ".join(line.split()[3:])


def _groups(own: str) -> Iterator[str]:
    for folder, groups, _ in os.walk("/sys/fs/cgroup"):
        groups[:] = [name for name in groups if name == own or not _GROUP.fullmatch(name)]
        yield folder


def _settings() -> Iterator[str]:
    top = Path("/proc/sys")
    files = [file for folder in _SETTINGS for file in sorted((top / folder).rglob("*"))]
    for file in [*files, *(top / name for name in _ALONE), top / "kernel/hostname"]:
        if file.is_file() and not _VOLATILE.search(str(file)):
            with contextlib.suppress(OSError):
                yield f"{file.relative_to(top)} = {file.read_text(encoding='utf-8').strip()}"


def _names(folder: Path, depth: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            yield entry.path
            if depth > 1 and entry.is_dir(follow_symlinks=False):
                yield from _names(Path(entry.path), depth - 1)
