"""What the kernel says of the processes in a pod, and what they could write to."""

import errno
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.cluster.live import JsonObject
from tests.real.site import Machine

_KERNELS = frozenset({"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue"})
_RUNTIMES = frozenset({"/dev", "/dev/shm", "/dev/termination-log"})  # noqa: S108 - not used, but found
"""What each container has whatever its pod says; none of it outlives the container, or belongs to another."""
_NOTHING = "0000000000000000"
_FILTERED = "2"


class Process:
    """A process in a container."""

    def __init__(self, pid: int, pod: JsonObject, container: JsonObject) -> None:
        self._folder = Path(f"/proc/{pid}")
        self._pod = pod
        self._container = container

    def faults(self) -> list[str]:
        """Everything that is otherwise than the pod declares. Raises ProcessLookupError where the process has ended."""
        try:
            found = [*self._identity(), *self._writable(), *self._written(), *self._tokens()]
        except (OSError, subprocess.CalledProcessError) as error:
            if self._folder.exists():
                raise
            raise ProcessLookupError(self._folder.name) from error
        return [f"{self.container}: {fault}" for fault in found]

    @property
    def container(self) -> str:
        """The pod's name and the container's."""
        return f"{self._pod['metadata']['name']}/{self._container['name']}"

    def _identity(self) -> Iterator[str]:
        context = self._pod["spec"]["securityContext"]
        status = self._status()
        wanted = {
            "Uid": [str(context["runAsUser"])] * 4,
            "Gid": [str(context["runAsGroup"])] * 4,
            **{key: [_NOTHING] for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
            "NoNewPrivs": ["1"],
            "Seccomp": [_FILTERED],
        }
        for key, value in wanted.items():
            if status[key] != value:
                yield f"{key} is {status[key]}, not {value}"

    def _writable(self) -> Iterator[str]:
        """Looks at mounts that are not read-only, as who the process is."""
        # Below /proc is what containers must not see, covered by something empty.
        points = [point for point, read_only in self._mounts() if not read_only and not point.startswith("/proc/")]
        found = self._for_itself(points)
        if found - _RUNTIMES != self._declared:
            yield f"may write to {sorted(found - _RUNTIMES)}, and is to {sorted(self._declared)}"

    def _mounts(self) -> Iterator[tuple[str, bool]]:
        """Where something of a file system is mounted that is not the kernel's own, and whether it is read-only."""
        for line in (self._folder / "mountinfo").read_text(encoding="utf-8").splitlines():
            mount, _, system = line.partition(" - ")
            point, options = mount.split()[4:6]
            if system.split()[0] not in _KERNELS:
                yield point, "ro" in options.split(",")

    def _for_itself(self, points: Iterable[str]) -> set[str]:
        """Those of some paths that the process may write to."""
        who = self._status()
        look = 'cd "$1" && shift && for each; do [ ! -w ".$each" ] || echo "$each"; done'
        done = subprocess.run(
            ["/bin/sh", "-c", look, "sh", str(self._folder / "root"), *points],
            user=int(who["Uid"][0]),
            group=int(who["Gid"][0]),
            extra_groups=[int(group) for group in who["Groups"]],
            capture_output=True,
            text=True,
            check=True,
        )
        return set(done.stdout.splitlines())

    def _status(self) -> dict[str, list[str]]:
        lines = (self._folder / "status").read_text(encoding="utf-8").splitlines()
        return {key: value.split() for key, _, value in (line.partition(":") for line in lines)}

    @property
    def _declared(self) -> set[str]:
        return {mount["mountPath"] for mount in self._container["volumeMounts"] if not mount.get("readOnly")}

    def _written(self) -> Iterator[str]:
        """Tries as root, so that no ownership is what forbids it."""
        root = self._folder / "root"
        folders = [each for each in root.iterdir() if each.is_dir() and not each.is_symlink()]
        inside = [Path(mount["mountPath"]) for mount in self._container["volumeMounts"] if mount.get("readOnly")]
        for folder in (root, *folders, *(root / each.relative_to("/") for each in inside)):
            place = f"/{folder.relative_to(root)}"
            if place in {"/proc", "/sys", "/dev", *self._declared} or not folder.is_dir():
                continue
            try:
                (folder / "written-by-tests").touch()
            except OSError as error:
                if error.errno != errno.EROFS:
                    yield f"{place}: {error}"
            else:
                (folder / "written-by-tests").unlink()
                yield f"{place} can be written to"

    def _tokens(self) -> Iterator[str]:
        for point, _ in self._mounts():
            if point.endswith("/kubernetes.io/serviceaccount"):
                yield f"{point} holds a token"


def processes(machine: Machine, pod: JsonObject) -> Iterator[Process]:
    """Every process of a pod's containers, but for those that end meanwhile."""
    statuses = pod["status"]["containerStatuses"]
    known = {status["containerID"].rpartition("/")[2]: status["name"] for status in statuses}
    containers = {container["name"]: container for container in pod["spec"]["containers"]}
    for pid in machine.processes(pod["metadata"]["uid"]):
        try:
            groups = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
        except OSError:
            continue
        for identity, name in known.items():
            if identity in groups:
                yield Process(pid, pod, containers[name])
