"""The stand-in for MySQL's image: which variables and options it takes, and what it makes of them."""

from pathlib import Path

import pytest

from tests.real.images.programs.mysql import RefusedError, Wanted, data_folder, quoted, server_options

GIVEN = {
    "MYSQL_ROOT_PASSWORD": "r",
    "MYSQL_ROOT_HOST": "localhost",
    "MYSQL_DATABASE": "tracardi",
    "MYSQL_USER": "user",
    "MYSQL_PASSWORD": "p",
}


def test_passwords_come_from_the_files_that_variables_name(tmp_path: Path) -> None:
    (tmp_path / "root").write_text("secret\n")
    given = {name: value for name, value in GIVEN.items() if name != "MYSQL_ROOT_PASSWORD"}

    wanted = Wanted.read({**given, "MYSQL_ROOT_PASSWORD_FILE": str(tmp_path / "root")})

    assert wanted.root_password == "secret"  # noqa: S105 - a test's


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"MYSQL_ROOT_PASSWORD": ""}, "MYSQL_ROOT_PASSWORD is not given"),
        ({"MYSQL_PASSWORD_FILE": "/p"}, "both MYSQL_PASSWORD and MYSQL_PASSWORD_FILE are given"),
        ({"MYSQL_PASSWORD": "", "MYSQL_PASSWORD_FILE": "/nowhere"}, "MYSQL_PASSWORD_FILE: /nowhere: No such file"),
        ({"MYSQL_PASSWORD": ""}, "given together"),
        ({"MYSQL_USER": "root"}, "root is there anyway"),
    ],
)
def test_variables_that_cannot_work_are_refused(change: dict[str, str], told: str) -> None:
    with pytest.raises(RefusedError, match=told):
        Wanted.read({**GIVEN, **change})


def test_a_user_gets_all_rights_on_the_one_database() -> None:
    statements = Wanted.read({**GIVEN, "MYSQL_DATABASE": "a_b"}).statements()

    assert "CREATE DATABASE IF NOT EXISTS `a_b`;" in statements
    assert r"GRANT ALL ON `a\_b`.* TO 'user'@'%';" in statements
    assert statements.count("GRANT") == 1


def test_root_comes_from_anywhere_only_where_that_is_said() -> None:
    assert "CREATE USER 'root'" not in Wanted.read(GIVEN).statements()
    assert "CREATE USER 'root'@'%' IDENTIFIED BY 'r';" in Wanted.read({**GIVEN, "MYSQL_ROOT_HOST": ""}).statements()


def test_quotes_in_passwords_stay_characters() -> None:
    assert quoted("a'b\\c") == r"'a\'b\\c'"


def test_the_option_that_mariadb_does_not_know_is_left_out() -> None:
    given = ["--datadir=/d", "--default-authentication-plugin=mysql_native_password", "--skip-name-resolve"]

    assert server_options(given) == ["--datadir=/d", "--skip-name-resolve"]


def test_another_way_to_authenticate_is_refused() -> None:
    with pytest.raises(RefusedError, match="only mysql_native_password"):
        server_options(["--default-authentication-plugin=caching_sha2_password"])


def test_data_lies_where_the_last_option_says() -> None:
    assert data_folder(["--datadir=/a", "--datadir=/b/c"]) == Path("/b/c")
    assert data_folder([]) == Path("/var/lib/mysql")
