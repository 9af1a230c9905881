"""Whatever settings are accepted, what they lead to is sound."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings

from settings.load import SettingsError
from settings.root import Settings
from tests.unit.components.conftest import build
from tests.unit.invariants import faults
from tests.unit.stacks import settings_of
from tests.unit.strategies import configurations

pytestmark = pytest.mark.thorough

# The same examples on every machine, and no files of Hypothesis' own.
few = settings(
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    # To look for a smaller example takes minutes, and what is told of this one says enough.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


def accepted(configuration: dict[str, Any]) -> Settings:
    """The settings, unless two of them clash."""
    try:
        return settings_of(configuration)
    except SettingsError:
        assume(condition=False)
        raise


@few
@given(configurations())
def test_any_accepted_settings_lead_to_an_installation_that_keeps_every_rule(configuration: dict[str, Any]) -> None:
    chosen = accepted(configuration)

    assert faults(build(chosen), chosen) == []
