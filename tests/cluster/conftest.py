"""What the tests on a real control plane share."""

import pytest

from tools.cluster import ClusterTools
from tools.toolchain import ensure


def pytest_configure(config: pytest.Config) -> None:
    """Make the tier's marker known."""
    config.addinivalue_line("markers", "cluster: runs an embedded cluster of its own")


@pytest.fixture(scope="session")
def cluster_tools() -> ClusterTools:
    """The programs of an embedded cluster, built first where they are missing."""
    return ClusterTools(ensure(frozenset({"cluster"})).bin)
