"""The machine that holds the nodes: the first process of namespaces that end with it.

`up` starts it through `unshare`. It lays the network, carries connections from the loopback address of whoever started
the cluster to the API server, runs the cloud's part, and switches nodes on and off as files in the cluster's folder
say.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tools.errors import ToolError
from tools.nodes.addresses import Node, nodes
from tools.nodes.cgroups import make as make_cgroup
from tools.nodes.first import reap
from tools.nodes.layout import Places
from tools.nodes.network import Network
from tools.nodes.programs import run

_LOOK_SECONDS = 0.1
_PAUSE_SECONDS = 2.0
_SCRIPT = Path(__file__).with_name("node.sh")


class Machine:
    """All nodes of a cluster, and what is between them."""

    def __init__(self, places: Places, listener: int) -> None:
        self._places = places
        self._furniture = places.read()
        self._network = Network(Path(self._furniture.debian))
        self._nodes = nodes(self._furniture.count)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._began: dict[str, float] = {}
        self._listener = listener

    def run(self) -> None:
        """Lay the network, and keep what is to run running, until a signal ends it."""
        self._network.lay(self._furniture.port)
        modules = {"forward": [str(self._listener), str(self._furniture.port)], "cloud": [str(self._places.cluster)]}
        services = {name: self._start_module(name, arguments) for name, arguments in modules.items()}
        self._places.machine.write_text("ready\n", encoding="utf-8")
        while True:
            for name, service in services.items():
                if service.poll() is not None:
                    services[name] = self._start_module(name, modules[name])
            for node in self._nodes:
                self._switch(node)
            reap([process.pid for process in (*services.values(), *self._running.values())])
            time.sleep(_LOOK_SECONDS)

    def _switch(self, node: Node) -> None:
        process = self._running.get(node.name)
        wanted = (self._places.node(node.name) / "pki").is_dir() and not self._places.power(node.name).exists()
        if process is not None and not wanted:
            self._network.disconnect(node)
            process.kill()
            process.wait()
            del self._running[node.name]
        elif wanted and (process is None or process.poll() is not None) and self._may_begin(node):
            try:
                self._running[node.name] = self._start_node(node)
            except (ToolError, OSError) as error:
                # What is in the way goes in a moment, or is for a person to read: the other nodes go on.
                print(f"{node.name} does not start: {error}", file=sys.stderr, flush=True)

    def _may_begin(self, node: Node) -> bool:
        """At most once in a while: a node that cannot start is not to keep the machine busy."""
        now = time.monotonic()
        last = self._began.get(node.name)
        if last is not None and now - last < _PAUSE_SECONDS:
            return False
        self._began[node.name] = now
        return True

    def _start_node(self, node: Node) -> "subprocess.Popen[bytes]":
        self._network.forget(node)
        self._network.connect(node, self._nodes)
        make_cgroup(self._places.cluster, node.name)
        place = self._places.node(node.name)
        command = [
            *("nsenter", f"--net=/run/netns/{node.name}", "--"),
            *("unshare", "--pid", "--fork", "--kill-child=KILL", "--mount", "--uts", "--ipc", "--"),
            *("sh", str(_SCRIPT), str(self._places.cluster), node.name, self._furniture.debian),
            *(self._furniture.programs, self._furniture.repository, str(self._furniture.count)),
        ]
        with (place / "logs" / "node.log").open("ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _start_module(self, name: str, arguments: list[str]) -> "subprocess.Popen[bytes]":
        with (self._places.logs / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"tools.nodes.{name}", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(self._listener,) if name == "forward" else (),
            )


def main(arguments: list[str]) -> None:
    """Be the machine of the cluster in a folder; the second argument is a listening socket's number."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    cluster, listener = arguments
    run(["mount", "-t", "tmpfs", "tmpfs", "/run"])
    Machine(Places(Path(cluster)), int(listener)).run()


if __name__ == "__main__":
    main(sys.argv[1:])
