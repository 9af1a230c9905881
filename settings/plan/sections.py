"""What a stack file says of what carries its load."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from settings.capacity import CapacitySettings
from settings.certificates import CertificateSettings
from settings.clusters import GuiApiSettings, TrackSettings
from settings.data import DataSettings
from settings.index import IndexSettings
from settings.installation import InstallationSettings
from settings.load import PROJECT, section_of
from settings.root import Settings
from settings.services import ServicesSettings

_LEAST = {
    "installation": {"adminEmail": "admin@example.com"},
    "track": {"host": "track.example.com"},
    "guiApi": {"host": "api.example.com"},
    "certificates": {},
}
"""The least that a stack has to say of these sections."""


class PlanError(Exception):
    """What a person has to mend: what, where and the remedy, in one line."""


@dataclass(frozen=True)
class Sections:
    """The sections of the settings that decide what an installation carries."""

    installation: InstallationSettings
    track: TrackSettings
    gui_api: GuiApiSettings
    services: ServicesSettings
    data: DataSettings
    index: IndexSettings
    certificates: CertificateSettings
    capacity: CapacitySettings | None = None


def defaults() -> Sections:
    """What a production stack gets that says no more than it has to."""
    return _sections({f"{PROJECT}:{key}": value for key, value in _LEAST.items()}, "it")


def sections_of(stack: str, folder: Path) -> Sections:
    """What the file of `stack` says.

    Raises:
        PlanError: there is no such file, or it cannot be read.
        SettingsError: one of these sections is wrong in itself.
    """
    file = folder / f"Pulumi.{stack}.yaml"
    if not file.is_file():
        known = ", ".join(sorted(each.name.split(".")[1] for each in folder.glob("Pulumi.*.yaml")))
        raise PlanError(f"there is no {file.name}. Name one of the stacks {known}, or leave STACK out.")
    try:
        configuration = dict(yaml.safe_load(file.read_text(encoding="utf-8"))["config"])
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as problem:
        raise PlanError(f"{file.name} is no stack file in YAML with a `config`. Correct it.") from problem
    return _sections(configuration, file.name)


def _sections(configuration: dict[str, Any], file: str) -> Sections:
    return Sections(**{field.name: _section(field.name, configuration, file) for field in fields(Sections)})


def _section(name: str, configuration: dict[str, Any], file: str) -> Any:  # noqa: ANN401 - any section
    field = Settings.model_fields[name]
    key = field.alias or name
    value = configuration.get(f"{PROJECT}:{key}")
    if value is None and not field.is_required():
        return field.get_default()
    if isinstance(value, dict) and "secure" in value:
        raise PlanError(
            f"{PROJECT}:{key} is encrypted in {file} as a whole. Encrypt single values, or leave STACK out."
        )
    return section_of(key, field, None if value is None else json.dumps(value, default=str))
