"""The sets of packages that are there, and the command that makes them."""

import sys
from collections import Counter
from pathlib import Path

import pytest

from tools.debian import __main__ as command
from tools.debian.packages import PackageSet
from tools.debian.sets import SETS

every_set = pytest.mark.parametrize("wanted", SETS.values(), ids=lambda wanted: wanted.name)


@every_set
def test_every_package_of_a_set_is_listed_once(wanted: PackageSet) -> None:
    assert max(Counter(package.name for package in wanted.packages).values()) == 1


@every_set
def test_no_two_links_of_a_set_claim_a_name(wanted: PackageSet) -> None:
    assert max(Counter([*(link.file for link in wanted.links), "none"]).values()) == 1


@every_set
def test_links_lead_to_the_same_file_inside_and_outside_of_the_root_folder(wanted: PackageSet) -> None:
    assert [link for link in wanted.links if Path(link.target).is_absolute()] == []


def test_a_sets_name_is_its_folders() -> None:
    assert {name: wanted.name for name, wanted in SETS.items()} == {name: name for name in SETS}
    assert not {"logs", "staging"} & set(SETS)


@pytest.mark.parametrize("family", ["iptables", "ip6tables"])
def test_nodes_write_their_rules_with_nftables(family: str) -> None:
    links = {link.file: link.target for link in SETS["node"].links}

    actions = ("", "-restore", "-save")
    assert [links[f"usr/sbin/{family}{action}"] for action in actions] == [f"{family}-nft{each}" for each in actions]


def test_images_are_made_without_what_only_makes_them() -> None:
    assert not {package.name for package in SETS["images"].packages} & {"maven", "ecj"}


@pytest.mark.parametrize(
    ("arguments", "made"),
    [([], ["programs"]), (["--set", "node"], ["node"]), (["--set", "maven", "--set", "images"], ["maven", "images"])],
)
def test_the_command_makes_the_sets_that_it_is_told(
    arguments: list[str], made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(command, "root", asked.append)
    monkeypatch.setattr(sys, "argv", ["tools.debian", *arguments])

    assert command.main() == 0
    assert asked == made


def test_a_set_that_is_not_there_is_refused_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tools.debian", "--set", "nodes"])

    with pytest.raises(SystemExit):
        command.main()

    assert "choose from 'programs', 'node', 'images', 'maven'" in capsys.readouterr().err
