"""Command line: `python3 -m tools.debian [--namespaces]` makes the folder of Debian's programs ready."""

import argparse
import sys

from tools.debian.namespaces import require_namespaces
from tools.debian.prepare import root
from tools.errors import ToolError

_INTERRUPTED = 130


def main() -> int:
    """Run the command; 0 when it is done, 1 when it cannot be."""
    parser = argparse.ArgumentParser(
        prog="python3 -m tools.debian", description="Prepare Debian's programs in a folder of the cache."
    )
    parser.add_argument(
        "--namespaces", action="store_true", help="also make sure that this process may make namespaces for them"
    )
    try:
        if parser.parse_args().namespaces:
            require_namespaces()
        root()
    except ToolError as error:
        print(f"tools: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("tools: interrupted; nothing is left half done", file=sys.stderr)
        return _INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
