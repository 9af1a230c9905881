"""Who may see which secret."""

import pytest

from model.credentials import Credential, needed, strength, used_by
from model.roles import Role

EVERYTHING = frozenset(Role)
WITHOUT_MYSQL = EVERYTHING - {Role.MYSQL}


@pytest.mark.parametrize("role", [Role.GUI, Role.TRACK_BALANCER, Role.GUI_BALANCER, Role.GUI_API_BALANCER])
def test_whoever_needs_no_secret_sees_none(role: Role) -> None:
    assert used_by(role, EVERYTHING) == ()


def test_only_the_installation_knows_the_administrators_password() -> None:
    knowing = [role for role in Role if Credential.ADMIN_PASSWORD in used_by(role, EVERYTHING)]

    assert knowing == [Role.INSTALLATION]


def test_only_mysql_knows_its_roots_password() -> None:
    assert [role for role in Role if Credential.MYSQL_ROOT in used_by(role, EVERYTHING)] == [Role.MYSQL]


def test_an_installation_without_mysql_has_no_password_for_it() -> None:
    assert set(needed(EVERYTHING)) - set(needed(WITHOUT_MYSQL)) == {Credential.MYSQL, Credential.MYSQL_ROOT}
    assert Credential.MYSQL not in used_by(Role.TRACK_API, WITHOUT_MYSQL)


@pytest.mark.parametrize("credential", Credential)
def test_every_secret_is_too_long_to_guess(credential: Credential) -> None:
    assert strength(credential).length >= 32
