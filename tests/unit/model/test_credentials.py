"""Who may see which secret."""

import pytest

from model.credentials import Credential, needed, strength, too_weak, used_by
from model.roles import Role

EVERYTHING = frozenset(Role)


@pytest.mark.parametrize("role", [Role.GUI, Role.TRACK_BALANCER, Role.GUI_BALANCER, Role.GUI_API_BALANCER])
def test_whoever_needs_no_secret_sees_none(role: Role) -> None:
    assert used_by(role, mysql=True) == ()


def test_only_the_installation_knows_the_administrators_password() -> None:
    knowing = [role for role in Role if Credential.ADMIN_PASSWORD in used_by(role, mysql=True)]

    assert knowing == [Role.INSTALLATION]


def test_the_check_of_others_stores_sees_no_password_of_a_store_inside() -> None:
    outside = EVERYTHING - {Role.REDIS}

    assert used_by(Role.PREFLIGHT, mysql=True, roles=outside) == (Credential.REDIS,)
    assert used_by(Role.PREFLIGHT, mysql=True, roles=EVERYTHING) == ()
    assert Credential.MYSQL not in used_by(Role.PREFLIGHT, mysql=False)
    queue_outside = EVERYTHING - {Role.PULSAR}
    assert used_by(Role.PREFLIGHT, mysql=True, commercial=True, roles=queue_outside) == (Credential.PULSAR,)
    assert used_by(Role.PREFLIGHT, mysql=True, commercial=True, roles=EVERYTHING) == ()


def test_only_mysql_knows_its_roots_password() -> None:
    assert [role for role in Role if Credential.MYSQL_ROOT in used_by(role, mysql=True)] == [Role.MYSQL]


def test_a_release_without_mysql_has_no_password_for_it() -> None:
    without = needed(EVERYTHING - {Role.MYSQL}, mysql=False)

    assert set(needed(EVERYTHING, mysql=True)) - set(without) == {Credential.MYSQL, Credential.MYSQL_ROOT}
    assert Credential.MYSQL not in used_by(Role.TRACK_API, mysql=False)


COMMERCIAL = {Credential.PULSAR, Credential.PULSAR_KEY, Credential.LICENCE}


def test_open_source_has_neither_licence_nor_queue() -> None:
    with_it = needed(EVERYTHING, mysql=True, commercial=True)

    assert set(with_it) - set(needed(EVERYTHING, mysql=True)) == COMMERCIAL


def test_only_pulsar_in_the_cluster_knows_what_tokens_are_signed_with() -> None:
    knowing = [role for role in Role if Credential.PULSAR_KEY in used_by(role, mysql=True, commercial=True)]

    assert knowing == [Role.PULSAR]
    assert Credential.PULSAR_KEY not in needed(EVERYTHING - {Role.PULSAR}, mysql=True, commercial=True)


def test_a_mysql_that_others_run_still_has_a_password_but_its_root_is_not_ours() -> None:
    outside = needed(EVERYTHING - {Role.MYSQL}, mysql=True)

    assert Credential.MYSQL in outside
    assert Credential.MYSQL_ROOT not in outside


@pytest.mark.parametrize("credential", Credential)
def test_every_secret_is_too_long_to_guess(credential: Credential) -> None:
    assert strength(credential).length >= 32


@pytest.mark.parametrize(
    ("credential", "value"),
    [
        (Credential.ADMIN_PASSWORD, "Sixteen-charact3rs"),
        (Credential.ADMIN_PASSWORD, " padded-with-some-spaces "),
        (Credential.ADMIN_PASSWORD, "two-lines-of-password\nsecond"),
        (Credential.PROFILE_MERGING, "abcabcabcabcabcabcabcabc"),
        (Credential.MYSQL, "p@ss/word:with#signs"),
        (Credential.REDIS, 'quoted"password'),
        (Credential.ELASTICSEARCH, "back\\slash-password"),
        (Credential.REDIS, ""),
        (Credential.PULSAR_KEY, "k3Jx9QpL77vbZmD2sWq8rTnA5bC6dE7"),
    ],
)
def test_a_careless_secret_is_too_weak(credential: Credential, value: str) -> None:
    assert too_weak(credential, value)


@pytest.mark.parametrize(
    ("credential", "value"),
    [
        (Credential.ADMIN_PASSWORD, "Correct Horse Battery 'Staple'"),
        (Credential.MYSQL, "Cloud-made.Pass_word~1"),
        (Credential.REDIS, "cloudmade-pass+1="),
    ],
)
def test_a_careful_secret_is_strong_enough(credential: Credential, value: str) -> None:
    assert too_weak(credential, value) is None
