"""Where the parts of a cluster of real nodes are: in the cluster's folder, and inside a node."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Furniture:
    """What a cluster of real nodes runs on; written into the cluster's folder when it is created."""

    debian: str
    """Root file system of the nodes, never written to."""
    programs: str
    """Folder with kubelet, kube-proxy, containerd and the other Go programs."""
    repository: str
    """The clone whose code supervises."""
    port: int
    """The API server's port: on the nodes' network, and on the loopback address of whoever started the cluster."""
    count: int
    """How many nodes."""


@dataclass(frozen=True)
class Places:
    """Folders and files of one cluster."""

    cluster: Path

    @property
    def furniture(self) -> Path:
        """The record of `Furniture`; only a cluster of real nodes has one."""
        return self.cluster / "nodes.json"

    @property
    def images(self) -> Path:
        """Archives that every node imports when it starts."""
        return self.cluster / "images"

    @property
    def volumes(self) -> Path:
        """The folders behind volumes; every node sees all of them, as it would see a disk of the network."""
        return self.cluster / "volumes"

    @property
    def logs(self) -> Path:
        """What the machine's own processes say."""
        return self.cluster / "logs"

    @property
    def machine(self) -> Path:
        """Written once the machine has its network; as old as the machine is."""
        return self.cluster / "machine"

    def node(self, name: str) -> Path:
        """Everything of one node: its runtime's data, its credentials, its logs."""
        return self.cluster / "nodes" / name

    def power(self, name: str) -> Path:
        """Exists while the node is to be off."""
        return self.node(name) / "off"

    def read(self) -> Furniture:
        """What the cluster runs on. Raises OSError where it has no real nodes."""
        return Furniture(**json.loads(self.furniture.read_text(encoding="utf-8")))

    def write(self, furniture: Furniture) -> None:
        """Record what the cluster runs on."""
        self.furniture.write_text(json.dumps(asdict(furniture), indent=2) + "\n", encoding="utf-8")


VOLUMES = Path("/var/lib/volumes")
"""Where a node sees `Places.volumes`."""
