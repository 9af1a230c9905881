"""Connections of a load, used in turn."""

import asyncio
import contextlib
import itertools
from collections import deque

from tests.dataplane.clients.http1 import Http1, Peer
from tests.dataplane.clients.http2 import Http2

Connection = Http1 | Http2

# After a moment without the processor, a thousand requests are due at once. If each made a connection, their handshakes
# would take the processor for seconds, in which yet more become due.
_HANDSHAKES = 200


class Pool:
    """Keeps `size` connections and uses them in turn; opens more when all are busy, and drops what is too much later.

    A connection that is known to have ended is not used. One that turns out to have ended fails its requests: nothing
    is sent twice.
    """

    def __init__(self, peer: Peer, size: int) -> None:
        self._peer = peer
        self._size = size
        self._addresses = itertools.cycle(peer.addresses)
        self._open: set[Connection] = set()
        self._opening = 0
        self._free: deque[Connection] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def fill(self, seconds: float) -> None:
        """Connect ahead of any request, for as long as `seconds`; what fails is left to the requests."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                opened = await asyncio.gather(*(self._new() for _ in range(self._size)), return_exceptions=True)
                for connection in opened:
                    if not isinstance(connection, BaseException):
                        self.give_back(connection)

    async def take(self) -> Connection:
        """A connection with room for a request. Raises OSError."""
        while not (free := self._next_free()):
            if self._opening < _HANDSHAKES:
                return await self._new()
            await self._change()
        return free

    def give_back(self, connection: Connection) -> None:
        """No longer used by one request."""
        connection.busy -= 1
        if connection.ended:
            self._retire(connection)
            return
        if connection.busy == connection.capacity - 1:
            self._free.append(connection)
            self._wake()
        if not connection.busy and len(self._free) > self._size:
            self._free.remove(connection)
            self._retire(connection)

    async def close(self) -> None:
        """Close all of them."""
        for connection in self._open:
            connection.drop()
        # Transports free their sockets in the loop's next turns.
        await asyncio.sleep(0.01)

    async def _new(self) -> Connection:
        self._opening += 1
        try:
            kind = Http2 if self._peer.http2 else Http1
            connection = await kind.open(self._peer, next(self._addresses))
        finally:
            self._opening -= 1
            self._wake()
        self._open.add(connection)
        connection.busy = 1
        if connection.capacity > 1:
            self._free.append(connection)
        return connection

    def _next_free(self) -> Connection | None:
        while self._free and len(self._open) + self._opening >= self._size:
            connection = self._free.popleft()
            if connection.ended:
                self._retire(connection)
                continue
            connection.busy += 1
            if connection.busy < connection.capacity:
                self._free.append(connection)
            return connection
        return None

    async def _change(self) -> None:
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            # Told, and gone: somebody else has to hear it.
            if waiting.done() and not waiting.cancelled():
                self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting:
            if not (waiting := self._waiting.popleft()).done():
                waiting.set_result(None)
                return

    def _retire(self, connection: Connection) -> None:
        self._open.discard(connection)
        # HTTP/2 still answers what was under way when the server announced the end.
        if not connection.busy:
            connection.drop()
