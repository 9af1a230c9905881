"""Write `docs/scale.md`, or with `--check` say whether it is out of date: `python -m settings.scale [--check]`."""

import sys

from settings.generated import write_or_check
from settings.scale.text import PAPER, paper


def main(arguments: list[str]) -> int:
    """Write or check the document; exit status."""
    return write_or_check(PAPER, paper(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
