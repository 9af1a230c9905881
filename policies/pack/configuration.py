"""The pack's configuration files: what they may say. The SDK accepts misspelt names without a word."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from policies.pack.rule import Rule

_LEVELS = frozenset({"advisory", "mandatory", "remediate", "disabled"})
_LEVEL = "enforcementLevel"


def problems(file: Path, rules: Iterable[Rule]) -> Iterator[str]:
    """What is wrong with the configuration in `file`, one sentence each."""
    known = {rule.name: rule for rule in rules}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as problem:
        yield f"{file.name} is no JSON: {problem}"
        return
    if not isinstance(content, dict):
        yield f"{file.name} is no mapping of rules to their options"
        return
    for name, chosen in content.items():
        options = chosen if isinstance(chosen, dict) else {_LEVEL: chosen}
        level = options.pop(_LEVEL, "mandatory")
        if level not in _LEVELS:
            yield f"{file.name}: {name}: {level!r} is no enforcement level"
        if name in known:
            yield from (f"{file.name}: {name}: {refusal}" for refusal in known[name].refusals(options))
        elif name != "all":
            yield f"{file.name}: {name} is no rule of the pack"
