"""Connections carried from one listening socket to another, whole and both ways."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tools.nodes import forward


@asynccontextmanager
async def _carried(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to whatever listens on `port`, through the forwarder."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    serving = asyncio.create_task(forward.serve(listener, port))
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


async def _shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write((await reader.readexactly(1_000_000)).upper())
    await writer.drain()
    writer.close()


async def _through_an_echo() -> tuple[bytes, bytes]:
    server = await asyncio.start_server(_shout, "127.0.0.1", 0)
    async with server, _carried(server.sockets[0].getsockname()[1]) as (reader, writer):
        writer.write(b"a" * 1_000_000)
        return await reader.readexactly(1_000_000), await reader.read()


def test_bytes_arrive_whole_both_ways_and_the_end_is_passed_on() -> None:
    body, rest = asyncio.run(_through_an_echo())

    assert body == b"A" * 1_000_000
    assert rest == b""


async def _through_nobody(port: int) -> bytes:
    async with _carried(port) as (reader, _):
        return await reader.read()


def test_a_connection_ends_at_once_where_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))

        assert asyncio.run(_through_nobody(unused.getsockname()[1])) == b""
