"""The pack's configuration files: what they may say. The SDK accepts misspelt names without a word."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from policies.pack.registry import RULES
from policies.pack.rule import Option, Rule, Setting

FOLDER = Path(__file__).resolve().parents[1] / "config"
"""A file for each stack that has a configuration of its own..."""
STRICTEST = "prod.json"
"""...and the one by which all others are measured, and stacks without a file judged."""

_LEVELS = frozenset({"advisory", "mandatory", "remediate", "disabled"})
_LEVEL = "enforcementLevel"
_MANDATORY = "mandatory"
_ALL = "all"


class _RepeatedError(ValueError):
    """A name stands twice in a mapping."""


def problems(folder: Path, rules: Iterable[Rule]) -> Iterator[str]:
    """What is wrong with the configuration files in `folder`, one sentence each."""
    known = tuple(rules)
    files = sorted(folder.glob("*.json"))
    if folder / STRICTEST not in files:
        yield f"{STRICTEST} is missing: stacks without a file of their own are judged by it"
    for file in files:
        yield from (f"{file.name}: {problem}" for problem in file_problems(file, known))
        if file.name != STRICTEST and folder / STRICTEST in files:
            yield from (
                f"{file.name}: {problem}" for problem in _relaxations(_of(file), _of(folder / STRICTEST), known)
            )


def file_problems(file: Path, rules: Iterable[Rule]) -> Iterator[str]:
    """What is wrong with the configuration in `file` alone, one sentence each."""
    known = {rule.name: rule for rule in rules}
    try:
        content = _read(file)
    except ValueError as problem:
        yield f"is no JSON: {problem}"
        return
    if not isinstance(content, dict):
        yield "is no mapping of rules to their options"
        return
    for name, chosen in content.items():
        level, options = _parts(chosen)
        rule = known.get(name)
        if not isinstance(level, str) or level not in _LEVELS:
            yield f"{name}: {level!r} is no enforcement level"
        elif level != _MANDATORY and not (rule and rule.relaxable and file.name != STRICTEST):
            yield f"{name} is {level}; only counts and spread may be less than mandatory, and not in {STRICTEST}"
        if rule:
            yield from (f"{name}: {refusal}" for refusal in rule.refusals(options))
        elif name != _ALL:
            yield f"{name} is no rule of the pack"
        elif options:
            yield f"{name} has no options"


def _relaxations(stack: Mapping[str, object], strictest: Mapping[str, object], rules: Iterable[Rule]) -> Iterator[str]:
    """Options of `stack` that are not those of `strictest`, though they are no counts."""
    for rule in rules:
        for option in rule.options:
            if (
                not rule.relaxable
                and not option.local
                and _value(stack, rule, option) != _value(strictest, rule, option)
            ):
                yield f"{rule.name}: {option.name} is not what it is in {STRICTEST}; only counts and spread may differ"


def _value(content: Mapping[str, object], rule: Rule, option: Option) -> Setting:
    read = option.read(_parts(content.get(rule.name, {}))[1].get(option.name))
    return option.default if read is None else read


def _parts(chosen: object) -> tuple[object, dict[str, object]]:
    """The level and the options of what stands beside a rule's name; a level may stand there alone."""
    if not isinstance(chosen, dict):
        return chosen, {}
    return chosen.get(_LEVEL, _MANDATORY), {name: value for name, value in chosen.items() if name != _LEVEL}


def _of(file: Path) -> dict[str, object]:
    """The content of `file`, empty where it is none; `file_problems` says why."""
    try:
        content = _read(file)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _read(file: Path) -> object:
    return json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_once)


def _once(members: list[tuple[str, object]]) -> dict[str, object]:
    """A mapping of `members`. Of two that have one name, readers take the last, and people the first."""
    repeated = [name for name, count in Counter(name for name, _ in members).items() if count > 1]
    if repeated:
        raise _RepeatedError(f"{', '.join(repeated)} stands there twice")
    return dict(members)


def main(folder: Path = FOLDER) -> int:
    """Print what is wrong with the configuration files; exit status."""
    found = [*problems(folder, RULES)]
    sys.stderr.writelines(f"{folder.name}/{problem}\n" for problem in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
