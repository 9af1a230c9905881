"""`python3 -m tools.nodes COMMAND ...`: what can be done with a cluster of real nodes while it runs."""

import argparse
import subprocess
import sys
from pathlib import Path

from tools.cluster import DEFAULT_NAME, Cluster
from tools.errors import ToolError
from tools.layout import work_dir
from tools.nodes import operations
from tools.nodes.lifecycle import is_real


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options, _cluster(options.name))
    except (ToolError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _cluster(name: str) -> Cluster:
    cluster = Cluster.at(name, work_dir())
    if not is_real(cluster):
        raise ToolError(f"there is no cluster {name} with real nodes; `make cluster-up NODES=real` makes one.")
    return cluster


def _run(options: argparse.Namespace, cluster: Cluster) -> int:
    match options.command:
        case "images":
            for archive in options.archives:
                operations.import_images(cluster, archive)
        case "off":
            operations.switch_off(cluster, options.node)
        case "on":
            operations.switch_on(cluster, options.node)
        case "run":
            network = operations.namespace(cluster, options.place)
            command = ["nsenter", f"--net={network}", "--", *options.line]
            return subprocess.run(command, check=False).returncode
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m tools.nodes", description="A cluster of real nodes that runs.")
    parser.add_argument("--name", default=DEFAULT_NAME, help="which cluster (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    images = commands.add_parser(
        "images", help="give every node the images in archives (of `docker save` and its like)"
    )
    images.add_argument("archives", nargs="+", type=Path)
    for word, what in (("off", "stop a node as a power cut would"), ("on", "start it again")):
        commands.add_parser(word, help=what).add_argument("node")
    run = commands.add_parser("run", help="run a command in another network, such as: run internet -- curl -v ...")
    run.add_argument("place", help="internet, trusted, or a node")
    run.add_argument("line", nargs="+", help="the command, after --")
    return parser


if __name__ == "__main__":
    sys.exit(main())
