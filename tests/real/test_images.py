"""The stand-ins for official images, run as pods run them: unprivileged, read-only but for their volumes."""

import os
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme

from components.elasticsearch import PROGRAMS
from components.rendering import render
from tests.dataplane.sandbox import Bind, Place, World
from tests.real.images import archive
from tests.real.images.containers import Container, Unpacked
from tools.debian import root

pytestmark = pytest.mark.own_nodes("runs images without a cluster")

ELASTICSEARCH = "images.test/library/elasticsearch:7.17.29"
MYSQL = "images.test/library/mysql:8.0.43"
HOME = "/usr/share/elasticsearch"
SCRATCH = f"{HOME}/tmp"  # noqa: S108 - the container's own
PASSWORD = "Pa$\"s\\wo'rd"  # noqa: S105 - a test's
PATIENCE_SECONDS = 120.0


def until(holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    return Unpacked(archive(), tmp_path_factory.mktemp("images") / "root")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World(root()) as world:
        yield world


def volume(folder: Path, user: int, group: int) -> Path:
    """A folder that a container may write to."""
    folder.mkdir(parents=True)
    os.chown(folder, user, group)
    folder.chmod(0o770)
    return folder


@dataclass
class Node:
    """A pod of the StatefulSet of Elasticsearch."""

    unpacked: Unpacked
    place: Place
    volumes: Path
    certificates: Path
    peers: tuple[str, ...]
    process: "subprocess.Popen[str] | None" = None

    @property
    def name(self) -> str:
        return self.place.name

    def prepare(self) -> None:
        """Run the init container."""
        for name in ("config", "data", "logs", "tmp"):
            if not (self.volumes / name).exists():
                volume(self.volumes / name, 1000, 0)
        scripts = self.volumes / "scripts"
        scripts.mkdir(exist_ok=True)
        settings = render("elasticsearch.yml.j2", cluster="tracardi", seed_hosts=self.peers, allow_mmap=False)
        (scripts / "elasticsearch.yml").write_text(settings)
        for script in ("prepare.sh", "ready.sh"):
            (scripts / script).write_text((PROGRAMS / f"elasticsearch-{script}").read_text())
        config = Bind(self.volumes / "config", "/prepared", read_only=False)
        done = self.place.run("sh", "/etc/tracardi/prepare.sh", jail=self._container(config))
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start the image's own entrypoint."""
        self.process = self.place.start(*self.unpacked.entrypoint(ELASTICSEARCH), jail=self._pod())

    def ready(self) -> bool:
        """Whether the readiness probe passes."""
        done = self.place.run("sh", "/etc/tracardi/ready.sh", "ready", jail=self._pod())
        return done.returncode == 0

    def change(self, text: str) -> None:
        """Add settings after the init container."""
        with (self.volumes / "config" / "elasticsearch.yml").open("a") as file:
            file.write(f"{text}\n")

    def run(self) -> "subprocess.CompletedProcess[str]":
        """Run the entrypoint to its end, which is expected to come soon."""
        return self.place.run(*self.unpacked.entrypoint(ELASTICSEARCH), jail=self._pod())

    def _pod(self) -> Container:
        return self._container(
            Bind(self.volumes / "config", f"{HOME}/config", read_only=False),
            Bind(self.certificates, f"{HOME}/config/certs"),
            Bind(self.volumes / "logs", f"{HOME}/logs", read_only=False),
            Bind(self.volumes / "tmp", SCRATCH, read_only=False),
        )

    def _container(self, *more: Bind) -> Container:
        environment = {
            "HOSTNAME": self.name,
            "INITIAL_MASTER_NODES": "elasticsearch-0,elasticsearch-1,elasticsearch-2",
            "ES_JAVA_OPTS": "-Xms256m -Xmx256m -Xlog:disable -Xlog:all=warning:stderr:utctime,level,tags",
            "ES_TMPDIR": SCRATCH,
            "READY_STATUS": "green",
            "ELASTIC_PASSWORD": PASSWORD,
        }
        binds = (
            Bind(self.volumes / "data", "/var/lib/elasticsearch", read_only=False),
            Bind(self.volumes / "scripts", "/etc/tracardi"),
            *more,
        )
        return Container(self.unpacked.root, self.name, binds, environment, HOME, user=1000, group=0)


@dataclass
class Cluster:
    """Three nodes, and somebody else in their network."""

    nodes: tuple[Node, ...]
    neighbour: Place
    authority: trustme.CA
    certificates: Path

    def mount(self) -> None:
        """Put a new certificate in the place of the one that nodes have."""
        # The addresses of all but the last, as if it had been forgotten.
        hosts = ("localhost", *(node.place.address for node in self.nodes[:-1]))
        certificate = self.authority.issue_cert(*hosts)
        certificate.private_key_pem.write_to_path(self.certificates / "tls.key")
        certificate.cert_chain_pems[0].write_to_path(self.certificates / "tls.crt")

    def ask(
        self, number: int = 0, path: str = "/", password: str = PASSWORD, trusted: trustme.CA | None = None
    ) -> httpx.Response:
        """What a node answers to a client that verifies it."""
        context = ssl.create_default_context()
        (trusted or self.authority).configure_trust(context)
        url = f"https://{self.nodes[number].place.address}:9200{path}"
        return self.neighbour.call(httpx.get, url, verify=context, auth=("elastic", password), timeout=30)

    def serial(self) -> str:
        """Which certificate a new connection gets."""
        address = (self.nodes[0].place.address, 9200)
        return self.neighbour.call(ssl.get_server_certificate, address)


@pytest.fixture(scope="module")
def cluster(world: World, unpacked: Unpacked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("elasticsearch")
    authority, certificates = trustme.CA(), folder / "certificates"
    certificates.mkdir()
    authority.cert_pem.write_to_path(certificates / "ca.crt")
    network = world.network("elastic", "10.9.0.0/24")
    places = [world.place(f"elasticsearch-{number}", network) for number in range(3)]
    peers = tuple(place.address for place in places)
    nodes = tuple(Node(unpacked, place, folder / place.name, certificates, peers) for place in places)
    cluster = Cluster(nodes, world.place("neighbour", network), authority, certificates)
    cluster.mount()
    for file in certificates.iterdir():
        file.chmod(0o444)
    for node in nodes:
        node.prepare()
        node.start()
    until(lambda: all(node.ready() for node in nodes))
    yield cluster
    for node in nodes:
        assert node.process
        world.kill(node.process)


def test_three_nodes_form_one_cluster_with_the_programs_own_configuration(cluster: Cluster) -> None:
    health = cluster.ask(path="/_cluster/health").json()

    assert (health["cluster_name"], health["number_of_nodes"], health["status"]) == ("tracardi", 3, "green")
    assert {each["name"] for each in cluster.ask(path="/_cat/nodes?format=json").json()} == {
        node.name for node in cluster.nodes
    }
    assert all((node.volumes / "data" / "formed").exists() for node in cluster.nodes)


def test_a_document_is_found_on_every_node(cluster: Cluster) -> None:
    context = ssl.create_default_context()
    cluster.authority.configure_trust(context)
    url = f"https://{cluster.nodes[0].place.address}:9200/events/_doc/1?refresh=true"
    stored = cluster.neighbour.call(
        httpx.put, url, json={"name": "seen"}, verify=context, auth=("elastic", PASSWORD), timeout=30
    )

    assert stored.status_code == 201
    assert cluster.ask(1, "/events/_doc/1").json()["_source"] == {"name": "seen"}


def test_another_password_is_refused(cluster: Cluster) -> None:
    answer = cluster.ask(password=PASSWORD[:-1])

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert answer.json()["error"]["type"] == "security_exception"


def test_a_client_that_trusts_another_authority_gets_nothing(cluster: Cluster) -> None:
    with pytest.raises(httpx.ConnectError, match="unable to get local issuer certificate"):
        cluster.ask(trusted=trustme.CA())


def test_a_client_that_knows_the_node_by_another_name_gets_nothing(cluster: Cluster) -> None:
    with pytest.raises(httpx.ConnectError, match="IP address mismatch"):
        cluster.ask(2)


def test_nothing_answers_in_plain_text(cluster: Cluster) -> None:
    address = cluster.nodes[0].place.address

    with pytest.raises(httpx.ConnectError, match="refused"):
        cluster.neighbour.call(httpx.get, f"http://{address}:9201/")
    with pytest.raises(httpx.RemoteProtocolError):
        cluster.neighbour.call(httpx.get, f"http://{address}:9200/")


def test_a_renewed_certificate_is_taken_up_while_the_node_runs(cluster: Cluster) -> None:
    before = cluster.serial()

    for file in cluster.certificates.iterdir():
        file.chmod(0o644)
    cluster.mount()

    until(lambda: cluster.serial() != before, seconds=20)
    assert cluster.ask().status_code == 200


def test_a_setting_that_nobody_knows_ends_the_node(cluster: Cluster, tmp_path: Path, world: World) -> None:
    node = alone(cluster, tmp_path, world, "misspelt")
    node.change("indices.fielddata.cash.size: 1%")

    ended = node.run()

    assert ended.returncode == 1
    assert "unknown setting [indices.fielddata.cash.size]" in ended.stderr


def test_a_node_without_its_key_says_so(cluster: Cluster, tmp_path: Path, world: World) -> None:
    node = alone(cluster, tmp_path, world, "keyless")
    node.certificates = tmp_path / "certificates"
    node.certificates.mkdir()
    for name in ("ca.crt", "tls.crt"):
        (node.certificates / name).write_bytes((cluster.certificates / name).read_bytes())

    ended = node.run()

    assert ended.returncode == 1
    assert f"{HOME}/config/certs/tls.key is missing or cannot be read" in ended.stderr


def alone(cluster: Cluster, folder: Path, world: World, name: str) -> Node:
    """A node in a network of its own, prepared."""
    place = world.place(name, world.network(name[:8], f"10.{len(name) + 10}.0.0/24"))
    node = Node(cluster.nodes[0].unpacked, place, folder / "volumes", cluster.certificates, (place.address,))
    node.prepare()
    return node


@dataclass
class Database:
    """A pod of the StatefulSet of MySQL."""

    unpacked: Unpacked
    place: Place
    volumes: Path
    process: "subprocess.Popen[str] | None" = None

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

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
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
