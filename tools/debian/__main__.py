"""Command line: `python3 -m tools.debian [--set NAME]... [--namespaces]` makes sets of Debian's programs ready."""

import argparse
import sys

from tools.debian.namespaces import require_namespaces
from tools.debian.prepare import root
from tools.debian.sets import SETS
from tools.errors import ToolError

_INTERRUPTED = 130


def main() -> int:
    """Run the command; 0 when it is done, 1 when it cannot be."""
    parser = argparse.ArgumentParser(
        prog="python3 -m tools.debian", description="Prepare Debian's programs in folders of the cache."
    )
    parser.add_argument(
        "--set",
        action="append",
        dest="sets",
        choices=tuple(SETS),
        help="a set of packages; may be repeated; programs, which tests/dataplane runs, if none is named",
    )
    parser.add_argument(
        "--namespaces", action="store_true", help="also make sure that this process may make namespaces for them"
    )
    try:
        arguments = parser.parse_args()
        if arguments.namespaces:
            require_namespaces()
        for name in arguments.sets or ("programs",):
            root(name)
    except ToolError as error:
        print(f"tools: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("tools: interrupted; nothing is left half done", file=sys.stderr)
        return _INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
