"""The reference for readers: a section for each rule, where its messages say that it is."""

import re

import pytest

from policies import reference
from policies.pack.registry import RULES
from policies.pack.rule import REFERENCE, Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView
from tests.unit.stacks import REPOSITORY


@rule(
    "things-are-many",
    severity=Severity.HIGH,
    remedy="Add some.",
    options=(
        Option("minimum", 3, "How many | at least."),
        Option("allowed", (), "Which."),
        Option("on", default=True, description="Or not."),
    ),
)
def things_are_many(_stack: StackView, _options: Options) -> list[Finding]:
    """There are things."""
    return []


def sections(text: str) -> dict[str, str]:
    """Each rule's section, by its heading."""
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)
    return {
        name: re.split(r"^## ", section, flags=re.MULTILINE)[0]
        for name, section in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_every_rule_has_a_section_under_its_own_name() -> None:
    found = sections((REPOSITORY / REFERENCE).read_text(encoding="utf-8"))

    assert [*found] == [registered.name for registered in RULES]
    for registered in RULES:
        section = found[registered.name]
        assert registered.description in section
        assert registered.remedy in section
        assert f"**Severity:** {registered.severity.value}." in section
        assert all(f"| `{option.name}` |" in section for option in registered.options)


def test_a_section_names_options_with_their_values_and_what_stacks_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        reference, "_configured", lambda _rule: {"dev": {"minimum": 1, "on": True}, "prod": {"minimum": 3}}
    )

    section = sections(reference.reference([things_are_many]))["things-are-many"]

    assert "**Severity:** high. **Remedy:** Add some." in section
    assert "| `minimum` | number | `3`; dev: `1` | How many \\| at least. |" in section
    assert "| `allowed` | list of texts | none | Which. |" in section
    assert "| `on` | true, false | `true` | Or not. |" in section


def test_what_the_configuration_files_say_is_shown() -> None:
    track = next(registered for registered in RULES if registered.name == "track-instances")

    assert "dev: `2`" in sections(reference.reference([track]))["track-instances"]


def test_a_family_that_comes_back_has_another_heading() -> None:
    first, *_ = RULES
    text = reference.reference([first, things_are_many, first])

    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert len(headings) == len(set(headings))
