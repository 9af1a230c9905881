"""The reference of all settings, for readers: `python -m settings.reference` writes `docs/configuration.md`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from settings.generated import write_or_check
from settings.load import PROJECT
from settings.root import Settings

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"

_HEAD = """# Configuration reference

Written by `make schema` from the models in `settings/`; do not edit. A stack file sets what stands below
`config`; every key is checked before anything changes. Secrets are set with
`pulumi config set --secret --path '<setting>'`.
"""

Schema = dict[str, Any]


def reference() -> str:
    """The reference's text, as it is kept in the repository."""
    document = Settings.model_json_schema(by_alias=True)
    parts = [_HEAD]
    for name, field in document["properties"].items():
        section = _resolved(field, document)
        needed = ", needed" if name in document["required"] else ""
        rows = "\n".join(_section_rows(section, document))
        parts.append(
            f"## `{PROJECT}:{name}`{needed}\n\n{_text(section)}{_names(section)}\n\n"
            f"| Setting | Value | Default | Meaning |\n|---|---|---|---|\n{rows}\n"
        )
    return "\n".join(parts)


def _section_rows(section: Schema, document: Schema) -> Iterator[str]:
    if "properties" in section:
        return _rows(section, document, ())
    # Groups alike, each under a name.
    return _rows(_resolved(section["additionalProperties"], document), document, ("<name>",))


def _names(section: Schema) -> str:
    names = section.get("propertyNames", {}).get("enum", ())
    return f" `<name>` is {' or '.join(f'`{name}`' for name in names)}." if names else ""


def _rows(section: Schema, document: Schema, path: tuple[str, ...]) -> Iterator[str]:
    for key, field in section.get("properties", {}).items():
        inner = _resolved(field, document)
        place = (*path, key)
        if inner.get("properties") and "secure" not in inner["properties"]:
            if inner.get("type") == "object" and "default" not in field:
                yield _row(place, "group", "none" if key not in section.get("required", ()) else "needed", field, inner)
            yield from _rows(inner, document, place)
            continue
        default = "needed" if key in section.get("required", ()) else _shown(field.get("default"))
        yield _row(place, _kind(inner, document), default, field, inner)
        entry = _resolved(inner.get("items", {}), document)
        if entry.get("properties"):
            yield from _rows(entry, document, (*path, f"{key}[]"))


def _row(path: tuple[str, ...], kind: str, default: str, field: Schema, inner: Schema) -> str:
    text = field.get("description") or _text(inner)
    return f"| `{'.'.join(path)}` | {kind} | {default} | {_cell(text)} |"


def _resolved(field: Schema, document: Schema) -> Schema:
    """`field` without its indirections: what it refers to, or what it is when it is set at all."""
    chosen = field
    while True:
        if "$ref" in chosen:
            chosen = document["$defs"][chosen["$ref"].rsplit("/", 1)[-1]]
        elif "anyOf" in chosen:
            chosen = next(option for option in chosen["anyOf"] if option.get("type") != "null")
        else:
            return dict(chosen)


_KINDS = {"string": "text", "integer": "number", "boolean": "true, false", "object": "keys and values"}


def _kind(inner: Schema, document: Schema) -> str:
    if "enum" in inner:
        return _cell(", ".join(f"`{value}`" for value in inner["enum"]))
    if inner.get("properties"):
        return "secret" if "secure" in inner["properties"] else "groups"
    if inner.get("type") == "array":
        return f"list of {_kind(_resolved(inner['items'], document), document)}"
    least, most = inner.get("minimum"), inner.get("maximum")
    if least is not None:
        return f"at least {least}" if most is None else f"{least} to {most}"
    return _KINDS.get(str(inner.get("type")), "group")


def _shown(default: object) -> str:
    return "none" if default in (None, [], {}, ()) else _cell(f"`{json.dumps(default)}`")


def _text(section: Schema) -> str:
    return " ".join(str(section.get("description", "")).split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the reference, or with `--check` compare it and say how to refresh it."""
    return write_or_check(REFERENCE, reference(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
