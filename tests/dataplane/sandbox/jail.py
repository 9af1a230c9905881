"""What a process sees: a file system made of Debian's programs and of what is mounted into it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tools.nodes.programs import debian

_LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"


@dataclass(frozen=True)
class Bind:
    """A file or folder of the machine as `target` in the jail."""

    source: Path
    target: str
    read_only: bool = True


@dataclass(frozen=True)
class Jail:
    """A root file system, read-only but for what is bound into it otherwise, and a user without privileges."""

    debian: Path
    host_name: str
    binds: tuple[Bind, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: str = "/"
    """Where the command starts."""
    user: int = 0
    group: int = 0
    writable_tmp: bool = False
    """Whether /tmp can be written to; a volume at that place says so by itself."""

    def command(self, command: tuple[str, ...]) -> list[str]:
        """What runs `command` in the jail, as the first process of a PID namespace of its own."""
        return [
            *self.program("usr/bin/bwrap"),
            *("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", self.host_name),
            *("--as-pid-1", "--new-session", "--die-with-parent", "--clearenv"),
            *self._file_system(),
            *(part for name, value in self._variables().items() for part in ("--setenv", name, value)),
            *("--chdir", self.folder, "--"),
            # Root here has every capability; what a container may do is told by its pod.
            *(("setpriv", *self._unprivileged(), "--") if self.user else ()),
            *command,
        ]

    def program(self, path: str) -> list[str]:
        """What runs a program of Debian's outside any jail, with its own libraries."""
        return debian(self.debian, path)

    def _variables(self) -> dict[str, str]:
        return {"PATH": _PATH, **self.environment}

    def _unprivileged(self) -> tuple[str, ...]:
        return (
            f"--reuid={self.user}",
            f"--regid={self.group}",
            "--clear-groups",
            "--no-new-privs",
            "--inh-caps=-all",
            "--bounding-set=-all",
        )

    def _file_system(self) -> Iterator[str]:
        yield from ("--ro-bind", str(self.debian / "usr"), "/usr")
        for name, target in _LINKS.items():
            yield from ("--symlink", target, f"/{name}")
        yield from ("--proc", "/proc", "--dev", "/dev")
        if self.writable_tmp:
            yield from ("--perms", "1777", "--tmpfs", "/tmp")  # noqa: S108 - the jail's own
        yield from ("--perms", "0755", "--dir", "/etc")
        yield from self._etc()
        for bind in sorted(self.binds, key=lambda each: each.target):
            # What bubblewrap makes for a mount by itself, only root can enter.
            for parent in reversed(PurePosixPath(bind.target).parents[:-1]):
                if not any(PurePosixPath(other.target) in (parent, *parent.parents) for other in self.binds):
                    yield from ("--perms", "0755", "--dir", str(parent))
            yield from ("--ro-bind" if bind.read_only else "--bind", str(bind.source), bind.target)
        yield from ("--remount-ro", "/")

    def _etc(self) -> Iterator[str]:
        """Debian's /etc, entry by entry: mounts below it then need no place in Debian's own folder."""
        taken = {PurePosixPath(bind.target).parts[2] for bind in self.binds if bind.target.startswith("/etc/")}
        for entry in sorted((self.debian / "etc").iterdir()):
            if entry.is_symlink():
                yield from ("--symlink", str(entry.readlink()), f"/etc/{entry.name}")
            elif entry.name not in taken:
                yield from ("--ro-bind", str(entry), f"/etc/{entry.name}")
