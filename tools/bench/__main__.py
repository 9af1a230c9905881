"""`python3 -m tools.bench [commands|scale]`: measure one part of the table, or both, and print it."""

import argparse
import os
import sys

from tools.bench import commands, scale
from tools.bench.table import say
from tools.errors import ToolError

_PARTS = {"commands": (commands.rows, 4), "scale": (scale.rows, 5)}
"""What measures each part, and minutes that it takes on two cores."""


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.bench", description="The performance table.")
    parser.add_argument("part", nargs="?", choices=_PARTS, help="measure only this")
    only = parser.parse_args(arguments).part
    for name, (measure, minutes) in _PARTS.items():
        if only not in {None, name}:
            continue
        say(f"{name} takes about {minutes} minutes; nothing else should run on this machine meanwhile")
        try:
            print(*measure(os.environ), sep="\n", flush=True)
        except ToolError as problem:
            print(problem, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
