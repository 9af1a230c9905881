"""What the tests of the tools share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.tools.toolchain_bench import Bench, new_bench
from tools.cluster import Cluster, ClusterTools
from tools.cluster.model import COMPONENTS


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench for the toolchain builder."""
    bench = new_bench(tmp_path)
    yield bench
    bench.let_go()


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """An embedded cluster that is not there yet."""
    return Cluster.at("demo", tmp_path)


@pytest.fixture
def tools(tmp_path: Path) -> ClusterTools:
    """Programs of an embedded cluster that do nothing."""
    folder = tmp_path / "toolchain" / "bin"
    folder.mkdir(parents=True)
    for program in (*COMPONENTS, "kubectl", "kwokctl"):
        (folder / program).symlink_to("/bin/true")
    return ClusterTools(folder)
