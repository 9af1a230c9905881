"""The stand-ins for official images, run as pods run them: unprivileged, read-only but for their volumes."""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.dataplane.sandbox import Bind, Place, World
from tests.real.images import archive
from tests.real.images.containers import Container, Unpacked, until, volume
from tools.debian import root

pytestmark = pytest.mark.own_nodes("runs images without a cluster")

MYSQL = "images.test/library/mysql:8.0.43"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    return Unpacked(archive(), tmp_path_factory.mktemp("images") / "root")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World(root()) as world:
        yield world


@pytest.mark.parametrize(
    "command",
    [
        ("haproxy", "-v"),
        ("nginx", "-v"),
        ("redis-server", "--version"),
        ("redis-cli", "--version"),
        ("mysqladmin", "--version"),
        ("python3", "-c", "import ssl, uvicorn, starlette.applications, httpx, redis, pymysql; import app"),
        # What the program's shell scripts use.
        (
            "sh",
            "-c",
            "find -L /etc -maxdepth 0 -exec sha256sum /dev/null {} + | sort; touch /tmp/a; curl -V; sed p /tmp/a",
        ),
    ],
    ids=" ".join,
)
def test_what_pods_call_is_there_and_runs_as_nobody(world: World, unpacked: Unpacked, command: tuple[str, ...]) -> None:
    binds = (Bind(unpacked.root / "app", "/app"),)
    container = Container(unpacked.root, "pod", binds, folder="/app", user=65532, group=65532, writable_tmp=True)

    done = world.router.run(*command, jail=container)

    assert done.returncode == 0, done.stderr


@dataclass
class Database:
    """A pod of the StatefulSet of MySQL."""

    unpacked: Unpacked
    place: Place
    volumes: Path
    process: subprocess.Popen[str] | None = None

    def start(self, environment: Mapping[str, str]) -> None:
        arguments = (
            "--datadir=/var/lib/mysql/data",
            "--default-authentication-plugin=mysql_native_password",
            "--character-set-server=utf8mb4",
            "--skip-name-resolve",
        )
        command = (*self.unpacked.entrypoint(MYSQL), *arguments)
        self.process = self.place.start(*command, jail=self._container(environment))
        until(lambda: self._ended() or self.run("mysqladmin", "ping", "--host=127.0.0.1", "--silent").returncode == 0)
        assert not self._ended(), "the server has ended; its output says why"

    def _ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def stop(self) -> int:
        assert self.process
        self.place.world.signal(self.process, 15)
        return self.process.wait(30)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return self.place.run(*command, jail=self._container({}))

    def query(self, user: str, password: str, statement: str, *options: str) -> str:
        """What a client gets, or what it is told."""
        done = self.run("mysql", f"--user={user}", f"--password={password}", "--batch", *options, "-e", statement)
        return done.stdout + done.stderr

    def _container(self, environment: Mapping[str, str]) -> Container:
        binds = (
            Bind(self.volumes / "data", "/var/lib/mysql", read_only=False),
            Bind(self.volumes / "run", "/var/run/mysqld", read_only=False),
            Bind(self.volumes / "tmp", "/tmp", read_only=False),  # noqa: S108 - the container's own
            Bind(self.volumes / "secrets", "/run/secrets/mysql"),
        )
        return Container(self.unpacked.root, "mysql-0", binds, environment, user=999, group=999)


@pytest.fixture
def database(world: World, unpacked: Unpacked, tmp_path: Path) -> Iterator[Database]:
    for name in ("data", "run", "tmp"):
        volume(tmp_path / name, 999, 999)
    # A fresh file system is not empty.
    (tmp_path / "data" / "lost+found").mkdir()
    (tmp_path / "secrets").mkdir()
    for name, text in (("user", "user's"), ("root", "root's")):
        (tmp_path / "secrets" / name).write_text(text)
    database = Database(unpacked, world.place("mysql", world.network("mysql", "10.8.0.0/24")), tmp_path)
    yield database
    if database.process:
        world.kill(database.process)


def test_mysql_is_set_up_once_and_keeps_its_data_and_passwords(database: Database) -> None:
    socket = "--socket=/var/run/mysqld/mysqld.sock"
    variables = {
        "MYSQL_DATABASE": "tracardi",
        "MYSQL_USER": "tracardi",
        "MYSQL_PASSWORD_FILE": "/run/secrets/mysql/user",
        "MYSQL_ROOT_PASSWORD_FILE": "/run/secrets/mysql/root",
        "MYSQL_ROOT_HOST": "localhost",
    }
    database.start(variables)

    over_tcp = ("--host=127.0.0.1", "tracardi")
    assert database.query("tracardi", "user's", "CREATE TABLE t (a INT)", *over_tcp) == ""
    assert "denied" in database.query("tracardi", "wrong", "SELECT 1", *over_tcp)
    assert "denied" in database.query("tracardi", "user's", "SELECT * FROM mysql.global_priv", *over_tcp)
    assert "denied" in database.query("root", "root's", "SELECT 1", *over_tcp)
    users = database.query("root", "root's", "SELECT user, host FROM mysql.user ORDER BY 1", socket)
    assert users.splitlines()[1:] == ["mariadb.sys\tlocalhost", "root\tlocalhost", "tracardi\t%"]
    assert "tracardi\tutf8mb4" in database.query(
        "root", "root's", "SELECT schema_name, default_character_set_name FROM information_schema.schemata", socket
    )

    assert database.stop() == 0
    (database.volumes / "secrets" / "user").write_text("another")
    database.start(variables)
    assert database.query("tracardi", "user's", "SHOW TABLES", *over_tcp).split() == ["Tables_in_tracardi", "t"]


def test_mysqladmin_asks_for_tls_in_the_words_of_mysql(world: World, unpacked: Unpacked) -> None:
    container = Container(unpacked.root, "mysql-0", user=999, group=999)

    asked = world.router.run("mysqladmin", "ping", "--ssl-mode=REQUIRED", "--host=127.0.0.1", jail=container)
    unknown = world.router.run("mysqladmin", "ping", "--ssl-mode=VERIFY_CA", jail=container)

    assert "Can't connect to server on '127.0.0.1'" in asked.stderr
    assert "--ssl-mode=VERIFY_CA is not known here" in unknown.stderr
