"""Command line: `python -m tests.dataplane.bench` prints the table; its progress goes to the other stream."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.dataplane.bench.bed import CROWD, OURS_EDGE, OURS_FULL, Bed
from tests.dataplane.bench.figures import Row, needed, table
from tests.dataplane.bench.measure import Load, await_answers, measured
from tests.dataplane.bench.nginx import ANSWER
from tests.dataplane.installation.providers import Plugins
from tests.dataplane.sandbox import World
from tools.debian import root
from tools.debian.namespaces import require_namespaces
from tools.errors import ToolError

_ONE, _KEPT, _MANY = Load(1, 1), Load(100, 2), Load(1000, 5)
_FRESH = Load(100, 3, fresh=True)
_LOADS = (_ONE, _KEPT, _MANY, _FRESH)
_NOTES = f"""\
Every proxy has the same instances behind it: nginx, which answers each POST to /track with {len(ANSWER)} bytes. Load
generator, proxy and instances share this machine's cores, so requests/s tell what all of them cost together; CPU is
the proxy's own, for each request. At {_MANY.connections} connections it includes that many handshakes.
"to nginx" compares with nginx as Debian ships it, with the same protocol to the client: plain with plain, TLS with TLS,
HTTP/2 with HTTP/2. "to direct" does so with the instances, which have no HTTP/2: it is their TLS then. As shipped,
nginx makes a connection to an instance for every request; the row that keeps them is the fairer rival. nginx checks
nothing, ours all that the configuration says, for {CROWD} client addresses; of its limits only requestsPerSecond is
raised."""


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 1 where requests failed, because then the figures are not comparable.

    Raises:
        ToolError: something that is needed is missing.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.dataplane.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; medians are shown")
    rounds: int = parser.parse_args(arguments).rounds
    require_namespaces()
    debian = root()
    say("the balancers' table takes about 6 minutes; nothing else should run on this machine meanwhile")
    with Plugins() as plugins, World(debian) as world, TemporaryDirectory() as folder:
        bed = Bed(world, plugins, Path(folder))
        try:
            await_answers(bed)
            rows = {load: measured(bed, load, rounds, say) for load in _LOADS}
        finally:
            bed.close()
    parts = [table(str(load), found) for load, found in rows.items()]
    sys.stdout.write("\n\n".join([*parts, _needed(rows, bed.edge.requested_cores), _NOTES]) + "\n")
    failed = sum(each.errors for found in rows.values() for each in found)
    if failed:
        say(f"{failed} requests were refused or not answered: the figures are those of something else")
    return 1 if failed else 0


def say(line: str) -> None:
    """Tell what is being measured, beside the table."""
    sys.stderr.write(f"bench: {line}\n")


def _needed(rows: dict[Load, list[Row]], requested: float) -> str:
    costs = {
        f"{name}, {load}": each.cpu
        for load in (_KEPT, _FRESH)
        for each in rows[load]
        for name in (OURS_EDGE, OURS_FULL)
        if each.name == name and each.cpu is not None
    }
    return needed(costs, {f"of {requested:g} cores (requested)": requested, "of one core": 1.0})


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ToolError as problem:
        sys.exit(f"bench: {problem}")
