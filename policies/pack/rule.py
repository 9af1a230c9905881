"""What a rule is: a name, a severity, a remedy, numbers that can be set, and a check that yields findings."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from policies.pack.resources import Resource
from policies.pack.stack import StackView

REFERENCE = "docs/policies.md"
"""The page with a section for each rule, from the repository's root."""


class Severity(Enum):
    """How much harm a finding can do."""

    CRITICAL = "critical"
    """Strangers get in, or data gets out."""
    HIGH = "high"
    """The service fails with a single fault, or a safeguard is missing."""
    MEDIUM = "medium"
    """Something works by luck."""


@dataclass(frozen=True)
class Finding:
    """Something that breaks a rule: where, and what is wrong there."""

    resource: Resource | None
    """None where nothing of the stack is at fault but what is missing from it."""
    problem: str


Setting = bool | int | tuple[str, ...]
"""A switch, a whole number, or a list of words."""


@dataclass(frozen=True)
class Option:
    """A setting of a rule; the type of `default` is the type of every value."""

    name: str
    default: Setting
    description: str
    least: int = 0
    """The smallest value of a number."""
    local: bool = False
    """Whether it follows from a stack's surroundings, such as its registry, so that stacks may differ in it."""

    @property
    def schema(self) -> dict[str, object]:
        """JSON schema of the option's value."""
        kind: dict[str, object]
        match self.default:
            case bool():
                kind = {"type": "boolean", "default": self.default}
            case int():
                kind = {"type": "integer", "minimum": self.least, "default": self.default}
            case _:
                kind = {"type": "array", "items": {"type": "string"}, "default": list(self.default)}
        return {**kind, "description": self.description}

    def read(self, value: object) -> Setting | None:
        """`value` as it came from the engine, where numbers are floats; None where it is no value of the option."""
        match self.default, value:
            case bool(), bool():
                return value
            case bool(), _:
                return None
            case int(), int() | float() if not isinstance(value, bool) and value >= self.least:
                return int(value) if float(value).is_integer() else None
            case tuple(), list() | tuple() if all(isinstance(entry, str) for entry in value):
                return tuple(value)
            case _:
                return None


class Options:
    """A value for each option of a rule."""

    def __init__(self, values: Mapping[str, Setting]) -> None:
        self._values = values

    def switch(self, name: str) -> bool:
        """The value of a switch."""
        return self._values[name] is True

    def number(self, name: str) -> int:
        """The value of a number."""
        value = self._values[name]
        return value if isinstance(value, int) else 0

    def words(self, name: str) -> tuple[str, ...]:
        """The value of a list of words."""
        value = self._values[name]
        return value if isinstance(value, tuple) else ()


Check = Callable[[StackView, Options], Iterable[Finding]]


@dataclass(frozen=True)
class Rule:
    """A rule of the pack. Its check reads the view and the options, nothing else, and never raises."""

    name: str
    severity: Severity
    description: str
    remedy: str
    options: tuple[Option, ...]
    check: Check
    relaxable: bool = False
    """Whether a stack that is not for production may ask for less: counts and spread, never separation or secrets."""

    @property
    def url(self) -> str:
        """Where the rule is explained, from the repository's root."""
        return f"{REFERENCE}#{self.name}"

    def message(self, finding: Finding) -> str:
        """What a person reads: where, what, the remedy and where to read on, because the CLI shows no other field."""
        where = f"{finding.resource.label} " if finding.resource else ""
        return f"{where}{finding.problem}. {self.remedy} See {self.url}."

    def values(self, configured: Mapping[str, object]) -> Options:
        """A value for each option: the configured one, or its default where there is none that can be read."""
        read = {option.name: option.read(configured.get(option.name)) for option in self.options}
        return Options({option.name: _or(read[option.name], option.default) for option in self.options})

    def refusals(self, configured: Mapping[str, object]) -> tuple[str, ...]:
        """What is wrong with the configuration of the rule."""
        options = {option.name: option for option in self.options}
        unknown = [f"{self.name} has no option {name}" for name in configured if name not in options]
        wrong = [
            f"{name} of {self.name} cannot be {configured[name]!r}"
            for name, option in options.items()
            if name in configured and option.read(configured[name]) is None
        ]
        return (*unknown, *wrong)


def _or(value: Setting | None, default: Setting) -> Setting:
    return default if value is None else value


def rule(
    name: str, *, severity: Severity, remedy: str, options: tuple[Option, ...] = (), relaxable: bool = False
) -> Callable[[Check], Rule]:
    """Makes the decorated check the rule `name`, described by its docstring."""

    def of(check: Check) -> Rule:
        return Rule(name, severity, inspect.getdoc(check) or "", remedy, options, check, relaxable)

    return of
