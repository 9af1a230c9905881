"""`python3 -m tools.nodes.cloud CLUSTER_FOLDER`: be the cloud of a cluster of real nodes, until a signal ends it.

Runs in the network namespace that routes between nodes and outside networks. What it needs to know it reads from the
API server and from what it left in the kernel, so it may be killed and started again at any time.
"""

import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tools.cluster import Cluster
from tools.cluster.api import Api
from tools.errors import ToolError
from tools.nodes.cloud.balancer import Balancer
from tools.nodes.cloud.client import Client
from tools.nodes.cloud.health import Health, answers
from tools.nodes.cloud.journal import Journal, write
from tools.nodes.cloud.loop import run
from tools.nodes.cloud.router import Router
from tools.nodes.cloud.volumes import Volumes
from tools.nodes.layout import VOLUMES, Places

_PROBES = 64
"""How many nodes may be slow to answer before those that do answer are asked later."""


def main(arguments: list[str]) -> int:
    """Run until SIGTERM; the exit status."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        folder = Path(arguments[0])
        places = Places(folder)
        furniture = places.read()
        cluster = Cluster.at(folder.name, folder.parent.parent)
    except (IndexError, OSError, ToolError) as error:
        print(f"error: no cluster of real nodes to be the cloud of: {error}", file=sys.stderr)
        return 1
    client = Client(partial(Api.of, cluster))
    journal = Journal(write)
    with ThreadPoolExecutor(_PROBES, thread_name_prefix="probe") as threads:
        balancer = Balancer(client, Router(Path(furniture.debian)), Health(answers, threads), journal)
        volumes = Volumes(client, places.volumes, VOLUMES, journal)
        run({"Services": balancer.step, "volumes": volumes.step}, stop, journal)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
