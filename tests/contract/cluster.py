"""A network of the tests' own, in which the stores and the contract server run as processes."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import httpx
import pymysql
import redis
import uvicorn

from tests.contract import FOLDER
from tests.dataplane.sandbox import Bind, Jail, Place, World
from tests.real.images.elasticsearch import elasticsearch_command

if TYPE_CHECKING:
    import subprocess

HOST = "127.0.0.1"
REDIS_PASSWORD, MYSQL_PASSWORD = "redis-password-of-tests", "mysql-password-of-tests"
MYSQL_USER = "tracardi"
_ELASTICSEARCH_PORT, _TRANSPORT_PORT, _MYSQL_PORT = 9200, 9300, 3306
_START_SECONDS = 60
_T = TypeVar("_T")


@dataclass(frozen=True)
class ImageJail(Jail):
    """A jail in the packages of the images; the program that makes it is not among them."""

    programs: Path = field(default_factory=Path)

    def program(self, path: str) -> list[str]:
        """What runs a program of Debian's outside any jail."""
        return Jail(self.programs, self.host_name).program(path)


@dataclass(frozen=True)
class Unconfined(Jail):
    """No jail: for programs that need folders of the machine."""

    def command(self, command: tuple[str, ...]) -> list[str]:
        """The command itself."""
        return list(command)


@dataclass(frozen=True)
class Process:
    """A started program."""

    world: World
    popen: "subprocess.Popen[str]"
    log: Path
    jailed: bool = True

    @property
    def pid(self) -> int:
        """The machine's number of the program itself."""
        return self.world.pid(self.popen) if self.jailed else _child(self.popen.pid)

    def signal(self, number: int) -> None:
        """To the program itself."""
        os.kill(self.pid, number)

    def freeze(self) -> None:
        """Leave its sockets open, and answer nothing."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on where it was frozen."""
        self.signal(signal.SIGCONT)
        # What entered the namespaces for it stops itself when it sees its child stop.
        self.popen.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        self.signal(signal.SIGKILL)
        self.popen.wait()


class Cluster:
    """Where everything runs: one address, and a port for each."""

    def __init__(self, world: World, images: Path, folder: Path) -> None:
        self._world = world
        self._images = images
        self._folder = folder
        self._packages = Path(uvicorn.__file__).parents[1]
        self._ports = iter(range(7000, 8000))
        self.place: Place = world.place("cluster", world.network("net", "10.0.0.0/24"))

    def port(self) -> int:
        """One at which nothing listens yet."""
        return next(self._ports)

    def call(self, function: Callable[[], _T]) -> _T:
        """What it returns, run where the servers are."""
        return self.place.call(function)

    def redis(self, port: int) -> Process:
        """A Redis that keeps nothing, ready."""
        process = self._start("redis", "redis-server", f"--port {port}", "--save", f"--requirepass {REDIS_PASSWORD}")
        client = redis.Redis(HOST, port, password=REDIS_PASSWORD)
        self._await(process, client.ping)
        return process

    def mysql(self) -> Process:
        """A MariaDB with an account that may make its database, ready."""
        data, jail = self._folder / "mysql", self._jail
        data.mkdir()
        (data / "account.sql").write_text(
            f"CREATE USER {MYSQL_USER}@'%' IDENTIFIED BY '{MYSQL_PASSWORD}';\n"
            f"GRANT ALL ON `tracardi%`.* TO {MYSQL_USER}@'%';\n"
        )
        inside = jail("mysql", Bind(data, "/data", read_only=False))
        # Without names, nobody is the anonymous user of localhost.
        options = ("--no-defaults", "--user=root", "--datadir=/data/files", "--skip-name-resolve")
        made = self.place.run("mariadb-install-db", *options, "--skip-test-db", "--force", jail=inside)
        assert made.returncode == 0, made.stdout + made.stderr
        process = self._start(
            "mariadbd", "/usr/sbin/mariadbd", *options, f"--bind-address={HOST}", "--socket=/tmp/mysql.sock",
            "--init-file=/data/account.sql", jail=inside,
        )  # fmt: skip
        self._await(process, self._mysql_answers)
        return process

    def elasticsearch(self) -> Process:
        """A node, ready."""
        command = elasticsearch_command(
            self._folder / "elasticsearch", port=_ELASTICSEARCH_PORT, transport=_TRANSPORT_PORT
        )
        process = self._start("elasticsearch", *command, jail=Unconfined(self._images, ""))
        self._await(process, lambda: httpx.get(f"http://{HOST}:{_ELASTICSEARCH_PORT}/").raise_for_status())
        return process

    def start(self, name: str, *command: str, binds: tuple[Bind, ...] = ()) -> Process:
        """A program of the images."""
        return self._start(name, *command, jail=self._jail(name, *binds))

    def server(
        self, name: str, environment: Mapping[str, str], port: int, user: int = 0, binds: tuple[Bind, ...] = ()
    ) -> Process:
        """The contract server as a pod's only container starts it, on its way to be ready."""
        jail = self._application(name, environment, user, binds)
        options = (f"--host={HOST}", f"--port={port}", "--workers=1", "--proxy-headers", "--forwarded-allow-ips=*")
        keep_alive = ("--timeout-keep-alive=600", "--log-level=warning")
        return self._start(name, "python3", "-m", "uvicorn", "app.main:application", *options, *keep_alive, jail=jail)

    def apm(self, name: str, environment: Mapping[str, str]) -> Process:
        """Tracardi's APM, as a pod's only container starts it."""
        return self._start(name, "python3", "-m", "app.apm", jail=self._application(name, environment))

    def _application(
        self, name: str, environment: Mapping[str, str], user: int = 0, binds: tuple[Bind, ...] = ()
    ) -> Jail:
        return self._with_tools(
            Jail(
                self._images,
                name,
                (Bind(FOLDER / "app", "/app/app"), Bind(self._packages, "/packages"), *binds),
                {"PYTHONPATH": "/packages", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", **environment},
                folder="/app",
                user=user,
                group=user,
            )
        )

    def _mysql_answers(self) -> None:
        pymysql.connect(host=HOST, port=_MYSQL_PORT, user=MYSQL_USER, password=MYSQL_PASSWORD).close()

    def _jail(self, name: str, *binds: Bind) -> Jail:
        return self._with_tools(Jail(self._images, name, binds, {"HOME": "/tmp"}, writable_tmp=True))  # noqa: S108 - the jail's own

    def _with_tools(self, jail: Jail) -> Jail:
        return ImageJail(**vars(jail), programs=self._world.debian)

    def _start(self, name: str, *command: str, jail: Jail | None = None) -> Process:
        log = self._folder / f"{name}-{time.monotonic_ns()}.log"
        inside = jail or self._jail(name)
        with log.open("w") as output:
            popen = self.place.start(*command, jail=inside, output=output.fileno())
        return Process(self._world, popen, log, jailed=not isinstance(inside, Unconfined))

    def _await(self, process: Process, ask: Callable[[], object]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.call(ask)
            except (redis.RedisError, pymysql.MySQLError, httpx.HTTPError) as error:
                if process.popen.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(process.log.read_text()) from error
                time.sleep(0.05)
            else:
                return


def _child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()[0])
