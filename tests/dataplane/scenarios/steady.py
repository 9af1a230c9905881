"""Requests that go on for as long as something else happens, for any entry and any path."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

from model.roles import Role
from tests.dataplane.clients.http import Client
from tests.dataplane.installation.sites import Site
from tests.dataplane.installation.variants import client_of

_PAUSE_SECONDS = 0.02


@dataclass
class Steady:
    """What has become of the requests so far."""

    answered: list[tuple[int, str]] = field(default_factory=list)
    """The status of each answer, and who gave it by X-Instance."""
    failed: list[str] = field(default_factory=list)

    @property
    def bad(self) -> list[object]:
        """Failures, and answers other than 200."""
        return [*self.failed, *(each for each in self.answered if each[0] != 200)]

    @property
    def instances(self) -> set[str]:
        """Who has answered."""
        return {instance for _, instance in self.answered}


@contextlib.contextmanager
def steady(site: Site, role: Role, path: str, authority: str | None = None) -> Iterator[Steady]:
    """GET `path` from the entry of `role` again and again, one request at a time, on kept connections."""
    outcome, ended = Steady(), threading.Event()

    def go_on() -> None:
        address, host = site.cluster.entry(role), site.host(role)
        with Client(client_of(site, role), address, host, authority or site.authority) as client:
            while not ended.is_set():
                try:
                    answer = client.get(path)
                    outcome.answered.append((answer.status_code, answer.headers.get("x-instance", "")))
                except httpx.HTTPError as error:
                    outcome.failed.append(repr(error))
                time.sleep(_PAUSE_SECONDS)

    thread = threading.Thread(target=go_on, name=f"requests to {role}")
    thread.start()
    try:
        yield outcome
    finally:
        ended.set()
        thread.join()
