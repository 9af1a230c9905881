"""What the tests of the data plane share."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from settings.root import Settings
from tests.dataplane.providers import Plugins, real_recording
from tests.dataplane.sandbox import World
from tests.dataplane.sites import Site
from tests.unit.engine import Recording
from tests.unit.stacks import settings_of
from tools.debian import root


class Sites(Protocol):
    """Begins an installation with a configuration; `dns_seconds` and `service_seconds` are Cluster's."""

    def __call__(self, configuration: dict[str, Any], **delays: float) -> Site: ...


@pytest.fixture(scope="session")
def debian() -> Path:
    """The folder with Debian's programs."""
    return root()


@pytest.fixture(scope="session")
def plugins() -> Iterator[Plugins]:
    """The providers of certificates and passwords."""
    with Plugins() as running:
        yield running


@pytest.fixture(scope="session")
def recorded(plugins: Plugins) -> Callable[[dict[str, Any]], tuple[Settings, Recording]]:
    """What the program makes of a configuration, the same for all who ask for it with an equal one."""
    known: dict[str, tuple[Settings, Recording]] = {}

    def record(configuration: dict[str, Any]) -> tuple[Settings, Recording]:
        key = json.dumps(configuration, sort_keys=True)
        if key not in known:
            settings = settings_of(configuration)
            known[key] = settings, real_recording(settings, plugins)
        return known[key]

    return record


@pytest.fixture(scope="module")
def sites(
    debian: Path,
    recorded: Callable[[dict[str, Any]], tuple[Settings, Recording]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Sites]:
    """Begins installations, each in a world of its own; they end with the module."""
    with ExitStack() as running:

        def begin(configuration: dict[str, Any], **delays: float) -> Site:
            world = running.enter_context(World(debian))
            settings, recording = recorded(configuration)
            site = Site(world, settings, recording, tmp_path_factory.mktemp("site"), **delays)
            running.callback(site.cluster.close)
            return site

        yield begin
