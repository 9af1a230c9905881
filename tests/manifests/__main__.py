"""`python -m tests.manifests check`, or `render FOLDER [--stack NAME]...` to look at what is checked."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.manifests import programs
from tests.manifests.rendering import STACKS, manifests, record, write
from tests.manifests.waivers import FILE, Verdict, judge, load
from tools.errors import ToolError
from tools.layout import repository
from tools.toolchain import ensure


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "render":
            return _render(options.folder, options.stack or STACKS)
        return _check()
    except (ToolError, OSError) as error:
        sys.stderr.write(f"manifests: {error}\n")
        return 1


def _render(folder: Path, stacks: Iterable[str]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    for stack in stacks:
        write(manifests(record(stack)), folder / f"{stack}.yaml")
    return 0


def _check() -> int:
    """Judge both stacks; a line for each finding that nothing waives."""
    waivers = load()
    tools = ensure(frozenset({"checks"}))
    stacks = {stack: manifests(record(stack)) for stack in STACKS}
    findings = programs.findings(tools.bin, stacks)
    verdict = judge(findings, waivers)
    judged = f"{sum(map(len, stacks.values()))} objects of {' and '.join(stacks)}"
    if verdict.passed:
        sys.stdout.write(f"manifests: {judged} pass kube-score and checkov; {len(findings)} findings are waived\n")
        return 0
    sys.stderr.write("".join(f"{line}\n" for line in complaints(verdict, judged)))
    return 1


def complaints(verdict: Verdict, judged: str) -> Iterator[str]:
    """What a verdict that is not a pass says to people; `judged` tells what it is about."""
    file = FILE.relative_to(repository())
    yield from map(str, verdict.unwaived)
    yield from (f"{file}: nothing matches {waiver} any more" for waiver in verdict.stale)
    yield (
        f"manifests: {judged}: findings to mend, or to waive with the reason in {file}: {len(verdict.unwaived)}; "
        f"waivers to remove: {len(verdict.stale)}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.manifests", description="Manifests of stacks.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="what kube-score and checkov find in both stacks, less what is waived")
    render = commands.add_parser("render", help="write manifests, one file for each stack")
    render.add_argument("folder", type=Path)
    render.add_argument("--stack", action="append", choices=STACKS, default=[])
    return parser


if __name__ == "__main__":
    sys.exit(main())
