"""What the preflight program finds about MySQL."""

from pathlib import Path

import pymysql
import pytest
import trustme

from .stores.job import PASSWORD, USER, Job, Outcome
from .stores.listening import HOST, ends, free_port, listening, served
from .stores.mysql import CACHING, Mysql

PATH = "tracardi:data.mysql"
GRANT = "GRANT ALL PRIVILEGES ON `tracardi`.* TO 'cdp'@'%'."


@pytest.fixture
def mysql() -> Mysql:
    return Mysql(USER, PASSWORD)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def checked(job: Job, mysql: Mysql, **changed: str) -> Outcome:
    with listening(mysql.talk) as port:
        job.store("mysql", port)
        return job.run(**changed)


def test_the_stand_in_is_a_mysql_to_tracardi_s_own_driver(mysql: Mysql) -> None:
    with listening(mysql.talk) as port:
        client = pymysql.connect(host=HOST, port=port, user=USER, password=PASSWORD, autocommit=None)
        with client, client.cursor() as cursor:
            cursor.execute("SELECT VERSION(), @@global.read_only")
            assert cursor.fetchone() == ("8.0.43", "0")


def test_a_mysql_that_is_as_it_should_be_keeps_its_database_and_nothing_else(job: Job, mysql: Mysql) -> None:
    outcome = checked(job, mysql)

    assert (outcome.status, outcome.said) == (0, "mysql: as it should be\n")
    assert mysql.statements[1] == "CREATE DATABASE IF NOT EXISTS `tracardi`"
    assert [" ".join(statement.split()[:2]) for statement in mysql.statements[2:]] == [
        "CREATE TABLE",
        "CREATE INDEX",
        "ALTER TABLE",
        "INSERT INTO",
        "SELECT id",
        f"UPDATE {mysql.statements[2].split()[2]}",
        "DELETE FROM",
        "DROP TABLE",
    ]
    assert mysql.tables == set()


def test_another_password_is_told_with_the_setting_that_holds_it(job: Job, mysql: Mysql) -> None:
    mysql.password = PASSWORD[::-1]

    found = checked(job, mysql).only
    assert found.startswith("tracardi:credentials.mysql: logging in to MySQL at 127.0.0.1:")
    assert "1045, Access denied for user 'cdp'" in found


def test_a_way_of_logging_in_that_tracardi_does_not_know_is_told(job: Job, mysql: Mysql) -> None:
    mysql.plugin = CACHING

    found = checked(job, mysql).only
    assert found.startswith(f"{PATH}.external.username: ")
    assert "it wants caching_sha2_password" in found
    assert "IDENTIFIED WITH mysql_native_password" in found


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("5.7.44", "5.7.44; Tracardi 1.0.0 works with 8.0 or newer, older than 9 (known best: 8.0)"),
        ("9.1.0", "9.1.0; Tracardi"),
        ("11.4.2-MariaDB-log", "nobody knows Tracardi on MariaDB"),
    ],
)
def test_versions_are_judged(job: Job, mysql: Mysql, version: str, said: str) -> None:
    mysql.version = version

    assert said in checked(job, mysql).only


@pytest.mark.parametrize("version", ["8.0.43", "8.4.6", "8.0.36-28.1", "8.0.mysql_aurora.3.08.0"])
def test_versions_of_the_range_are_accepted_whoever_built_them(job: Job, mysql: Mysql, version: str) -> None:
    mysql.version = version

    assert checked(job, mysql).status == 0


@pytest.mark.parametrize("statement", ["CREATE DATABASE", "CREATE TABLE", "CREATE INDEX", "DELETE FROM"])
def test_a_right_that_is_missing_is_told_with_the_grant(job: Job, mysql: Mysql, statement: str) -> None:
    mysql.refuses[statement] = (1044, f"Access denied for user '{USER}'@'%' to database 'tracardi'")

    found = checked(job, mysql).only
    assert found.startswith(f"{PATH}.external.username: {statement} in tracardi, MySQL at 127.0.0.1:")
    assert found.endswith(GRANT)


def test_every_right_that_is_missing_is_told(job: Job, mysql: Mysql) -> None:
    mysql.refuses = {"ALTER": (1142, "ALTER command denied"), "DROP": (1142, "DROP command denied")}

    assert len(checked(job, mysql).found) == 2


def test_a_replica_is_told_and_nothing_tried(job: Job, mysql: Mysql) -> None:
    mysql.read_only = "1"

    assert "name the primary" in checked(job, mysql).only.lower()
    assert len(mysql.statements) == 1


@pytest.mark.parametrize(
    ("refusal", "setting"),
    [
        ((1130, "Host '10.0.0.1' is not allowed to connect to this MySQL server"), f"{PATH}.external.host"),
        ((1040, "Too many connections"), f"{PATH}.external.host"),
    ],
)
def test_a_refusal_before_the_login_is_told(job: Job, mysql: Mysql, refusal: tuple[int, str], setting: str) -> None:
    mysql.greets_with = [refusal] * 9

    assert checked(job, mysql).only.startswith(f"{setting}: talking to MySQL at ")


def test_a_mysql_that_has_no_room_is_waited_for(job: Job, mysql: Mysql) -> None:
    mysql.greets_with = [(1040, "Too many connections")] * 2

    assert checked(job, mysql, PREFLIGHT_PATIENCE_SECONDS="5").status == 0


def test_a_mysql_that_insists_on_tls_is_told(job: Job, mysql: Mysql) -> None:
    mysql.insists_on_tls = True

    assert checked(job, mysql).only.startswith(f"{PATH}.tunnel: ")


@pytest.mark.parametrize(
    "words", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"-ERR unknown command\r\n", b"\x01\0\0\0\x0a", b"\0\0\0\0"]
)
def test_what_speaks_another_protocol_is_told(job: Job, words: bytes) -> None:
    with listening(lambda connection: connection.sendall(words)) as port:
        job.store("mysql", port)
        assert job.run().only.startswith(f"{PATH}.external.host: talking to MySQL at 127.0.0.1:{port}: ")


# Through a tunnel


def tunnelled(job: Job, mysql: Mysql, authority: trustme.CA, near: Mysql | None = None) -> Outcome:
    """`mysql` with TLS in its own way, and a tunnel to it, which here is another port of it, or `near`."""
    path = job.folder / "mysql-ca.crt"
    authority.cert_pem.write_to_path(str(path))
    with listening(mysql.talk) as far, listening((near or Mysql(USER, PASSWORD)).talk) as port:
        job.store("mysql", port, tunnel={"host": HOST, "port": far, "authority": str(path)})
        return job.run()


def test_the_far_end_and_the_tunnel_are_both_used(job: Job, mysql: Mysql) -> None:
    authority, near = trustme.CA(), Mysql(USER, PASSWORD)
    mysql.tls, mysql.insists_on_tls = served(authority.issue_cert(HOST)), True

    assert tunnelled(job, mysql, authority, near).status == 0
    assert mysql.statements == []
    assert near.statements


def test_why_a_tunnel_does_not_get_through_is_told(job: Job, mysql: Mysql) -> None:
    mysql.tls = served(trustme.CA().issue_cert(HOST))

    assert tunnelled(job, mysql, trustme.CA()).only.startswith(f"{PATH}.external.certificateAuthority: TLS with ")


def test_a_mysql_without_tls_behind_a_tunnel_is_told(job: Job, mysql: Mysql) -> None:
    assert tunnelled(job, mysql, trustme.CA()).only.startswith(f"{PATH}.tunnel: TLS with 127.0.0.1:")


def test_what_the_far_end_says_of_the_login_is_told(job: Job, mysql: Mysql) -> None:
    authority = trustme.CA()
    mysql.tls, mysql.password = served(authority.issue_cert(HOST)), PASSWORD[::-1]

    assert tunnelled(job, mysql, authority).only.startswith("tracardi:credentials.mysql: ")


@pytest.mark.parametrize("listens", [True, False])
def test_a_tunnel_that_is_not_there_is_told(job: Job, mysql: Mysql, *, listens: bool) -> None:
    authority = trustme.CA()
    mysql.tls = served(authority.issue_cert(HOST))
    path = job.folder / "mysql-ca.crt"
    authority.cert_pem.write_to_path(str(path))
    with listening(mysql.talk) as far, listening(ends) as near:
        tunnel = {"host": HOST, "port": far, "authority": str(path)}
        job.store("mysql", near if listens else free_port(), tunnel=tunnel)
        assert "the tunnel" in job.run().only
