"""Runs the tiers in their order, and remembers what did not run."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.tiers.model import Machine, NotRun, Tier
from tools.tiers.records import FILE_VARIABLE, left_out, not_run, read

Make = Callable[[str, Mapping[str, str]], int]
"""Makes a target with more environment variables; the exit status."""

Say = Callable[[str], None]


@dataclass
class Result:
    """How it went."""

    missing: list[NotRun] = field(default_factory=list)
    """What was to run and did not."""
    chosen: list[NotRun] = field(default_factory=list)
    """What nobody asked for."""
    failed: str = ""
    """The make target that failed; the ones after it were not begun."""


def run(tiers: Sequence[Tier], machine: Machine, make: Make, say: Say, *, require_all: bool) -> Result:
    """Run what the machine allows, up to the first failure.

    With `require_all`, nothing is begun where something is known to be left out.
    """
    result, able = Result(), list[Tier]()
    for tier in tiers:
        lines = _lacks(tier, machine)
        result.missing += lines
        if not lines:
            able.append(tier)
    if result.missing and require_all:
        return result
    if result.missing:
        names = ", ".join(tier.name for tier in tiers if tier not in able)
        say(f"not on this machine: {names}; the table at the end says why")
    _run_all(able, make, result)
    return result


def _run_all(tiers: Sequence[Tier], make: Make, result: Result) -> None:
    for target in dict.fromkeys(tier.prepare for tier in tiers if tier.prepare):
        if make(target, {}) != 0:
            result.failed = target
            result.missing += _after(target, tiers)
            return
    for number, tier in enumerate(tiers):
        if not _ran(tier, make, result):
            result.failed = tier.target
            result.missing += _after(tier.target, tiers[number + 1 :])
            return


def _ran(tier: Tier, make: Make, result: Result) -> bool:
    with tempfile.TemporaryDirectory(prefix="tracardi-tests-") as folder:
        file = Path(folder) / "not-run"
        status = make(tier.target, {FILE_VARIABLE: os.fspath(file)})
        records = read(file)
    result.missing += not_run(tier.name, records)
    result.chosen += left_out(tier.name, records)
    return status == 0


def _lacks(tier: Tier, machine: Machine) -> list[NotRun]:
    """The first thing that is missing: what comes after it is often a consequence."""
    for need in tier.needs:
        if lack := need(machine):
            return [NotRun(f"{tier.name} (make {tier.target})", lack.why, lack.remedy)]
    return []


def _after(target: str, tiers: Sequence[Tier]) -> list[NotRun]:
    why = f"make {target} failed before."
    return [NotRun(f"{tier.name} (make {tier.target})", why, f"make {tier.target}") for tier in tiers]
