"""Carries connections from a listening socket of another network namespace to the API server in this one."""

import asyncio
import contextlib
import socket
import sys

_CHUNK = 65536


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def serve(listener: socket.socket, port: int) -> None:
    """Carry every connection that `listener` accepts to `port` on the loopback address, both ways, until cancelled."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_carry(reader, inner_writer), _carry(inner_reader, writer))

    server = await asyncio.start_server(connected, sock=listener)
    await server.serve_forever()


def main(arguments: list[str]) -> None:
    """The listening socket's number, and the port."""
    number, port = map(int, arguments)
    asyncio.run(serve(socket.socket(fileno=number), port))


if __name__ == "__main__":
    main(sys.argv[1:])
