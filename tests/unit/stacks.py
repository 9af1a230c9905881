"""The stack files of this repository, as settings."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from settings.load import parse
from settings.root import Settings

REPOSITORY = Path(__file__).resolve().parents[2]


def stack_file(stack: str) -> dict[str, Any]:
    """The configuration in a stack file: full keys, plain values."""
    text = (REPOSITORY / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)["config"])


def changed(configuration: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any setting
    """A copy of `configuration` in which `section__key__key=value` replaces one setting, or None removes it."""
    copy = deepcopy(configuration)
    for name, value in changes.items():
        section, *path = name.split("__")
        keys = [f"tracardi:{section}", *path]
        place = copy
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        if value is None:
            place.pop(keys[-1], None)
        else:
            place[keys[-1]] = value
    return copy


def settings_of(configuration: dict[str, Any], encrypted: frozenset[str] | None = None) -> Settings:
    """The settings that a stack with `configuration`, of which `encrypted` is encrypted, gets from the engine.

    Without `encrypted`, all that has to be is.
    """
    if encrypted is None:
        licensed = "licence" in configuration.get("tracardi:installation", {})
        encrypted = frozenset({"tracardi:credentials", *(["tracardi:installation"] if licensed else [])})
    return parse(
        {key: value if isinstance(value, str) else json.dumps(value) for key, value in configuration.items()}, encrypted
    )
