"""What the tests of the data plane share."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from settings.root import Settings
from tests.dataplane.installation.providers import Plugins, real_recording
from tests.dataplane.installation.sites import Site, small
from tests.dataplane.sandbox import World
from tests.dataplane.scenarios.races import Begun, Race, Races, as_shipped_by_others, pauses
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


@pytest.fixture(scope="session")
def races(
    debian: Path,
    recorded: Callable[[dict[str, Any]], tuple[Settings, Recording]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Begun]:
    """Keep-alive races, begun."""
    races = Races(debian, recorded(small()), tmp_path_factory.mktemp("races"))
    yield Begun(
        ours=races.begin("ours", Race(pauses(0.2, 300), http1=20, http2=10)),
        defaults=races.begin("defaults", Race(pauses(0.06, 150), http1=80, http2=40, change=as_shipped_by_others)),
        idle=races.watch("idle"),
    )
    races.close()


@pytest.fixture(scope="session", autouse=True)
def _races_begin_at_once(request: pytest.FixtureRequest) -> None:
    """Minutes that others need as well are not waited for."""
    if any(_waits_for_races(item) for item in request.session.items):
        request.getfixturevalue("races")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who waits for races is the last."""
    items.sort(key=_waits_for_races)


def _waits_for_races(item: pytest.Item) -> bool:
    return "races" in getattr(item, "fixturenames", ())


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
