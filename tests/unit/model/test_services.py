"""The catalogue of services."""

import pytest

from model.credentials import Credential, used_by
from model.evidence import Evidence
from model.graph import Outside, edges, resolves_names
from model.releases import supported_versions
from model.roles import Role, Tier
from model.service import Audience, Edition, Health, Need, Service, Usual
from model.services import SERVICE_NAMES, catalogue, needs_of, services_of

OPEN, COMMERCIAL = Edition
ROWS = [pytest.param(row, id=f"{row.name} {'/'.join(row.releases)}") for row in catalogue()]


def test_open_source_has_two_services_in_each_release() -> None:
    for release in supported_versions():
        assert list(services_of(OPEN, release)) == ["apm", "update-worker"]


def test_the_commercial_edition_has_those_and_its_own() -> None:
    new, old = (services_of(COMMERCIAL, release) for release in ("1.0.0", "0.8.2.1"))

    assert list(new) == ["apm", "update-worker", "init", "background-worker", "tms", "tms-gui", "bridge-queue"]
    assert {"apm", "update-worker", "workflow-worker", "metrics-job", "tms"} <= old.keys()
    assert not {"init", "background-worker"} & old.keys()
    assert {name for name, row in old.items() if row.schedule} == {
        "metrics-job",
        "segmentation-by-conditions",
        "segmentation-by-workflows",
    }


@pytest.mark.parametrize("edition", Edition)
@pytest.mark.parametrize("release", supported_versions())
def test_no_two_rows_are_for_one_edition_and_release(edition: Edition, release: str) -> None:
    names = [row.name for row in catalogue() if edition in row.editions and release in row.releases]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("row", ROWS)
def test_every_row_says_where_it_comes_from(row: Service) -> None:
    assert row.source.startswith("Tracardi/")
    assert row.purpose
    assert row.evidence is not Evidence.OBSERVED
    assert set(row.releases) <= set(supported_versions())


@pytest.mark.parametrize("row", ROWS)
def test_what_a_row_says_fits_together(row: Service) -> None:
    assert (row.health is Health.HTTP) is (row.port is not None) is (row.audience is not Audience.NOBODY)
    assert row.health is Health.ENDS or row.schedule is None
    assert not (row.scales and row.schedule)
    assert row.licensed is (row.editions == (COMMERCIAL,))
    # A name that is a role's, a label's, a Deployment's and a Secret's.
    assert len(f"{row.name}-credentials") <= 63
    assert row.name == row.name.lower()


@pytest.mark.parametrize("row", [row for row in catalogue() if not row.licensed], ids=lambda row: row.name)
def test_open_source_needs_no_pulsar_and_mysql_as_its_release_does(row: Service) -> None:
    expected = {Need.ELASTICSEARCH, Need.REDIS} | ({Need.MYSQL} if row.releases == ("1.0.0",) else set())

    assert row.needs == expected
    # Nobody has to know an image's own command to judge it.
    assert row.command


def test_a_loop_of_0_8_is_told_its_only_context() -> None:
    """Its first context's loop never ends, so without PRODUCTION the second would never be served."""
    old, new = (services_of(OPEN, release)["apm"] for release in ("0.8.2.1", "1.0.0"))

    assert dict(old.environment)["PRODUCTION"] == "yes"
    assert "PRODUCTION" not in dict(new.environment)
    assert old.scheduled == new.scheduled == (("MODE", "job"),)


def test_merging_is_what_production_has_without_being_asked() -> None:
    usual = {row.name for row in catalogue() if row.usual is Usual.PRODUCTION}

    assert usual == {"apm"}
    assert not [row for row in catalogue() if row.usual is Usual.ALWAYS and not row.licensed]


@pytest.mark.parametrize("release", supported_versions())
def test_apm_needs_the_queue_and_a_licence_in_the_commercial_edition_alone(release: str) -> None:
    open_source, commercial = (services_of(edition, release)["apm"] for edition in (OPEN, COMMERCIAL))

    assert commercial.needs - open_source.needs == {Need.PULSAR}
    assert commercial.takes_licence
    assert not open_source.takes_licence


@pytest.mark.parametrize("release", supported_versions())
def test_the_update_worker_s_image_is_open_source_and_starts_with_no_licence(release: str) -> None:
    assert not services_of(COMMERCIAL, release)["update-worker"].takes_licence


def test_one_service_makes_the_queue_ready_before_all_others() -> None:
    preparing = [row for row in catalogue() if row.prepares]

    assert [row.name for row in preparing] == ["init"]
    assert {row.health for row in preparing} == {Health.ENDS}
    assert not [row for row in preparing if row.schedulable]


def test_no_worker_of_0_8_begins_as_root_or_counts_the_nodes_cores() -> None:
    command = services_of(OPEN, "0.8.2.1")["update-worker"].command

    assert not [word for word in command if word.startswith(("--uid", "--gid"))]
    assert "--concurrency=1" in command


def test_each_service_is_a_role_on_the_trusted_side_that_reaches_what_it_needs_and_nothing_else() -> None:
    everything = frozenset(Role)
    for name in SERVICE_NAMES:
        role = Role(name)
        reached = {edge.target.value for edge in edges(everything) if edge.source is role}
        assert role.tier is Tier.CONSOLE
        assert role.is_service
        assert reached == needs_of(name)
        assert resolves_names(role) is bool(reached)
        assert not [edge for edge in edges(everything) if edge.target is role]


def test_nothing_else_is_a_service() -> None:
    assert {role.value for role in Role if role.is_service} == set(SERVICE_NAMES)
    assert not [edge for edge in edges(frozenset(Role)) if edge.source is Outside.INTERNET and edge.target.is_service]


def test_a_service_sees_the_passwords_of_what_it_needs_and_no_token() -> None:
    stores = (Credential.ELASTICSEARCH, Credential.REDIS)

    assert used_by(Role("apm"), mysql=True) == (Credential.PROFILE_MERGING, *stores, Credential.MYSQL)
    assert used_by(Role("apm"), mysql=False) == (Credential.PROFILE_MERGING, *stores)
    assert used_by(Role("update-worker"), mysql=False) == stores
    assert used_by(Role("tms"), mysql=True) == (Credential.MYSQL,)
    assert used_by(Role("tms-gui"), mysql=True) == ()


def test_a_commercial_service_sees_token_and_licence_and_never_the_key() -> None:
    worker = used_by(Role("background-worker"), mysql=True, commercial=True)

    assert {Credential.PULSAR, Credential.LICENCE} <= set(worker)
    assert Credential.PULSAR_KEY not in worker
    assert Credential.LICENCE not in used_by(Role("update-worker"), mysql=True, commercial=True)
