"""The JSON schema of stack files, for editors: `python -m settings.schema [--check]`."""

import json
import sys
from pathlib import Path

from settings.generated import write_or_check
from settings.load import PROJECT
from settings.root import Settings

SCHEMA = Path(__file__).with_name("stack.schema.json")


def schema() -> str:
    """The schema's text, as it is kept in the repository."""
    sections = Settings.model_json_schema(by_alias=True)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack configuration of Tracardi in production",
        "type": "object",
        "properties": {
            "encryptionsalt": {"type": "string"},
            "secretsprovider": {"type": "string"},
            "encryptedkey": {"type": "string"},
            "config": {
                "type": "object",
                "properties": {f"{PROJECT}:{name}": value for name, value in sections["properties"].items()},
                "required": [f"{PROJECT}:{name}" for name in sections["required"]],
                "patternProperties": {f"^(?!{PROJECT}:)": {}},
                "additionalProperties": False,
            },
        },
        "required": ["config"],
        "$defs": sections["$defs"],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the schema, or with `--check` compare it and say how to refresh it."""
    return write_or_check(SCHEMA, schema(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
