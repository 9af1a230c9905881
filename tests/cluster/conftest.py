"""What the tests on a real control plane share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.nodes import CONTROL_PLANE, Nodes, let_pods_take_time_to_end
from tests.cluster.stacks import Deployment
from tests.unit.stacks import stack_file
from tools.cluster import Cluster, ClusterTools, down, up
from tools.toolchain import ensure


def pytest_configure(config: pytest.Config) -> None:
    """Make the tier's marker known."""
    config.addinivalue_line("markers", "cluster: runs an embedded cluster of its own")


@pytest.fixture(scope="session")
def cluster_tools() -> ClusterTools:
    """The programs of an embedded cluster, built first where they are missing."""
    return ClusterTools(ensure(frozenset({"cluster"})).bin)


@pytest.fixture(scope="module")
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, cluster_tools: ClusterTools
) -> Iterator[Cluster]:
    """An embedded cluster of the module's own."""
    name = str(request.module.__name__).rpartition(".test_")[2].replace("_", "-")
    work = tmp_path_factory.mktemp(name)
    try:
        yield up(name, cluster_tools, work=work)
    finally:
        down(name, work=work)


@pytest.fixture
def deployment(cluster: Cluster, tmp_path: Path) -> Iterator[Deployment]:
    """A stack on the module's cluster, yet to be configured."""
    deployed = Deployment(cluster, tmp_path / "stack")
    yield deployed
    deployed.stack.destroy()


@pytest.fixture(scope="session")
def shared_production(tmp_path_factory: pytest.TempPathFactory, cluster_tools: ClusterTools) -> Iterator[Deployment]:
    """The production stack on a cluster of its own, beside whose workers there is a tainted control-plane node."""
    work = tmp_path_factory.mktemp("production")
    try:
        deployed = Deployment(up("production", cluster_tools, work=work), work / "stack")
        Nodes(deployed.client).add("control-plane", CONTROL_PLANE)
        let_pods_take_time_to_end(deployed.client)
        deployed.configure(stack_file("prod"))
        deployed.stack.up()
        yield deployed
    finally:
        down("production", work=work)


@pytest.fixture
def production(shared_production: Deployment) -> Deployment:
    """The production stack, one for all tests, complete. A test may leave it changed, but whole."""
    shared_production.settle()
    return shared_production


@pytest.fixture
def nodes(production: Deployment) -> Iterator[Nodes]:
    """The nodes under the production stack; what a test does to them is undone."""
    found = Nodes(production.client)
    yield found
    found.restore()
