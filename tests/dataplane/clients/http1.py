"""HTTP/1.1 for load: as little as keeps up with hundreds of requests a second beside the servers that they go to."""

import asyncio
import re
import ssl
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n")
_INSTANCE = re.compile(rb"\r\nx-instance: *([^\r]*)\r\n")


@dataclass(frozen=True)
class Peer:
    """Who is connected to, and what is asked for."""

    addresses: tuple[str, ...]
    port: int
    host: str
    tls: ssl.SSLContext | None
    path: str
    http2: bool
    reuse: bool
    source: str | None = None
    """An address of the place that connections come from; None leaves it to the kernel."""

    @property
    def local(self) -> tuple[str, int] | None:
        """The near end of connections."""
        return (self.source, 0) if self.source else None

    @property
    def server_name(self) -> str | None:
        """What TLS asks for."""
        return self.host if self.tls else None


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    instance: str
    body: bytes = b""


class Http1:
    """A connection that carries one request at a time."""

    capacity = 1

    def __init__(self, peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.busy = 0
        self._reader = reader
        self._writer = writer
        self._kept = peer.reuse
        self._head = (
            f"POST {peer.path} HTTP/1.1\r\nHost: {peer.host}\r\nContent-Type: application/json\r\n"
            f"{'' if peer.reuse else 'Connection: close' + chr(13) + chr(10)}Content-Length: "
        ).encode()

    @classmethod
    async def open(cls, peer: Peer, address: str) -> "Http1":
        """Connect. Raises OSError."""
        reader, writer = await asyncio.open_connection(
            address, peer.port, ssl=peer.tls, server_hostname=peer.server_name, local_addr=peer.local
        )
        return cls(peer, reader, writer)

    @property
    def ended(self) -> bool:
        """Whether no further request may be sent: closed by the server, as far as is known here, or announced to be."""
        return not self._kept or self._reader.at_eof() or self._writer.transport.is_closing()

    async def ask(self, body: bytes) -> Reply:
        """Send, and wait for the whole answer. Raises EOFError, OSError, ValueError; the connection is over then."""
        kept, self._kept = self._kept, False
        self._writer.write(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
        head = await self._reader.readuntil(b"\r\n\r\n")
        while head.startswith(b"HTTP/1.1 1"):
            head = await self._reader.readuntil(b"\r\n\r\n")
        told = head.lower()
        content = b""
        if length := _LENGTH.search(told):
            content = await self._reader.readexactly(int(length[1]))
        elif b"\r\ntransfer-encoding: chunked\r\n" in told:
            await self._chunks()
        elif not head.startswith(b"HTTP/1.1 204"):
            raise ValueError(f"no length in {head!r}")
        instance = _INSTANCE.search(told)
        # Only now: a failure, or being cancelled, on the way leaves the connection in no state to be used.
        self._kept = kept and b"\r\nconnection: close\r\n" not in told
        return Reply(int(head[9:12]), instance[1].decode() if instance else "", content)

    def drop(self) -> None:
        """Close at once."""
        self._writer.transport.abort()

    async def _chunks(self) -> None:
        size = -1
        while size:
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            await self._reader.readexactly(size + 2)
