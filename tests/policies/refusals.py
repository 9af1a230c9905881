"""Makes a change of a stack a test: the pack must refuse what it leads to, with the right words, or accept it."""

from collections.abc import Callable
from dataclasses import dataclass

from policies.pack.registry import RULES
from tests.policies.analysis import analyse, configuration
from tests.policies.state import Change, State
from tests.unit.engine import JsonObject

Stacks = Callable[[str], State]

_REMEDIES = {rule.name: rule.remedy for rule in RULES}


@dataclass(frozen=True)
class Fixture:
    """A change of a stack, and what the pack says to what it leads to."""

    rule: str
    """The rule that it is about."""
    stack: str
    """The variant that is changed, one that production's configuration accepts."""
    change: Change
    configured: dict[str, JsonObject]
    """The pack's configuration."""
    refused: bool
    says: tuple[str, ...] = ()
    """What the rule reports, beside its remedy."""
    also: frozenset[str] = frozenset()
    """Other rules that refuse it as well."""


def refused(
    rule: str,
    *says: str,
    also: tuple[str, ...] = (),
    stack: str = "production",
    options: dict[str, JsonObject] | None = None,
) -> Callable[[Change], Callable[[Stacks], None]]:
    """The decorated change makes `rule` report `says` and its remedy, and no rule speak but it and those in `also`.

    `stack` is the variant that is changed, one that production's configuration accepts; `options` are set in that
    configuration for the test.
    """

    def of(change: Change) -> Callable[[Stacks], None]:
        fixture = Fixture(rule, stack, change, _configured(options), True, says, frozenset(also))  # noqa: FBT003 - a record

        def test(variant: Stacks) -> None:
            found = _found(fixture, variant)
            reported = "\n".join(found.get(rule, []))
            for expected in (*says, _REMEDIES[rule]):
                assert expected in reported
            assert sorted(found) == sorted({rule, *also})

        return _named(test, fixture)

    return of


def accepted(
    rule: str, *, stack: str = "production", options: dict[str, JsonObject] | None = None
) -> Callable[[Change], Callable[[Stacks], None]]:
    """The decorated change comes near to what `rule` forbids, and no rule of the pack objects."""

    def of(change: Change) -> Callable[[Stacks], None]:
        fixture = Fixture(rule, stack, change, _configured(options), False)  # noqa: FBT003 - a record

        def test(variant: Stacks) -> None:
            assert _found(fixture, variant) == {}

        return _named(test, fixture)

    return of


def _configured(options: dict[str, JsonObject] | None) -> dict[str, JsonObject]:
    configured = configuration("prod")
    for name, values in (options or {}).items():
        configured[name] = {**configured.get(name, {}), **values}
    return configured


def _found(fixture: Fixture, variant: Stacks) -> dict[str, list[str]]:
    state = variant(fixture.stack)
    before = list(state.messages())
    fixture.change(state)
    assert list(state.messages()) != before, "the change changes nothing"
    return analyse(state, fixture.configured)


def _named(test: Callable[[Stacks], None], fixture: Fixture) -> Callable[[Stacks], None]:
    test.__name__, test.__doc__ = fixture.change.__name__, fixture.change.__doc__
    test.fixture = fixture  # type: ignore[attr-defined]  # read by test_pack.py
    return test
