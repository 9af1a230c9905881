"""`python3 -m tools.cluster up|down|list|kubeconfig [--name NAME] [--nodes simulated|real] [--count N]`."""

import argparse
import sys

from tools.cluster import DEFAULT_NAME, Cluster, ClusterTools, clusters, contents, down, running, up
from tools.errors import ToolError
from tools.layout import work_dir
from tools.nodes.lifecycle import refuse_number, refuse_without_root


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        _run(options.command, options.name, real=options.nodes == "real", count=options.count)
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _run(command: str, name: str, *, real: bool, count: int | None) -> None:
    match command:
        case "up":
            Cluster.at(name, work_dir())  # a bad name is refused before anything is built
            if real:
                refuse_without_root()
            if count is not None:
                (refuse_number if real else contents.refuse_number)(count)
            # Late, because the other commands must work without a toolchain.
            from tools.toolchain import ensure  # noqa: PLC0415 - see above

            groups = {"cluster", "nodes"} if real else {"cluster"}
            up(name, ClusterTools(ensure(frozenset(groups)).bin), real=real, count=count)
        case "down":
            down(name)
        case "list":
            for known in clusters():
                print(f"{known.name:<40} {'up' if running(known.name) else 'stopped'}")
        case "kubeconfig":
            cluster = running(name)
            if cluster is None:
                raise ToolError(f"cluster {name} is not running; start it with `make cluster-up`.")
            print(cluster.kubeconfig)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m tools.cluster", description="Embedded Kubernetes clusters.")
    parser.add_argument("command", choices=["up", "down", "list", "kubeconfig"])
    parser.add_argument("--name", default=DEFAULT_NAME, help="which cluster (default: %(default)s)")
    parser.add_argument("--nodes", choices=["simulated", "real"], default="simulated", help="only for up")
    parser.add_argument("--count", type=int, help="how many nodes (default: 6 simulated, or 3 real ones)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
