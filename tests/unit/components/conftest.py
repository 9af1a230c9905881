"""Both stacks of this repository, built once against the recording engine."""

import base64

import pytest

from components.context import context_of
from components.outputs import outputs
from components.tracardi import Tracardi, TracardiArgs
from model.roles import Tier
from settings.root import Settings
from tests.unit.engine import Recording, run
from tests.unit.stacks import settings_of, stack_file


def build(settings: Settings, kept: frozenset[str] = frozenset()) -> Recording:
    """Everything that `settings` lead to, in a cluster that has the Secrets they name, and those that were `kept`."""
    namespace = context_of(settings).namespace(Tier.DATA)
    there = {f"{namespace}/{name}": {"value": _canary(f"{namespace}-{name}")} for name in kept}
    return run(
        lambda: outputs(settings, Tracardi("tracardi", TracardiArgs(settings, kept))),
        there | existing_secrets(settings),
    )


def existing_secrets(settings: Settings) -> dict[str, dict[str, str]]:
    """The data of every Secret that `settings` take a credential from, with values that are easily recognised."""
    found: dict[str, dict[str, str]] = {}
    for _, source in settings.credentials.each():
        place = source.existing_secret
        if place is not None:
            data = found.setdefault(f"{place.namespace}/{place.name}", {})
            data[place.key] = _canary(f"{place.namespace}-{place.name}-{place.key}")
    return found


def _canary(name: str) -> str:
    return base64.b64encode(f"canary-existing-{name}".encode()).decode()


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
