"""Whose packages the folder of Debian's programs is made of."""

from pathlib import Path

import pytest

from tools.debian.sources import debian_sources, require_debian
from tools.errors import ToolError

OWN = """\
Types: deb deb-src
URIs: https://debian.example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg"""


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A machine's /etc without any package source."""
    (tmp_path / "apt" / "sources.list.d").mkdir(parents=True)
    return tmp_path


def stanzas(etc: Path, text: str) -> tuple[str, ...]:
    """What is used of a file of stanzas."""
    (etc / "apt" / "sources.list.d" / "some.sources").write_text(text)
    return debian_sources(etc).stanzas


def lines(etc: Path, text: str) -> tuple[str, ...]:
    """What is used of a file of lines, beside a source that is always there."""
    (etc / "apt" / "sources.list.d" / "own.sources").write_text(OWN)
    (etc / "apt" / "sources.list").write_text(text)
    return debian_sources(etc).lines


def test_debians_own_stanzas_are_used_whatever_stands_around_them(etc: Path) -> None:
    security = OWN.replace("bookworm bookworm-updates", "bookworm-security")

    assert stanzas(etc, f"# written by hand\n{OWN}\n\n# security\n{security}\n\n") == (OWN, security)


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg", "Signed-By: /etc/apt/keyrings/vendor.gpg"),
        (
            "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
            "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----",
        ),
        ("Types: deb deb-src", "Types: deb-src"),
        ("Types: deb deb-src", "Enabled: no\nTypes: deb"),
    ],
)
def test_stanzas_of_others_of_sources_and_switched_off_ones_are_left_out(etc: Path, line: str, instead: str) -> None:
    assert stanzas(etc, f"{OWN}\n\n{OWN.replace(line, instead)}") == (OWN,)


@pytest.mark.parametrize(
    "line",
    [
        "deb https://debian.example.org/debian bookworm main",
        "deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.pgp] https://deb.example.org/ sid main",
    ],
)
def test_lines_in_the_older_notation_are_used(etc: Path, line: str) -> None:
    assert lines(etc, f"# main\n{line}\n") == (line,)


@pytest.mark.parametrize(
    "line",
    [
        "deb [signed-by=/etc/apt/keyrings/vendor.gpg] https://vendor.example.org/ stable main",
        "deb-src https://debian.example.org/debian bookworm main",
        "# deb https://debian.example.org/debian bookworm main",
    ],
)
def test_lines_of_others_of_sources_and_comments_are_left_out(etc: Path, line: str) -> None:
    assert lines(etc, f"{line}\n") == ()


def test_a_machine_without_debians_archive_is_told_so(etc: Path) -> None:
    with pytest.raises(ToolError, match="names no package source of Debian's"):
        debian_sources(etc)


@pytest.mark.parametrize("version", ['VERSION_ID="12"\n', 'VERSION_ID="13"\n', ""])
def test_debian_12_and_newer_and_its_testing_will_do(etc: Path, version: str) -> None:
    (etc / "os-release").write_text(f"ID=debian\n{version}")

    require_debian(etc)


@pytest.mark.parametrize(
    "release",
    [
        'PRETTY_NAME="Ubuntu 24.04 LTS"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n',
        'PRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\nID=debian\nVERSION_ID="11"\n',
    ],
)
def test_other_distributions_and_an_older_debian_are_refused_with_a_way_on(etc: Path, release: str) -> None:
    (etc / "os-release").write_text(release)
    name = release.split('"')[1]

    with pytest.raises(ToolError) as refused:
        require_debian(etc)

    assert "needs Debian 12 or newer" in str(refused.value)
    assert f"says: {name}" in str(refused.value)
    assert "A container of debian:12" in str(refused.value)


def test_a_machine_that_says_nothing_of_itself_is_refused(etc: Path) -> None:
    with pytest.raises(ToolError, match="needs Debian 12 or newer"):
        require_debian(etc)
