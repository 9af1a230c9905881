"""The release catalogue."""

from pathlib import Path

import pytest

from model.evidence import Evidence
from model.images import PULSAR, REDIS
from model.releases import DEFAULT_RELEASE, release_of, supported_versions
from model.roles import Role


def test_both_supported_releases_are_there() -> None:
    assert supported_versions() == ("1.0.0", "0.8.2.1")
    assert DEFAULT_RELEASE == "1.0.0"


@pytest.mark.parametrize("version", supported_versions())
def test_api_and_gui_carry_the_release_as_their_tag(version: str) -> None:
    """Tracardi's index names depend on it, so they must never differ."""
    release = release_of(version)

    assert release.api.tag == release.gui.tag == release.version == version


def test_stores_follow_the_release() -> None:
    assert release_of("1.0.0").uses_mysql
    assert release_of("1.0.0").elasticsearch.tag.startswith("8.11.")
    assert not release_of("0.8.2.1").uses_mysql
    assert release_of("0.8.2.1").elasticsearch.tag.startswith("7.17.")


def test_only_what_was_run_counts_as_observed() -> None:
    assert release_of("0.8.2.1").evidence is Evidence.OBSERVED
    assert release_of("1.0.0").evidence is Evidence.DOCUMENTED


def test_a_release_from_0_9_on_may_wait_for_its_stores() -> None:
    """It retries MySQL, Redis and Elasticsearch for up to 50 s each before its port opens."""
    assert release_of("1.0.0").start_seconds >= 150


@pytest.mark.parametrize("version", supported_versions())
def test_what_runs_inside_is_of_a_version_that_is_known_best(version: str) -> None:
    release = release_of(version).commercial
    inside = {
        Role.ELASTICSEARCH: release.elasticsearch,
        Role.REDIS: REDIS,
        Role.MYSQL: release.mysql,
        Role.PULSAR: PULSAR,
    }

    for store, versions in release.store_versions.items():
        image = inside[store]
        assert image
        assert image.tag.startswith(f"{versions.known}."), store
        assert _numbers(versions.least) <= _numbers(image.tag), store
        assert versions.below is None or _numbers(image.tag) < _numbers(versions.below), store


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_a_release_without_mysql_knows_no_version_of_it() -> None:
    assert Role.MYSQL not in release_of("0.8.2.1").store_versions


def test_only_the_commercial_edition_knows_a_version_of_pulsar() -> None:
    assert Role.PULSAR not in release_of("1.0.0").store_versions
    assert Role.PULSAR in release_of("1.0.0").commercial.store_versions


def test_an_unknown_release_is_no_release() -> None:
    with pytest.raises(KeyError):
        release_of("0.9.0")


@pytest.mark.parametrize("version", supported_versions())
def test_the_readme_says_how_each_release_is_known(version: str) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    (row,) = (line for line in readme.splitlines() if line.startswith(f"| {version}"))

    words = {Evidence.OBSERVED: "observed", Evidence.DOCUMENTED: "documentation"}
    assert words[release_of(version).evidence] in row
