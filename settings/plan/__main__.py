"""Print what a load needs: `python -m settings.plan --rps 3000 [--peak 5000] [--new 0.1] [--stack prod]`."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from model.capacity import DEFAULT_NEW_VISITORS, Load
from settings.capacity import MOST_REQUESTS, CapacitySettings
from settings.load import SettingsError
from settings.plan.sections import PlanError, defaults, sections_of
from settings.plan.text import plan

REPOSITORY = Path(__file__).resolve().parents[2]


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_REQUESTS):
        raise PlanError(
            f"{name}={text} is no whole number from 1 to {MOST_REQUESTS}. Write requests a second, such as {name}=3000."
        )
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise PlanError(
            f"NEW={text} is no number from 0 to 1. Write the share of requests of new visitors, such as NEW=0.1."
        )
    return share


def _load(arguments: argparse.Namespace, declared: CapacitySettings | None) -> Load:
    if arguments.rps:
        sustained = _whole("RPS", arguments.rps)
        load = Load(sustained, sustained, declared.new_visitors if declared else DEFAULT_NEW_VISITORS)
    elif declared:
        load = declared.load
    else:
        raise PlanError("RPS is not given. Write requests a second, such as: make plan RPS=3000")
    if arguments.peak:
        load = replace(load, peak=_whole("PEAK", arguments.peak))
    if load.peak < load.sustained:
        raise PlanError(f"PEAK={load.peak} is less than RPS={load.sustained}. Raise PEAK, or leave it out.")
    return replace(load, new_visitors=_share(arguments.new)) if arguments.new else load


def main(arguments: list[str], folder: Path = REPOSITORY) -> int:
    """Print the plan for a stack of `folder`; exit status 1 and one line where something has to be mended first."""
    parser = argparse.ArgumentParser(prog="python -m settings.plan", description=__doc__)
    for option in ("rps", "peak", "new", "stack"):
        parser.add_argument(f"--{option}", default="")
    given = parser.parse_args(arguments)
    try:
        sections = sections_of(given.stack, folder) if given.stack else defaults()
        load = _load(given, sections.capacity)
    except (PlanError, SettingsError) as problem:
        sys.stderr.write(f"plan: {problem}\n")
        return 1
    title = f"Pulumi.{given.stack}.yaml" if given.stack else "a production stack with the stores that it gets by itself"
    sys.stdout.write(plan(sections, load, title))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
