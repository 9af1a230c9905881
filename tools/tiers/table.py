"""The table at the end of `make test`."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from tools.tiers.model import NotRun

_WIDTHS = (42, 42, 30)
_HEADINGS = ("what", "why", "what runs it")


def table(missing: Sequence[NotRun], chosen: Sequence[NotRun]) -> str:
    """What was not run, and what nobody asked for; says so where everything ran."""
    parts = [_section("Not run", missing)] if missing else ["Every tier ran, and no test was skipped."]
    if chosen:
        parts.append(_section("Left out by choice", chosen))
    return "\n\n".join(parts)


def _section(title: str, lines: Sequence[NotRun]) -> str:
    rows = [_HEADINGS, *((line.what, line.why, line.remedy) for line in lines)]
    return "\n".join([title, *(f"  {line}" for row in rows for line in _row(row))])


def _row(cells: tuple[str, str, str]) -> Iterator[str]:
    wrapped = [textwrap.wrap(cell, width) for cell, width in zip(cells, _WIDTHS, strict=True)]
    for parts in zip_longest(*wrapped, fillvalue=""):
        yield "  ".join(f"{part:<{width}}" for part, width in zip(parts, _WIDTHS, strict=True)).rstrip()
