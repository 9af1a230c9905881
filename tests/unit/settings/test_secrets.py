"""Secrets in the settings: encrypted in the stack file, and never repeated."""

from typing import Any

import pytest

from settings.load import SettingsError
from tests.unit.stacks import changed, settings_of, stack_file

PROD = stack_file("prod")

SECRET = "hunter2-Hunter2-hunter2"  # noqa: S105 - what no message may repeat
INDISCREET: list[dict[str, Any]] = [
    {"credentials__redis": {"vaule": SECRET}},
    {"credentials__redis": {"value": SECRET, "rotation": 3}},
    {"credentials__redis": SECRET},
    {"credentials__mysql": {"value": f"{SECRET}@"}},
    {"credentials__redis": {"value": [SECRET]}},
    {"credentials__redis": {"value": SECRET}, "credentials__elasticsearch": {"value": SECRET}},
]


@pytest.mark.parametrize("changes", INDISCREET)
@pytest.mark.parametrize(
    "encrypted", [frozenset[str](), frozenset({"tracardi:credentials"})], ids=["clear", "encrypted"]
)
def test_no_message_repeats_a_secret(changes: dict[str, Any], encrypted: frozenset[str]) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of(changed(PROD, **changes), encrypted)

    assert "hunter2" not in str(refused.value)
    assert "tracardi:credentials." in str(refused.value)


def test_a_section_with_an_encrypted_value_is_not_quoted() -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of(changed(PROD, gui__host=SECRET.upper()), frozenset({"tracardi:gui"}))

    assert "tracardi:gui.host" in str(refused.value)
    assert SECRET.upper() not in str(refused.value)


def test_a_secret_in_clear_is_refused_with_the_command_that_encrypts_it() -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of(changed(PROD, credentials__redis__value=SECRET), frozenset())

    assert "pulumi config set --secret --path 'tracardi:credentials.redis.value'" in str(refused.value)


def test_a_printed_setting_shows_no_secret() -> None:
    settings = settings_of(changed(PROD, credentials__redis__value=SECRET))

    assert SECRET not in repr(settings)
    assert settings.credentials.redis.value is not None
    assert settings.credentials.redis.value.get_secret_value() == SECRET
