"""A million requests a second, on paper."""

import re
from pathlib import Path
from string import Template

import pytest

from settings.scale.__main__ import main
from settings.scale.text import PAPER, figures, paper

PROSE = Path("settings/scale/scale.md")


def prose() -> str:
    return (PAPER.parents[1] / PROSE).read_text(encoding="utf-8")


def section(title: str) -> str:
    return paper().partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_document_in_the_repository_is_fresh() -> None:
    assert PAPER.read_text(encoding="utf-8") == paper()


def test_a_stale_document_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "scale.md"
    stale.write_text("")
    monkeypatch.setattr("settings.scale.__main__.PAPER", stale)

    assert main(["--check"]) == 1
    assert "make schema" in capsys.readouterr().err


def test_every_figure_has_its_place_in_the_prose() -> None:
    assert set(Template(prose()).get_identifiers()) == set(figures())


def test_data_is_told_by_the_day_and_by_the_month() -> None:
    """112 billion events a day, and new visitors' profiles, twice."""
    told = section("What it takes")

    row = re.search(r"^\| its data a day, all copies \| (.*) \|$", told, re.MULTILINE)
    assert row
    visitors, gateway, known, guides = row[1].split(" | ")
    assert visitors == gateway == guides == "297 TB", "who is a new visitor decides it, and no model"
    assert float(known.split()[0]) < float(visitors.split()[0])
    assert f"{visitors}, all copies together" in told


def test_the_prose_follows_the_order_in_which_parts_give_out() -> None:
    table = re.findall(r"^\| ([^|]+) \| [\d ]+/s", section("What breaks first"), re.MULTILINE)
    list_items = re.findall(r"^\d\. \*\*([^*]+)\*\*", section("What breaks first"), re.MULTILINE)

    assert table[:4] == ["Elasticsearch's CPU", "track instances", "connections to MySQL", "balancers' connections"]
    assert list_items[:4] == [
        "Elasticsearch, by new visitors.",
        "Collectors",
        "Connections to MySQL.",
        "Connections of balancers.",
    ]
