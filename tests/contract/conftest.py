"""What the tests of the contract server share: the stores, started once, and servers that use them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.contract.api import TOKEN, Api
from tests.contract.cluster import HOST, MYSQL_PASSWORD, MYSQL_USER, REDIS_PASSWORD, Cluster, Process
from tests.contract.front import Front, fronted
from tests.dataplane.sandbox import World
from tools.debian import root

_FAST = {
    "START_CPU_SECONDS": "0",
    "COST_KNOWN_MS": "0",
    "COST_NEW_MS": "0",
    "PAUSE_SCALE": "0.01",
    "ELASTIC_INDEX_SHARDS": "1",
}


Variables = Mapping[str, str | None]


class Starts(Protocol):
    """Starts a server; `environment` is added to what reaches the stores, and None in it takes a variable away.

    `container` says as which `user` it runs, and what is mounted into it (`binds`).
    """

    def __call__(
        self,
        tenant: str,
        environment: Variables | None = None,
        *,
        ready: bool = True,
        **container: Any,  # noqa: ANN401 - what Cluster.server takes
    ) -> Api: ...


@dataclass(frozen=True)
class Stores:
    """The processes in which everything is kept."""

    elasticsearch: Process
    redis: Process
    redis_port: int


@dataclass(frozen=True)
class System:
    """One installation."""

    private: Api
    public: Api
    pinned: Api
    """A private process with PRODUCTION=yes."""


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A network, empty."""
    with World(root()) as world:
        yield Cluster(world, root("images"), tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="session")
def stores(cluster: Cluster) -> Stores:
    """Elasticsearch and Redis, ready."""
    port = cluster.port()
    return Stores(cluster.elasticsearch(), cluster.redis(port), port)


@pytest.fixture(scope="session")
def front(cluster: Cluster, stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A way to Elasticsearch as one that others run has it."""
    assert stores.elasticsearch.popen.poll() is None
    with fronted(cluster, tmp_path_factory.mktemp("front")) as front:
        yield front


@pytest.fixture(scope="session")
def mysql(cluster: Cluster) -> Process:
    """MariaDB in MySQL's place, ready."""
    return cluster.mysql()


@pytest.fixture(scope="session")
def unconnected(cluster: Cluster) -> Starts:
    """Starts servers that are told of no store."""

    def start(tenant: str, environment: Variables | None = None, *, ready: bool = True, **container: Any) -> Api:  # noqa: ANN401 - as above
        given = {"TENANT_NAME": tenant, "INSTALLATION_TOKEN": TOKEN, **_FAST, **(environment or {})}
        variables = {name: value for name, value in given.items() if value is not None}
        port = cluster.port()
        api = Api(cluster, cluster.server(tenant, variables, port, **container), port, variables)
        if ready:
            api.wait_until_ready()
        return api

    return start


@pytest.fixture(scope="session")
def starts(unconnected: Starts, stores: Stores) -> Starts:
    """Starts servers of release 0.8.2.1."""

    def start(tenant: str, environment: Variables | None = None, *, ready: bool = True, **container: Any) -> Api:  # noqa: ANN401 - as above
        reached: dict[str, str | None] = {
            "ELASTIC_HOST": f"http://{HOST}:9200",
            "REDIS_HOST": HOST,
            "REDIS_PORT": str(stores.redis_port),
            "REDIS_PASSWORD": REDIS_PASSWORD,
        }
        return unconnected(tenant, {**reached, **(environment or {})}, ready=ready, **container)

    return start


@pytest.fixture(scope="session")
def starts_new(starts: Starts, mysql: Process) -> Starts:
    """Starts servers of a release from 0.9 on."""
    assert mysql.popen.poll() is None

    def start(tenant: str, environment: Variables | None = None, *, ready: bool = True, **container: Any) -> Api:  # noqa: ANN401 - as above
        reached: dict[str, str | None] = {
            "MYSQL_HOST": HOST,
            "MYSQL_USERNAME": MYSQL_USER,
            "MYSQL_PASSWORD": MYSQL_PASSWORD,
            "ELASTIC_VERIFY_CERTS": "yes",
        }
        return starts(tenant, {**reached, **(environment or {})}, ready=ready, **container)

    return start


@pytest.fixture(scope="session")
def system(starts: Starts) -> System:
    """An installation of 0.8.2.1 that many tests read, and none breaks; each writes under names of its own."""
    private = starts("main", {"EXPOSE_GUI_API": "yes", "PRODUCTION": "no"})
    assert private.install().status == 200
    return System(
        private=private,
        public=starts("main", {"EXPOSE_GUI_API": "no", "PRODUCTION": "yes", "API_DOCS": "no"}),
        pinned=starts("main", {"EXPOSE_GUI_API": "yes", "PRODUCTION": "yes"}),
    )


@pytest.fixture
def bare(starts: Starts, request: pytest.FixtureRequest) -> Api:
    """A private process of an installation of the test's own, with nothing installed."""
    return starts("t" + str(abs(hash(request.node.nodeid)) % 10**8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """For files of the test."""
    return tmp_path
