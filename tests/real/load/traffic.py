"""Visitors of a website, who send events all the time: on connections that they keep, and on new ones; without retries.

They are known: each sends its profile and one of a few sessions, as Tracardi's script does from the second page on.
"""

import contextlib
import functools
import http
import json
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import httpx

from tests.dataplane.clients.http import Client
from tests.dataplane.clients.load import Load
from tests.dataplane.clients.outcome import Outcome
from tests.dataplane.clients.run import Run
from tests.real.load.account import Account
from tests.real.load.addresses import addresses
from tests.real.load.stored import EVENT, stored
from tests.real.site import Installation
from tools.cluster.api import wait_until

KINDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "kept-h1": {"connections": 4},
        "kept-h2": {"connections": 2, "http2": True},
        "new-h1": {"reuse": False},
        "new-h2": {"reuse": False, "http2": True},
    }
)
"""How connections are made and used."""

RATE = 1.5
"""Events a second of each kind."""
_VISITORS = 5
_STORE_SECONDS = 15.0
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Traffic:
    """A load that goes on, or has ended."""

    installation: Installation
    name: str
    runs: tuple[Run, ...]

    def outcome(self) -> Outcome:
        """What has been answered, or has failed, so far, by all kinds of connections."""
        found = [run.outcome() for run in self.runs]
        records = sorted((record for each in found for record in each.records), key=lambda record: record.at)
        return Outcome(tuple(records), sum(each.skipped for each in found), max(each.lag for each in found))

    def now(self) -> float:
        """Seconds since it began, as in its records."""
        return self.runs[0].now()

    def account(self) -> Account:
        """Every event, after the end; what was accepted has some seconds to turn up in the store."""
        outcome, until = self.outcome(), time.monotonic() + _STORE_SECONDS
        while (account := Account(outcome, self._stored())).lost and time.monotonic() < until:
            time.sleep(1)
        return account

    def _stored(self) -> Counter[str]:
        return stored(self.installation, self.name)


@contextlib.contextmanager
def traffic(installation: Installation, rate: float = RATE, seconds: float = 30) -> Iterator[Traffic]:
    """Events from the internet to the public entry, `rate` a second of each kind, as long as the context lasts.

    Args:
        installation: What is under load.
        rate: Events a second of each kind of connections.
        seconds: How long a request may take.
    """
    name, sources = uuid.uuid4().hex[:8], addresses(installation.machine, len(KINDS))
    _introduce(installation, name)
    with contextlib.ExitStack() as running:
        runs = tuple(
            running.enter_context(
                Load(
                    place=installation.machine.internet,
                    addresses=(installation.address("track"),),
                    host=installation.host("track"),
                    ca=installation.authority,
                    seconds=seconds,
                    name=f"{kind}-{name}",
                    source=source,
                    body=_Visitors(name).event,
                    **options,
                ).running(rate)
            )
            for source, (kind, options) in zip(sources, KINDS.items(), strict=True)
        )
        yield Traffic(installation, name, runs)


def _introduce(installation: Installation, name: str) -> None:
    """Let each visitor open its session; what a new one costs is not what the load is about."""
    visitors = _Visitors(name)
    with installation.client_of("track", installation.machine.internet, seconds=30) as client:
        for number in range(_VISITORS):
            body = visitors.event(f"introduction-{number}", kind="introduction")
            wait_until(
                "a visitor to be known", functools.partial(_is_accepted, client, body), seconds=_PATIENCE_SECONDS
            )


def _is_accepted(client: Client, body: bytes) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return client.post("/track", content=body).status_code == http.HTTPStatus.OK
    return False


@dataclass(frozen=True)
class _Visitors:
    load: str

    def event(self, identity: str, kind: str = EVENT) -> bytes:
        """What the visitor whose turn it is does."""
        visitor = f"{self.load}-{int(identity.rpartition('-')[2]) % _VISITORS}"
        return json.dumps(
            {
                "source": {"id": "website"},
                "session": {"id": f"session-{visitor}"},
                "profile": {"id": f"profile-{visitor}"},
                "context": {},
                "events": [{"type": kind, "properties": {"identity": identity, "load": self.load}}],
            },
            separators=(",", ":"),
        ).encode()
