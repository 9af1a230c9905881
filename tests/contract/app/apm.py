"""Tracardi's APM (`python3 -m app.apm`): merges profiles that are marked for it, and as strictly as the API.

Tracardi/apm `app/main.py`, `app/config.py` and `app/aio/loop.py` of 0.8.2.1 and 0.9; Tracardi/tracardi
`tracardi/service/profile_deduplicator.py`. Nobody has seen it run. It asks MySQL nothing, as nothing does that was read
of it. Of profiles it merges identifiers and traits; events and sessions keep the profile that they came with, because
the scripts that move them are more than this Elasticsearch has.

Where Tracardi would go on with a default, and do harm (another secret, another shape of indices), this one ends.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from .elastic import Elastic, ElasticError
from .environment import Configuration
from .memory import Memory
from .names import PROFILE, Context, Names
from .work import burn

_LOG = logging.getLogger("apm")
_TRIES, _SECONDS = 10, 5
_NEEDED = ("ELASTIC_HOST", "REDIS_HOST", "REDIS_PORT", "AUTO_PROFILE_MERGING", "EVENT_PARTITIONING")
_SHORT_SECRET = 20
_MARK = "metadata.system.aux.auto_merge"
_BATCH = 1000


@dataclass(frozen=True)
class Orders:
    """What its own variables say."""

    once: bool
    """MODE=job, which is also the default; every other word means a loop."""
    pause: int
    """Seconds between two rounds."""
    contexts: tuple[Context, ...]

    @classmethod
    def read(cls, environment: Mapping[str, str], configuration: Configuration) -> "Orders":
        """Raises ValueError where release 0.8.2.1 crashes."""
        new, once = configuration.mysql is not None, environment.get("MODE", "job") == "job"
        pause = environment.get("PAUSE", "60")
        if new and not pause.isdigit():
            pause = "60"
        contexts: tuple[Context, ...] = ("production", "staging")
        if "PRODUCTION" in environment:
            contexts = ("production",) if configuration.production else ("staging",)
        elif not (new or once):
            # The loop of 0.8.2.1 never leaves its first context.
            contexts = contexts[:1]
        return cls(once, int(pause), contexts)


class Merging:
    """The profiles of one installation."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._elastic = Elastic(configuration.elasticsearch)
        self._memory = Memory(configuration)

    async def wait(self) -> bool:
        """Whether Elasticsearch answers, before patience ends."""
        for number in range(1, _TRIES + 1):
            try:
                await self._elastic.ask("GET", "/_cluster/health")
            except ElasticError as error:
                _LOG.warning("No connection to Elasticsearch (%d of %d): %s", number, _TRIES, error)
                await asyncio.sleep(_SECONDS * self._configuration.costs.pause_scale)
            else:
                return True
        _LOG.error("Could not connect to Elasticsearch.")
        return False

    async def round(self, context: Context) -> None:
        """Merge all that is marked. Nothing that goes wrong ends the process."""
        names, merged = Names(self._configuration, context), 0
        try:
            # Most rounds have nothing to lock; what a Redis does that hangs is to be seen all the same.
            self._memory.ping()
            for found in await self._search(names, {"exists": {"field": _MARK}}):
                try:
                    async with self._locked(context, found["_source"]["id"]):
                        await self._merge(names, found)
                    merged += 1
                except (ElasticError, Memory.Unavailable, ValueError) as error:
                    _LOG.error("Error for profile %s: %s", found["_id"], error)
            _LOG.info("Merged %d profiles in %s. No more profiles to merge.", merged, context)
        except (ElasticError, Memory.Unavailable) as error:
            _LOG.error("Error: %s", error)

    async def close(self) -> None:
        """Ends connections that wait for another request."""
        await self._elastic.close()

    @asynccontextmanager
    async def _locked(self, context: Context, profile: str) -> AsyncIterator[None]:
        # Twice as long as another may hold it.
        for _ in range(100):
            if self._memory.lock(context, profile):
                break
            await asyncio.sleep(0.1)
        else:
            raise ValueError("Somebody else merges it.")
        try:
            yield
        finally:
            self._memory.unlock(context, profile)

    async def _merge(self, names: Names, marked: Mapping[str, Any]) -> None:
        """One profile in the place of all that share an identifier with it, under its own."""
        profile = dict(marked["_source"])
        known = sorted({profile["id"], *profile.get("ids", ())})
        found = await self._search(names, {"bool": {"should": [{"terms": {"ids": known}}, {"terms": {"id": known}}]}})
        if not found:
            raise ValueError("Could not fetch first profile. Probably already merged.")
        # The newest says what a trait is.
        traits: dict[str, Any] = {}
        for each in reversed(found):
            traits |= each["_source"].get("traits", {})
        others = [each for each in found if each["_id"] != marked["_id"]]
        profile["ids"] = sorted({*known, *(name for each in others for name in _identifiers(each["_source"]))})
        profile["traits"] = traits
        profile["metadata"] = {key: value for key, value in profile["metadata"].items() if key != "system"}
        await self._elastic.bulk([(marked["_index"], marked["_id"], profile)], refresh=True)
        for each in others:
            await self._elastic.ask("DELETE", f"/{each['_index']}/_doc/{each['_id']}?refresh=true")

    async def _search(self, names: Names, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What is found, the newest first."""
        body = {"query": query, "size": _BATCH, "sort": [{"metadata.time.insert": "desc"}]}
        answer = await self._elastic.ask("POST", f"/{names.alias(PROFILE)}/_search", body)
        return list(answer["hits"]["hits"])


def _identifiers(profile: Mapping[str, Any]) -> tuple[str, ...]:
    return (profile["id"], *profile.get("ids", ()))


async def _work(configuration: Configuration, orders: Orders) -> int:
    merging = Merging(configuration)
    try:
        if not await merging.wait():
            return 1
        while True:
            for context in orders.contexts:
                await merging.round(context)
            if orders.once:
                return 0
            _LOG.info("Pausing for %ss ...", orders.pause)
            await asyncio.sleep(orders.pause)
    finally:
        await merging.close()


async def _until_told(configuration: Configuration, orders: Orders) -> int:
    """The loop ends in the middle of whatever it does, and not as a success."""
    work = asyncio.create_task(_work(configuration, orders))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        return 1


def main(environment: Mapping[str, str]) -> int:
    """Work until the end; the exit status.

    Raises:
        ValueError, ModuleNotFoundError: what ends Tracardi's start.
    """
    configuration = Configuration.read(environment)
    if missing := [name for name in _NEEDED if not environment.get(name)]:
        raise ValueError(f"missing here: {', '.join(missing)}")
    if len(configuration.profile_merging) < _SHORT_SECRET:
        raise ValueError(f"AUTO_PROFILE_MERGING has less than {_SHORT_SECRET} characters")
    configuration = replace(configuration, tenant=environment.get("TENANT", configuration.tenant))
    orders = Orders.read(environment, configuration)
    # All of it is import, before which no signal is handled.
    burn(configuration.costs.start - time.process_time())
    return asyncio.run(_until_told(configuration, orders))


if __name__ == "__main__":
    logging.basicConfig(
        level=logging.INFO, stream=sys.stdout, format="%(asctime)s [%(levelname)s] %(name)s %(message)s"
    )
    # Its lines name every request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    sys.exit(main(os.environ))
