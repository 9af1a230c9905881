"""Where the tests of this tier run: on a cluster of their own, or on one that is named (`--context`)."""

import pytest

from tools.tiers.records import REMEDY

_CONTEXT = "--context"
_OWN_NODES = "own_nodes"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that `make test-real KUBE_CONTEXT=name` gives."""
    parser.addoption(
        _CONTEXT, default=None, help="context of the kubeconfig to run on, with the images of the catalogue"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the tier's marker known."""
    config.addinivalue_line(
        "markers", f"{_OWN_NODES}(what): needs nodes or networks of the tests' own; skipped on a cluster that is named"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip on a named cluster what only a cluster of the tests' own allows."""
    name = _named(config)
    for item in items:
        if name and (mark := item.get_closest_marker(_OWN_NODES)):
            why = f"{mark.args[0]}: on the tests' own nodes only, not on {name}."
            item.add_marker(pytest.mark.skip(reason=f"{why}{REMEDY}make test-real"))


@pytest.fixture(scope="session")
def context(pytestconfig: pytest.Config) -> str | None:
    """Name of the context to run on; None means a cluster of the tests' own."""
    return _named(pytestconfig)


def _named(config: pytest.Config) -> str | None:
    # A run that does not begin here has read its command line before it came across this file.
    name = config.getoption(_CONTEXT, default=None)
    return str(name) if name else None
