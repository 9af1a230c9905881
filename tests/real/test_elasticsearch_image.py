"""The stand-in for Elasticsearch's image: a real cluster behind TLS and a password, run as the StatefulSet runs it."""

import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme

from components.elasticsearch import PROGRAMS
from components.rendering import render
from tests.dataplane.sandbox import Bind, Place, World
from tests.real.images import archive
from tests.real.images.containers import Container, Unpacked, until, volume
from tools.debian import root

pytestmark = pytest.mark.own_nodes("runs images without a cluster")

ELASTICSEARCH = "images.test/library/elasticsearch:7.17.29"
HOME = "/usr/share/elasticsearch"
SCRATCH = f"{HOME}/tmp"  # noqa: S108 - the container's own
PASSWORD = "Pa$\"s\\wo'rd"  # noqa: S105 - a test's


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    return Unpacked(archive(), tmp_path_factory.mktemp("images") / "root")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World(root()) as world:
        yield world


@dataclass
class Node:
    """A pod of the StatefulSet of Elasticsearch."""

    unpacked: Unpacked
    place: Place
    volumes: Path
    certificates: Path
    peers: tuple[str, ...]
    process: subprocess.Popen[str] | None = None

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

    def run(self) -> subprocess.CompletedProcess[str]:
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
    node = alone(cluster, tmp_path, world.place("misspelt", world.network("first", "10.21.0.0/24")))
    node.change("indices.fielddata.cash.size: 1%")

    ended = node.run()

    assert ended.returncode == 1
    assert "unknown setting [indices.fielddata.cash.size]" in ended.stderr


def test_a_node_without_its_key_says_so(cluster: Cluster, tmp_path: Path, world: World) -> None:
    node = alone(cluster, tmp_path, world.place("keyless", world.network("second", "10.22.0.0/24")))
    node.certificates = tmp_path / "certificates"
    node.certificates.mkdir()
    for name in ("ca.crt", "tls.crt"):
        (node.certificates / name).write_bytes((cluster.certificates / name).read_bytes())

    ended = node.run()

    assert ended.returncode == 1
    assert f"{HOME}/config/certs/tls.key is missing or cannot be read" in ended.stderr


def alone(cluster: Cluster, folder: Path, place: Place) -> Node:
    """A node that knows no other, prepared."""
    node = Node(cluster.nodes[0].unpacked, place, folder / "volumes", cluster.certificates, (place.address,))
    node.prepare()
    return node
