"""Command line: `python3 -m tools.tiers [--require-all]` runs every tier of tests that this machine allows."""

import argparse
import sys

from tools.errors import ToolError
from tools.layout import repository
from tools.tiers.model import Machine
from tools.tiers.process import maker
from tools.tiers.run import run
from tools.tiers.table import table
from tools.tiers.tiers import TIERS

_INTERRUPTED = 130


def main() -> int:
    """Run the tiers; 0 when none failed and, with --require-all, nothing was left out."""
    parser = argparse.ArgumentParser(
        prog="python3 -m tools.tiers", description="Run the tests that this machine allows, and tell what was not run."
    )
    parser.add_argument("--require-all", action="store_true", help="fail where anything is not run")
    required = parser.parse_args().require_all
    try:
        result = run(TIERS, Machine.here(), maker(repository()), say, require_all=required)
    except ToolError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return _INTERRUPTED
    print(f"\n{table(result.missing, result.chosen)}", flush=True)
    if result.failed:
        say(f"make {result.failed} failed")
        return 1
    if required and result.missing:
        say("REQUIRE_ALL is set, and the table above names what was not run")
        return 1
    return 0


def say(line: str) -> None:
    """Tell how it goes."""
    print(f"tests: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
