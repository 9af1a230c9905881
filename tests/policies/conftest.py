"""Both stacks of this repository, recorded once, for tests to change."""

from collections.abc import Callable
from functools import cache

import pytest

from tests.policies.state import State
from tests.unit.components.conftest import build
from tests.unit.engine import Recording
from tests.unit.stacks import settings_of, stack_file
from tests.unit.variants import variants


@pytest.fixture(scope="session")
def recordings() -> dict[str, Recording]:
    """What each stack registers."""
    return {stack: build(settings_of(stack_file(stack))) for stack in ("dev", "prod")}


@pytest.fixture(scope="session")
def variant() -> Callable[[str], State]:
    """A copy of an installation, by the name that tests/unit/variants.py gives it."""

    @cache
    def recorded(name: str) -> Recording:
        return build(settings_of(variants()[name]))

    return lambda name: State.of(recorded(name))


@pytest.fixture
def prod(recordings: dict[str, Recording]) -> State:
    """The production stack."""
    return State.of(recordings["prod"])
