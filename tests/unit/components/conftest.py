"""Both stacks of this repository, built once against the recording engine."""

import pytest

from components.outputs import outputs
from components.tracardi import Tracardi, TracardiArgs
from settings.root import Settings
from tests.unit.engine import Recording, run
from tests.unit.stacks import settings_of, stack_file


def build(settings: Settings) -> Recording:
    """Everything that `settings` lead to."""
    return run(lambda: outputs(settings, Tracardi("tracardi", TracardiArgs(settings))))


@pytest.fixture(scope="session")
def prod() -> Recording:
    """The production stack."""
    return build(settings_of(stack_file("prod")))


@pytest.fixture(scope="session")
def dev() -> Recording:
    """The smallest stack."""
    return build(settings_of(stack_file("dev")))


@pytest.fixture(params=["dev", "prod"])
def stack(request: pytest.FixtureRequest) -> Recording:
    """Each stack in turn."""
    found: Recording = request.getfixturevalue(request.param)
    return found
