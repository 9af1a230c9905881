"""The first process of a node: sets its runtime up, starts what a node runs, and starts again what has ended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tools.nodes import cgroups, configuration
from tools.nodes.addresses import Node, nodes
from tools.nodes.first import reap

_LOGS = Path("/var/log/node")
_LOOK_SECONDS = 0.1
_PAUSE_SECONDS = 1.0
_PATIENCE_SECONDS = 30.0


class Daemon:
    """A program that is to run for as long as the node does."""

    def __init__(self, name: str, *arguments: str) -> None:
        self.name = name
        self._command = [name, *arguments]
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0

    @property
    def pid(self) -> int:
        """Its process id, running or not."""
        return self._process.pid if self._process else 0

    def keep(self) -> None:
        """Start it where it does not run; at most once a second."""
        running = self._process is not None and self._process.poll() is None
        if running or time.monotonic() - self._began < _PAUSE_SECONDS:
            return
        self._began = time.monotonic()
        with (_LOGS / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def run(node: Node, group: str) -> None:
    """Set the node up and keep its daemons running; returns never."""
    for file, text in configuration.files(node, group).items():
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text(text, encoding="utf-8")
    runtime = Daemon("containerd", "--config", configuration.CONTAINERD)
    runtime.keep()
    _await(Path(configuration.SOCKET))
    daemons = [runtime, *(Daemon(*command) for command in configuration.daemons(node))]
    while True:
        _import_images()
        for daemon in daemons:
            daemon.keep()
        reap([daemon.pid for daemon in daemons])
        time.sleep(_LOOK_SECONDS)


def _import_images() -> None:
    """Give the runtime every image that was laid ready and that it does not have; what came of it stands in a file."""
    done = Path("/var/lib/containerd/imported")
    done.mkdir(exist_ok=True)
    for archive in sorted(Path("/opt/images").glob("*.tar")):
        if not (done / archive.name).exists():
            command = [*configuration.CTR, "images", "import", "--local", str(archive)]
            with (_LOGS / "images.log").open("ab") as log:
                status = subprocess.run(command, stdout=log, stderr=log, check=False).returncode
            (done / archive.name).write_text(f"{status}\n", encoding="ascii")


def _await(socket: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not socket.exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def main(arguments: list[str]) -> None:
    """Be a node: its name, the cluster folder as the machine knows it, and how many nodes there are."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    name, cluster, count = arguments
    (node,) = [each for each in nodes(int(count)) if each.name == name]
    run(node, f"/{cgroups.name(Path(cluster))}/{name}")


if __name__ == "__main__":
    main(sys.argv[1:])
