"""What happens before the port opens."""

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pymysql

from .elastic import Elastic, ElasticError
from .environment import Configuration
from .memory import Memory
from .metadata_mysql import MySqlMetadata
from .work import burn

_LOG = logging.getLogger("tracardi")
_SHORT_SECRET = 20


@dataclass(frozen=True)
class _Wait:
    """Tracardi 0.9.0-dev `tracardi/service/setup/setup_resources.py`: how often and how long each is tried."""

    name: str
    tries: int
    seconds: float


_MYSQL, _REDIS, _ELASTICSEARCH = _Wait("MySQL", 4, 5), _Wait("Redis", 10, 1), _Wait("Elasticsearch", 10, 5)


def get_ready(configuration: Configuration, memory: Memory) -> None:
    """Takes a start's CPU; releases from 0.9 on then wait for each database, and exit with 1 where one is missing."""
    if configuration.profile_merging and len(configuration.profile_merging) < _SHORT_SECRET:
        _LOG.warning("Security risk. AUTO_PROFILE_MERGING should be at least %d characters long.", _SHORT_SECRET)
    burn(configuration.costs.start - time.process_time())
    if configuration.mysql is None:
        return
    scale = configuration.costs.pause_scale
    _patiently(_MYSQL, MySqlMetadata(configuration, configuration.mysql).ping, scale)
    _patiently(_REDIS, memory.ping, scale)
    _patiently(_ELASTICSEARCH, lambda: _ask_health(configuration), scale)


def _patiently(wait: _Wait, ask: Callable[[], None], scale: float) -> None:
    for number in range(1, wait.tries + 1):
        try:
            return ask()
        except (pymysql.MySQLError, Memory.Unavailable, ElasticError) as error:
            _LOG.warning("No connection to %s (%d of %d): %s", wait.name, number, wait.tries, error)
            time.sleep(wait.seconds * scale)
    _LOG.error("Could not connect to %s.", wait.name)
    sys.exit(1)


def _ask_health(configuration: Configuration) -> None:
    # uvicorn imports the application within a running event loop.
    with ThreadPoolExecutor(max_workers=1) as threads:
        threads.submit(asyncio.run, _health(configuration)).result()


async def _health(configuration: Configuration) -> None:
    # A client of its own: connections belong to the event loop that opened them.
    elastic = Elastic(configuration.elasticsearch)
    try:
        await elastic.ask("GET", "/_cluster/health")
    finally:
        await elastic.close()
