"""The reference of all rules, for readers: `python -m policies.reference` writes `docs/policies.md`."""

import inspect
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from types import ModuleType

from policies.pack.registry import RULES
from policies.pack.rule import REFERENCE, Option, Rule, Setting
from settings.generated import write_or_check

_REPOSITORY = Path(__file__).resolve().parents[1]
_CONFIGURATIONS = Path(__file__).resolve().parent / "config"

_HEAD = """# Policy reference

Written by `make schema` from the rules in `policies/pack/rules/` and the introduction in `policies/introduction.md`; do
not edit.
"""

Configured = Mapping[str, Mapping[str, Setting]]
"""For each stack that the pack is configured for, and each option, what is set there."""


def reference(rules: Iterable[Rule] = RULES) -> str:
    """The reference's text, as it is kept in the repository."""
    introduction = (Path(__file__).resolve().parent / "introduction.md").read_text(encoding="utf-8")
    families = [(module, [*found]) for module, found in groupby(rules, _family)]
    parts = [_HEAD, introduction, _contents(families)]
    seen: set[str] = set()
    for module, members in families:
        name, meaning = _told(module)
        # A family may come back between others; its heading is there once, for the sake of links to it.
        parts.append(f"## {name}{', continued' if name in seen else ''}\n\n{meaning}\n")
        seen.add(name)
        parts += [_section(rule) for rule in members]
    return "\n".join(parts)


def _family(rule: Rule) -> ModuleType:
    module = inspect.getmodule(rule.check)
    if module is None:
        raise LookupError(f"{rule.name} is in no module")
    return module


def _told(module: ModuleType) -> tuple[str, str]:
    """A family's name and meaning, by the first line of its module."""
    name, _, meaning = (inspect.getdoc(module) or module.__name__).splitlines()[0].partition(": ")
    return name, meaning[:1].upper() + meaning[1:]


def _contents(families: Iterable[tuple[ModuleType, list[Rule]]]) -> str:
    rows = [
        f"| {_told(module)[0]} | [`{rule.name}`](#{rule.name}) | {rule.severity.value} |"
        for module, members in families
        for rule in members
    ]
    return "\n".join(["## The rules\n", "| Family | Rule | Severity |", "|---|---|---|", *rows, ""])


def _section(rule: Rule) -> str:
    text = f"### {rule.name}\n\n{rule.description}\n\n**Severity:** {rule.severity.value}. **Remedy:** {rule.remedy}\n"
    if not rule.options:
        return text
    configured = _configured(rule)
    head = "| Option | Value | Default | Meaning |\n|---|---|---|---|"
    return "\n".join([text, head, *(_row(option, configured) for option in rule.options), ""])


def _row(option: Option, configured: Configured) -> str:
    others = [
        f"{stack}: {_shown(values[option.name])}"
        for stack, values in configured.items()
        if values.get(option.name, option.default) != option.default
    ]
    default = "; ".join([_shown(option.default), *others])
    return f"| `{option.name}` | {_kind(option.default)} | {default} | {_cell(option.description)} |"


def _configured(rule: Rule) -> Configured:
    files = sorted(_CONFIGURATIONS.glob("*.json"))
    found = {file.stem: json.loads(file.read_text(encoding="utf-8")).get(rule.name, {}) for file in files}
    return {stack: dict(_read(rule, values)) for stack, values in found.items() if isinstance(values, dict)}


def _read(rule: Rule, values: Mapping[str, object]) -> Iterator[tuple[str, Setting]]:
    for option in rule.options:
        if (value := option.read(values.get(option.name))) is not None:
            yield option.name, value


def _kind(default: Setting) -> str:
    match default:
        case bool():
            return "true, false"
        case int():
            return "number"
        case _:
            return "list of texts"


def _shown(value: Setting) -> str:
    return _cell(f"`{json.dumps(value)}`") if value != () else "none"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the reference, or with `--check` compare it and say how to refresh it."""
    return write_or_check(_REPOSITORY / REFERENCE, reference(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
