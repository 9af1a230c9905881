"""Makes a change of a stack a test: the pack must refuse what it leads to, with the right words."""

from collections.abc import Callable
from dataclasses import dataclass

from policies.pack.registry import RULES
from tests.policies.analysis import analyse, configuration
from tests.policies.state import Change, State

Stacks = Callable[[str], State]

_REMEDIES = {rule.name: rule.remedy for rule in RULES}


@dataclass(frozen=True)
class Refusal:
    """A rule that refuses, and what else does."""

    rule: str
    says: tuple[str, ...]
    also: frozenset[str]


def refused(
    rule: str, *says: str, also: tuple[str, ...] = (), stack: str = "production"
) -> Callable[[Change], Callable[[Stacks], None]]:
    """The decorated change makes `rule` report `says` and its remedy, and no rule speak but it and those in `also`.

    `stack` is the variant that is changed, one that production's configuration accepts.
    """

    def of(change: Change) -> Callable[[Stacks], None]:
        def test(variant: Stacks) -> None:
            state = variant(stack)
            change(state)
            found = analyse(state, configuration("prod"))
            reported = "\n".join(found.get(rule, []))
            for expected in (*says, _REMEDIES[rule]):
                assert expected in reported
            assert sorted(found) == sorted({rule, *also})

        test.__name__, test.__doc__ = change.__name__, change.__doc__
        test.refusal = Refusal(rule, says, frozenset(also))  # type: ignore[attr-defined]  # read by test_pack.py
        return test

    return of
