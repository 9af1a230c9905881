"""Both stacks of this repository, recorded once, for tests to change."""

import pytest

from tests.policies.state import State
from tests.unit.components.conftest import build
from tests.unit.engine import Recording
from tests.unit.stacks import settings_of, stack_file


@pytest.fixture(scope="session")
def recordings() -> dict[str, Recording]:
    """What each stack registers."""
    return {stack: build(settings_of(stack_file(stack))) for stack in ("dev", "prod")}


@pytest.fixture
def prod(recordings: dict[str, Recording]) -> State:
    """The production stack."""
    return State.of(recordings["prod"])
