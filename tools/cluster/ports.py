"""The ports of a stopped cluster, which somebody else may have taken meanwhile."""

import re
import socket
import time

from tools.cluster.model import Cluster
from tools.errors import ToolError

# As kwokctl writes them into its record of the components' arguments.
_PORT = re.compile(r"(?:--secure-port=|--server-address=127\.0\.0\.1:|-urls=http://127\.0\.0\.1:)([0-9]+)")


def refuse_taken(cluster: Cluster, *, patience: float = 5.0) -> None:
    """Raise ToolError where a port of the stopped cluster stays taken for `patience` seconds.

    Stopping is better than starting the cluster anew: the port may be free again later, the data would be gone.
    """
    ports = sorted({int(port) for port in _PORT.findall((cluster.folder / "kwok.yaml").read_text())})
    # A process that was just killed keeps its sockets a moment longer than its command line.
    deadline = time.monotonic() + patience
    while taken := [port for port in ports if _is_taken(port)]:
        if time.monotonic() > deadline:
            raise ToolError(
                f"cluster {cluster.name} cannot start again: another process listens on its port {taken[0]}. End that "
                "process, or give up the cluster and what is in it: "
                f"`python3 -m tools.cluster down --name {cluster.name}`."
            )
        time.sleep(0.05)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
