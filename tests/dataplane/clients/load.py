"""Load: visitors who send events by the clock (open loop), or each when the last one is answered (closed loop)."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from h2.exceptions import ProtocolError

from tests.dataplane.clients.events import event
from tests.dataplane.clients.http1 import Peer
from tests.dataplane.clients.outcome import Outcome, Record
from tests.dataplane.clients.pool import Pool
from tests.dataplane.clients.run import Run
from tests.dataplane.clients.trust import trusting
from tests.dataplane.sandbox import Place

_TOLD = 200


@dataclass(frozen=True, kw_only=True)
class Load:
    """POST /track from `place`, each with an event of its own. Nothing is retried.

    Connections that the server has closed are replaced; a request that was sent on one is a failure.
    """

    place: Place
    addresses: tuple[str, ...]
    """New connections go to them in turn."""
    host: str
    ca: str | None
    """The only authority that is trusted (PEM); None for plain HTTP."""
    port: int = 443
    http2: bool = False
    connections: int = 10
    """How many are opened before the first request, kept, and used in turn: each waits `connections / rate` seconds.

    While all are busy, requests open more; never more idle ones than this are kept.
    """
    reuse: bool = True
    """With False, a new connection for each request."""
    outstanding: int = 2000
    """Most requests at once in an open loop; those that are due beyond it are skipped, and counted."""
    seconds: float = 30
    """How long a request may take, connecting included."""
    path: str = "/track"
    name: str = "event"
    """What event identities begin with."""
    source: str | None = None
    """The address of `place` that connections come from; None leaves it to the kernel."""
    body: Callable[[str], bytes] = event
    """The body of a request that carries the event of an identity."""

    @contextlib.contextmanager
    def running(self, rate: float, *, jitter: float = 0) -> Iterator[Run]:
        """Send `rate` requests a second for as long as the context lasts, then wait for the last answers.

        Args:
            rate: Requests a second, begun whether or not earlier ones are answered.
            jitter: Each begins up to so many seconds before or after its time.
        """
        run = Run()
        done = self.place.submit(lambda: asyncio.run(self._open_loop(run, rate, jitter)))
        done.add_done_callback(lambda _: run.stop())
        try:
            run.await_begin()
            yield run
        finally:
            run.stop()
            done.result()

    def closed_loop(self, workers: int, seconds: float) -> Outcome:
        """What becomes of the requests of `workers` who each wait for an answer before they send again."""
        run = Run()
        self.place.call(lambda: asyncio.run(self._closed_loop(run, workers, seconds)))
        return run.outcome()

    async def _open_loop(self, run: Run, rate: float, jitter: float) -> None:
        tasks: set[asyncio.Task[None]] = set()
        # Not for secrets; and the same at every run.
        dice = random.Random(rate)  # noqa: S311
        async with self._pool(connections=self.connections) as pool:
            run.begin()
            for number in itertools.count():
                due = number / rate + jitter + dice.uniform(-jitter, jitter)
                if not await run.reach(due):
                    break
                run.begun_late(run.now() - due)
                if len(tasks) >= self.outstanding:
                    run.skip()
                    continue
                task = asyncio.create_task(self._one(pool, run, number))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.gather(*tasks)

    async def _closed_loop(self, run: Run, workers: int, seconds: float) -> None:
        numbers = itertools.count()

        async def work() -> None:
            while run.now() < seconds:
                await self._one(pool, run, next(numbers))

        async with self._pool(connections=workers) as pool:
            run.begin()
            await asyncio.gather(*(work() for _ in range(workers)))

    @contextlib.asynccontextmanager
    async def _pool(self, connections: int) -> AsyncIterator[Pool]:
        tls = trusting(self.ca, protocols=("h2",) if self.http2 else ("http/1.1",)) if self.ca else None
        peer = Peer(self.addresses, self.port, self.host, tls, self.path, self.http2, self.reuse, self.source)
        pool = Pool(peer, connections if self.reuse else 0)
        try:
            await pool.fill(self.seconds)
            yield pool
        finally:
            await pool.close()

    async def _one(self, pool: Pool, run: Run, number: int) -> None:
        identity, at = f"{self.name}-{number}", run.now()
        status, instance, said, error, step = None, "", "", "", "connect"
        try:
            async with asyncio.timeout(self.seconds):
                connection = await pool.take()
                step = "answer"
                try:
                    reply = await connection.ask(self.body(identity))
                finally:
                    pool.give_back(connection)
            status, instance = reply.status, reply.instance
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                said = reply.body[:_TOLD].decode(errors="replace")
        except (OSError, EOFError, ValueError, ProtocolError) as failure:
            error = f"{step}: {type(failure).__name__}: {failure}"
        run.note(Record(identity, at, run.now() - at, status, error, instance, said))
