"""From the stack's configuration to `Settings`, or to one message that names everything that is wrong."""

import inspect
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, cast, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from settings.base import HIDDEN, REFUSED, Refusal, Section
from settings.checks import CHECKS
from settings.credentials import CREDENTIAL_KEYS, CredentialsSettings
from settings.installation import InstallationSettings
from settings.root import Settings
from settings.sizing import sized

PROJECT = "tracardi"

_BOUNDS = {
    "greater_than_equal": ("at least {ge}", "Raise it."),
    "less_than_equal": ("at most {le}", "Lower it."),
    "string_too_short": ("at least {min_length} characters", "Write a longer one."),
    "string_too_long": ("at most {max_length} characters", "Write a shorter one."),
    "too_short": ("at least {min_length} entries", "Add one."),
    "string_pattern_mismatch": ("text that matches {pattern}", "Correct it."),
    "enum": ("one of {expected}", "Choose one of them."),
}
_TYPES = {
    "int_type": ("a whole number", "Write digits alone, without quotes."),
    "int_from_float": ("a whole number", "Write digits alone, without quotes."),
    "float_type": ("a number", "Write digits alone, without quotes."),
    "bool_type": ("true or false", "Write true or false, without quotes."),
    "string_type": ("text", "Put the value in quotes."),
    "model_type": ("a group of keys", "Write the keys on indented lines below it."),
    "dict_type": ("a group of keys and values", "Write the keys on indented lines below it."),
    "tuple_type": ("a list", "Write each entry on a line of its own, behind a hyphen."),
}


class SettingsError(Exception):
    """Settings that cannot be used. Its text names every refusal."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        self.refusals = refusals
        count = "1 setting" if len(refusals) == 1 else f"{len(refusals)} settings"
        super().__init__(f"{count} cannot be used; nothing was changed.\n\n" + "\n\n".join(map(_render, refusals)))


def parse(configuration: Mapping[str, str], secret_keys: Collection[str] = ()) -> Settings:
    """The settings in `configuration`, which has Pulumi's form: full keys, and JSON where a value is structured.

    `secret_keys` are the full keys under which a value is encrypted in the stack file.

    Raises:
        SettingsError: any setting is unknown, malformed, out of bounds or at odds with another. No secret is in it.
    """
    own = {
        key.removeprefix(f"{PROJECT}:"): value for key, value in configuration.items() if key.startswith(f"{PROJECT}:")
    }
    encrypted = {key.removeprefix(f"{PROJECT}:") for key in secret_keys}
    fields = {field.alias or name: (name, field) for name, field in Settings.model_fields.items()}
    refusals = [_unknown_section(key, tuple(fields)) for key in own if key not in fields]
    sections: dict[str, Any] = {}
    for key, (name, field) in fields.items():
        if key not in own and not field.is_required():
            sections[name] = field.get_default()
            continue
        try:
            sections[name] = section_of(key, field, own.get(key))
        except SettingsError as error:
            refusals.extend(error.refusals)
    sections.update(_reckoned(sections))
    refusals.extend(_inside(sections))
    refusals.extend(_between(sections))
    refusals.extend(_in_clear(sections, encrypted))
    if refusals:
        raise SettingsError(tuple(_without_secrets(refusal, encrypted) for refusal in refusals))
    return Settings.model_construct(**sections)


def section_of(key: str, field: FieldInfo, text: str | None) -> Section:
    """The section that stands as `text` under `key`.

    Raises:
        SettingsError: it is wrong in itself.
    """
    adapter: TypeAdapter[Section] = TypeAdapter(cast("type[Section]", field.annotation))
    try:
        value = json.loads(text) if text is not None else {}
    except json.JSONDecodeError:
        value = text
    try:
        return adapter.validate_json(json.dumps(value))
    except ValidationError as error:
        model = field.annotation
        raise SettingsError(tuple(_translate(key, model, details) for details in _own_faults(error))) from error


def _reckoned(sections: Mapping[str, Any]) -> dict[str, Section]:
    """Sections whose numbers follow from a declared load."""
    capacity, track = sections.get("capacity"), sections.get("track")
    if capacity is None or track is None:
        return {}
    return {"track": sized(capacity, track, sections.get("installation"), sections.get("certificates"))}


def _own_faults(error: ValidationError) -> Iterator[ErrorDetails]:
    """All faults but a list's shortness where that only comes from its refused entries."""
    faults = error.errors()
    for fault in faults:
        depth = len(fault["loc"])
        inner = any(other["loc"][:depth] == fault["loc"] for other in faults if len(other["loc"]) > depth)
        if not (fault["type"] == "too_short" and inner):
            yield fault


def _inside(sections: Mapping[str, Section]) -> Iterator[Refusal]:
    for section in sections.values():
        check = getattr(section, "refusals", None)
        if check is not None:
            yield from check()


def _between(sections: Mapping[str, Section]) -> Iterator[Refusal]:
    for check in CHECKS:
        needed = tuple(inspect.signature(check).parameters)
        # A section that is wrong in itself has been reported; what depends on it can wait for the next attempt.
        if all(name in sections for name in needed):
            yield from check(*(sections[name] for name in needed))


def _in_clear(sections: Mapping[str, Section], encrypted: Collection[str]) -> Iterator[Refusal]:
    for path in _secrets(sections):
        if path.partition(".")[0] not in encrypted:
            yield Refusal(
                tuple(path.split(".")),
                HIDDEN,
                "encrypted in the stack file; this one stands there in clear",
                f"Change the secret, then run: pulumi config set --secret --path '{PROJECT}:{path}'",
            )


def _secrets(sections: Mapping[str, Section]) -> Iterator[str]:
    """Where a secret is given."""
    credentials, installation = sections.get("credentials"), sections.get("installation")
    if isinstance(credentials, CredentialsSettings):
        for credential, settings in credentials.each():
            if settings.value is not None:
                yield f"credentials.{CREDENTIAL_KEYS[credential]}.value"
    if isinstance(installation, InstallationSettings) and installation.licence is not None:
        yield "installation.licence"


def _without_secrets(refusal: Refusal, encrypted: Collection[str]) -> Refusal:
    """`refusal` without the value, where that may be a secret or be given beside one."""
    secret = refusal.path[0] == "credentials" or refusal.path[:2] == ("installation", "licence")
    hidden = secret or refusal.path[0] in encrypted
    shown = refusal.value is None or (isinstance(refusal.value, int) and not isinstance(refusal.value, bool))
    return replace(refusal, value=HIDDEN) if hidden and not shown else refusal


def _unknown_section(key: str, known: tuple[str, ...]) -> Refusal:
    return Refusal((key,), "present", f"unknown; the sections are {', '.join(known)}", _did_you_mean(key, known))


def _did_you_mean(key: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(key, known, n=1)
    return f"Did you mean {close[0]}?" if close else "Remove it."


def _translate(section: str, model: object, details: ErrorDetails) -> Refusal:
    path = (section, *(part for part in details["loc"] if part != "[key]"))
    kind, context = details["type"], details.get("ctx", {})
    value = details["input"]
    if kind == REFUSED:
        return Refusal(path, value, context["limit"], context["remedy"])
    if kind == "missing":
        return Refusal(path, None, f"needed: {_description(model, path[1:])}", "Add it.")
    if kind == "extra_forbidden":
        known = _keys(_model_at(model, path[1:-1]))
        return Refusal(
            path, value, f"unknown; the keys here are {', '.join(known)}", _did_you_mean(str(path[-1]), known)
        )
    if kind in _BOUNDS:
        limit, remedy = _BOUNDS[kind]
        return Refusal(path, value, limit.format(**context), remedy)
    limit, remedy = _TYPES.get(kind, (details["msg"], "Correct it."))
    return Refusal(path, value, limit, remedy)


def _model_at(model: object, path: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model that describes what stands at `path` below `model`."""
    found = model
    for part in path:
        if get_origin(found) is dict:
            _, found = get_args(found)
            continue
        section = _as_model(found)
        if section is not None and isinstance(part, str):
            found = next((field.annotation for field in _fields(section, part)), None)
    return _as_model(found)


def _fields(model: type[BaseModel], key: str) -> Iterator[FieldInfo]:
    return (field for name, field in model.model_fields.items() if (field.alias or name) == key)


def _as_model(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for model in map(_as_model, get_args(annotation)) if model is not None), None)


def _keys(model: type[BaseModel] | None) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in model.model_fields.items()) if model else ()


def _description(model: object, path: tuple[str | int, ...]) -> str:
    parent = _model_at(model, path[:-1])
    if parent is None or not isinstance(path[-1], str):
        return "it has no default"
    return next((field.description or "" for field in _fields(parent, path[-1])), "") or "it has no default"


def _render(refusal: Refusal) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in refusal.path).removeprefix(".")
    value = "not set" if refusal.value is None else json.dumps(refusal.value, default=str, ensure_ascii=False)
    return f"{PROJECT}:{path}\n  value:  {value}\n  limit:  {refusal.limit}\n  remedy: {refusal.remedy}"
