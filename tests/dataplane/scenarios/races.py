"""The keep-alive race, which takes minutes and little else: it is run beside the other tests."""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from model.lifecycle import BALANCER_KEEP_ALIVE_SECONDS, INSTANCE_KEEP_ALIVE_SECONDS
from model.roles import Role
from settings.root import Settings
from tests.dataplane.clients.outcome import Outcome
from tests.dataplane.clients.rhythm import Rhythm, follow
from tests.dataplane.clients.run import Run
from tests.dataplane.cluster.objects import Objects
from tests.dataplane.installation.entries import Entry, metrics
from tests.dataplane.installation.mutations import rewrite, with_argument
from tests.dataplane.installation.sites import Site
from tests.dataplane.sandbox import World
from tests.unit.engine import Recording

PAUSE_SECONDS = 5.0
"""For so long, uvicorn keeps an idle connection unless it is told otherwise."""
_WORK_SECONDS = 0.4
_LOAD_SECONDS, _LOOK_SECONDS = 5.0, 1.0
_PER_CLIENT = 4
"""Visitors with the same address; more than 16 at a time are refused."""


@dataclass(frozen=True)
class Race:
    """Visitors who send when an idle connection to an instance may just be closing."""

    rhythm: Rhythm
    http1: int
    """Visitors with HTTP/1.1."""
    http2: int
    """Visitors with HTTP/2."""
    change: Callable[[Objects], None] = lambda _objects: None
    """What is different from what the program makes."""


@dataclass(frozen=True)
class Result:
    """What became of the requests."""

    outcome: Outcome
    reused: int
    """How many requests the balancer sent to an instance on a connection that had been idle."""


@dataclass(frozen=True)
class Begun:
    """What runs beside the other tests; each waits for its result."""

    ours: Callable[[], Result]
    """The race as the program makes it, for five minutes."""
    defaults: Callable[[], Result]
    """Half as long, with more visitors, and the idle times that uvicorn and HAProxy come with."""
    idle: Callable[[], float]
    """Seconds after a load until a balancer has let go of all idle connections but one to each instance."""


def pauses(spread: float, seconds: float) -> Rhythm:
    """Requests for about so many seconds, each begun 5 s after the answer to the last one, more or less by `spread`."""
    # Two requests on one connection may be off by half of the spread in opposite directions.
    interval = PAUSE_SECONDS + _WORK_SECONDS
    return Rhythm(interval=interval, spread=spread / 2, beats=int(seconds / interval))


def as_shipped_by_others(objects: Objects) -> None:
    """Instances and balancers keep idle connections for as long as uvicorn and HAProxy do unless told otherwise."""
    told = f"--keep-alive={INSTANCE_KEEP_ALIVE_SECONDS}"
    with_argument(objects, Role.TRACK_API, told, f"--keep-alive={PAUSE_SECONDS:g}")
    rewrite(objects, Role.TRACK_BALANCER, f" pool-purge-delay {BALANCER_KEEP_ALIVE_SECONDS}s", "")


class Races:
    """Races that are being run; each in an installation of its own, until it is over or this is closed."""

    def __init__(self, debian: Path, installation: tuple[Settings, Recording], folder: Path) -> None:
        self._debian = debian
        self._installation = installation
        self._folder = folder
        self._threads = ThreadPoolExecutor(thread_name_prefix="race")
        self._runs: list[Run] = []
        self._closed = threading.Event()

    def begin(self, name: str, race: Race) -> Callable[[], Result]:
        """Run a race; what is returned waits for its result."""
        run = Run()
        self._runs.append(run)
        return self._threads.submit(self._hold, self._folder / name, race, run).result

    def watch(self, name: str) -> Callable[[], float]:
        """Load balancers for a moment and leave them alone; what is returned waits until hardly a connection idles."""
        return self._threads.submit(self._leave_alone, self._folder / name).result

    def close(self) -> None:
        """Break off what is not over."""
        self._closed.set()
        for run in self._runs:
            run.stop()
        self._threads.shutdown()

    def _hold(self, folder: Path, race: Race, run: Run) -> Result:
        folder.mkdir()
        with ExitStack() as ending:
            site = Site(ending.enter_context(World(self._debian)), *self._installation, folder)
            ending.callback(site.cluster.close)
            race.change(site.objects)
            api = site.run_track(LATENCY_MS=str(round(_WORK_SECONDS * 1000)))
            entry = Entry(site)
            crowd = site.crowd(-(-(race.http1 + race.http2) // _PER_CLIENT))
            entry.settle(crowd, len(api.pods))
            peers = (entry.peer(),) * race.http1 + (entry.peer(http2=True),) * race.http2
            crowd.call(follow, race.rhythm, peers, run)
            return Result(run.outcome(), sum(_reused(metrics(pod)) for pod in entry.balancers.pods))

    def _leave_alone(self, folder: Path) -> float:
        folder.mkdir()
        with ExitStack() as ending:
            site = Site(ending.enter_context(World(self._debian)), *self._installation, folder)
            ending.callback(site.cluster.close)
            api = site.run_track(LATENCY_MS="300")
            entry = Entry(site)
            entry.settle(site.visitor, len(api.pods))
            with entry.load(site.crowd(), connections=100, name="crowd").running(rate=300):
                self._closed.wait(_LOAD_SECONDS)
            began = time.monotonic()
            # The last one HAProxy may keep, for whoever comes next.
            while sum(_idle(metrics(pod)) for pod in entry.balancers.pods) > len(api.pods):
                if self._closed.wait(_LOOK_SECONDS):
                    break
            return time.monotonic() - began


def _idle(told: str) -> int:
    found = re.findall(r'^haproxy_server_idle_connections_current\{proxy="instances",.*\} (\d+)$', told, re.MULTILINE)
    assert found, "the balancer does not tell how many connections idle"
    return sum(map(int, found))


def _reused(told: str) -> int:
    found = re.search(r'^haproxy_backend_connection_reuses_total\{proxy="instances"\} (\d+)$', told, re.MULTILINE)
    assert found, "the balancer does not tell how often it has used a connection again"
    return int(found[1])
