"""What an embedded cluster is: a name, a folder and the programs it runs on."""

import re
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError

DEFAULT_NAME = "tracardi"
SIMULATOR = "kwok-controller"
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", SIMULATOR)
"""The processes of a running cluster, by the names that kwokctl starts them under."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class ClusterTools:
    """The programs that an embedded cluster runs on: the components, `kubectl` and `kwokctl`, all in one folder."""

    bin: Path

    def program(self, name: str) -> Path:
        """Path of a program; kwok may be there under either of its names. Raises ToolError where it is missing."""
        names = {"kwok-controller": ("kwok-controller", "kwok")}.get(name, (name,))
        for candidate in names:
            if (self.bin / candidate).exists():
                return self.bin / candidate
        raise ToolError(f"{self.bin} has no {name}; `make tools` builds it.")


@dataclass(frozen=True)
class Cluster:
    """One embedded cluster. Its whole life is inside its folder: remove the folder and nothing of it remains."""

    name: str
    folder: Path
    kubeconfig: Path
    """Kubeconfig with the administrator's credentials inline, and this cluster as its only context."""
    state: Path
    """Folder for a Pulumi file backend: state that describes this cluster and goes with it."""

    @classmethod
    def at(cls, name: str, work: Path) -> "Cluster":
        """The cluster of that name under a work folder, whether it exists or not.

        Raises ToolError on a bad name, and on a folder that kwokctl would misread: it cuts its work folder at a space.
        """
        if not _NAME.fullmatch(name):
            raise ToolError(
                f"{name!r} cannot name a cluster; use up to 40 lower-case letters, digits, inner dashes, like demo-2."
            )
        folder = clusters_folder(work) / name
        if len(str(folder).split()) > 1:
            raise ToolError(f"{folder}: kwokctl cannot use a path with spaces; move this clone to a path without.")
        return cls(name=name, folder=folder, kubeconfig=folder / "kubeconfig", state=folder / "state")

    @property
    def number(self) -> Path:
        """The file that says how many simulated nodes there are; without it they are as many as usual."""
        return self.folder / "number"

    @property
    def finished(self) -> Path:
        """The file that the last step of creation writes: a digest of what the cluster was furnished with."""
        return self.folder / "finished"


def clusters_folder(work: Path) -> Path:
    """Where kwokctl keeps clusters when `work` is its work folder; each is a folder that we share with it."""
    return work.resolve() / "clusters"
