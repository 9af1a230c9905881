"""The schema that editors check stack files with."""

import json
from pathlib import Path

import pytest

from settings.schema import SCHEMA, main, schema
from tests.unit.stacks import REPOSITORY


def test_the_schema_in_the_repository_is_fresh() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema()


def test_a_stale_schema_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "stack.schema.json"
    stale.write_text("{}")
    monkeypatch.setattr("settings.schema.SCHEMA", stale)

    assert main(["--check"]) == 1
    assert "make schema" in capsys.readouterr().err


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_stack_files_name_the_schema(stack: str) -> None:
    first = (REPOSITORY / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8").splitlines()[0]

    assert first == f"# yaml-language-server: $schema={SCHEMA.relative_to(REPOSITORY)}"


def test_every_setting_is_described() -> None:
    document = json.loads(schema())
    models = [definition for definition in document["$defs"].values() if definition["type"] == "object"]

    undescribed = [
        f"{model['title']}.{name}"
        for model in models
        for name, field in model["properties"].items()
        if "description" not in field
    ]
    assert undescribed == []


def test_unknown_sections_are_marked_by_editors() -> None:
    configuration = json.loads(schema())["properties"]["config"]

    assert configuration["additionalProperties"] is False
    assert "tracardi:track" in configuration["required"]
