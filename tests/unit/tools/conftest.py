"""What the tests of the tools share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.tools.toolchain_bench import Bench, new_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench for the toolchain builder."""
    bench = new_bench(tmp_path)
    yield bench
    bench.let_go()
