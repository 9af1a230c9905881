"""Connections of a load, used in turn."""

import asyncio
import itertools
from collections import deque

from tests.dataplane.clients.http1 import Http1, Peer, Reply
from tests.dataplane.clients.http2 import Http2

Connection = Http1 | Http2


class Pool:
    """Keeps `size` connections, each idle for as long as the others; opens more when all are busy, and drops them after.

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

    async def take(self) -> Connection:
        """A connection with room for a request. Raises OSError."""
        while self._free and len(self._open) + self._opening >= self._size:
            connection = self._free.popleft()
            if connection.ended:
                self._retire(connection)
                continue
            connection.busy += 1
            if connection.busy < connection.capacity:
                self._free.append(connection)
            return connection
        return await self._new()

    def give_back(self, connection: Connection) -> None:
        """No longer used by one request."""
        connection.busy -= 1
        if connection.ended or (len(self._open) > self._size and not connection.busy):
            self._retire(connection)
        elif connection.busy == connection.capacity - 1:
            self._free.append(connection)

    async def ask(self, body: bytes) -> Reply:
        """Send on a connection of the pool, or on a new one."""
        connection = await self.take()
        try:
            return await connection.ask(body)
        finally:
            self.give_back(connection)

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
        self._open.add(connection)
        connection.busy = 1
        if connection.capacity > 1:
            self._free.append(connection)
        return connection

    def _retire(self, connection: Connection) -> None:
        self._open.discard(connection)
        # HTTP/2 still answers what was under way when the server announced the end.
        if not connection.busy:
            connection.drop()
