"""Where the tests of this tier run: on a cluster of their own, or on one that is named (`--context`)."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]  # it comes without types
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # as above

from tests.real.images import archive
from tests.real.site import Installation, Machine
from tests.real.site import settings as stacks
from tests.real.site.named import NamedMachine, adopt
from tools.cluster import ClusterTools, down, up
from tools.nodes.operations import import_images
from tools.tiers.records import REMEDY
from tools.toolchain import ensure

_CONTEXT = "--context"
_KEEP = "--keep"
_OWN_NODES = "own_nodes"
_NODES = 4
"""One more than a cluster has instances: updates then find room for new ones, wherever a drain has moved the others."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that `make test-real KUBE_CONTEXT=name` gives."""
    parser.addoption(
        _CONTEXT, default=None, help="context of the kubeconfig to run on, with the images of the catalogue"
    )
    parser.addoption(_KEEP, type=Path, default=None, help="folder whose cluster and installation stay for the next run")


def pytest_configure(config: pytest.Config) -> None:
    """Make the tier's marker known. Raises pytest.UsageError for processes that would share one kept cluster."""
    if config.getoption(_KEEP, default=None) and config.getoption("numprocesses", default=None):
        raise pytest.UsageError(f"{_KEEP} is for one process, without --numprocesses")
    config.addinivalue_line(
        "markers", f"{_OWN_NODES}(what): needs nodes or networks of the tests' own; skipped on a cluster that is named"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip on a named cluster what only a cluster of the tests' own allows."""
    name = _named(config)
    # Development's stack comes and goes before production's comes, which stays. In a process beside the one that has
    # production, it is the last, because its nodes stay as well.
    alone = not hasattr(config, "workerinput")
    items.sort(key=lambda item: (_uses(item, "development") != alone, not _uses(item, "production")))
    for item in items:
        if name and (mark := item.get_closest_marker(_OWN_NODES)):
            why = f"{mark.args[0]}: on the tests' own nodes only, not on {name}."
            item.add_marker(pytest.mark.skip(reason=f"{why}{REMEDY}make test-real"))


class _ByFolder(LoadScopeScheduling):  # type: ignore[misc]  # without types, as above
    """Gives a process all tests of a folder: those at production's stack share it, and the others need none of it."""

    def _split_scope(self, nodeid: str) -> str:
        return str(PurePosixPath(nodeid.partition("::")[0]).parent)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """How tests are given to processes, where there are several."""
    return _ByFolder(config, log)


@pytest.fixture(scope="session")
def context(pytestconfig: pytest.Config) -> str | None:
    """Name of the context to run on; None means a cluster of the tests' own."""
    return _named(pytestconfig)


@pytest.fixture(scope="session")
def work(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the cluster and of the state of its stacks."""
    kept: Path | None = pytestconfig.getoption(_KEEP)
    if kept is None:
        return tmp_path_factory.mktemp("real")
    kept.mkdir(parents=True, exist_ok=True)
    return kept.resolve()


@pytest.fixture(scope="session")
def machine(pytestconfig: pytest.Config, work: Path, context: str | None) -> Iterator[Machine]:
    """Real nodes with every image, two networks outside, and nothing deployed; or the cluster that was named."""
    if context:
        yield NamedMachine(adopt(context, work))
        return
    tools = ClusterTools(ensure(frozenset({"cluster", "nodes"})).bin)
    try:
        cluster = up("real", tools, real=True, count=_NODES, work=work)
        import_images(cluster, archive())
        yield Machine(cluster)
    finally:
        if not pytestconfig.getoption(_KEEP):
            down("real", work=work)


@pytest.fixture(scope="session")
def shared_production(machine: Machine, work: Path, context: str | None) -> Iterator[Installation]:
    """Production's stack, deployed once for all tests; it goes with the cluster, where that is the tests' own."""
    installation = Installation(machine, work / "production", "prod")
    installation.configure(stacks.production(named=bool(context)))
    installation.up()
    yield installation
    if context:
        installation.change(data__keep=False)
        installation.up()
        installation.stack.destroy()


@pytest.fixture(scope="module")
def development(
    pytestconfig: pytest.Config, machine: Machine, work: Path, context: str | None
) -> Iterator[Installation]:
    """Development's stack, for the tests of one file: beside production's, the nodes would have no room for it."""
    installation = Installation(machine, work / "development", "dev")
    installation.configure(stacks.development(named=bool(context)))
    installation.up()
    yield installation
    if not pytestconfig.getoption(_KEEP):
        installation.stack.destroy()


@pytest.fixture
def production(shared_production: Installation) -> Iterator[Installation]:
    """Production's stack, complete; what a test did to its nodes is undone, and what it did to pods has healed."""
    shared_production.settle()
    yield shared_production
    shared_production.machine.restore()


def _uses(item: pytest.Item, fixture: str) -> bool:
    return fixture in getattr(item, "fixturenames", ())


def _named(config: pytest.Config) -> str | None:
    # A run that does not begin here has read its command line before it came across this file.
    name = config.getoption(_CONTEXT, default=None)
    return str(name) if name else None
