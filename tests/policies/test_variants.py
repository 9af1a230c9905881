"""Whatever a stack may choose, the pack accepts, with the configuration for its profile."""

from collections.abc import Callable

import pytest

from model.credentials import Credential
from tests.policies.analysis import analyse, configuration
from tests.policies.state import UNDECRYPTED, UNKNOWN, State
from tests.unit.engine import JsonObject
from tests.unit.stacks import settings_of
from tests.unit.variants import variants

VARIANTS = variants()

CHOSEN: dict[str, dict[str, JsonObject]] = {
    "given credentials": {
        "secrets-come-from-generators": {"given": [credential.value for credential in Credential]},
    },
    "mirror": {
        "internet-reaches-only-the-api": {"alsoApi": ["registry.example.com/mirror/cdp/tracardi-api"]},
        "images-come-from-known-registries": {"registries": ["registry.example.com/mirror", "other.example.com"]},
    },
}
"""What a variant makes its owner say to the pack."""


def fitting(name: str) -> dict[str, JsonObject]:
    """The pack's configuration for a variant: that of its profile, and what its owner has to say."""
    return configuration("prod" if settings_of(VARIANTS[name]).production else "dev") | CHOSEN.get(name, {})


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_accepted_by_every_rule(name: str, variant: Callable[[str], State]) -> None:
    assert analyse(variant(name), fitting(name)) == {}


@pytest.mark.parametrize("placeholder", [UNKNOWN, UNDECRYPTED])
@pytest.mark.parametrize("name", VARIANTS)
def test_what_is_not_seen_before_an_update_or_in_a_stored_state_changes_nothing(
    name: str, placeholder: str, variant: Callable[[str], State]
) -> None:
    state = variant(name)
    state.hide_secrets(placeholder)
    for config_map in state.of_kind("ConfigMap"):
        data = config_map.inputs["data"]
        # The authorities' certificates, which the update makes.
        data.update({key: UNKNOWN for key in data if key.endswith("ca.crt")})

    assert analyse(state, fitting(name)) == {}
