"""The reference of all settings that readers see."""

from pathlib import Path

import pytest

from settings.reference import REFERENCE, main, reference


def test_the_reference_in_the_repository_is_fresh() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == reference()


@pytest.mark.parametrize(
    "row",
    [
        "| `replicas.max` | 1 to 200 | `10` |",
        "| `elasticsearch.external.networks` | list of text | needed |",
        '| `eventSources[].bridge` | `rest`, `webhook`, `redirect` | `"rest"` |',
        "| `adminPassword.value` | secret | none |",
        "| `images.api.digest` | text | none |",
        "| `host` | text | needed | Public host name",
    ],
)
def test_each_setting_has_a_row_with_its_bounds_and_default(row: str) -> None:
    assert row in reference()


def test_a_stale_reference_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "configuration.md"
    stale.write_text("")
    monkeypatch.setattr("settings.reference.REFERENCE", stale)

    assert main(["--check"]) == 1
    assert "make schema" in capsys.readouterr().err
