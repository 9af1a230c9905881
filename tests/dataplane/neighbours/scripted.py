"""Servers that do what they are told, for tests of the clients: say these bytes, close there."""

import contextlib
import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

from tests.dataplane.sandbox import Place

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Instance: scripted\r\n\r\n{}"

Conversation = Callable[[socket.socket, int], None]
"""Talks on a connection, the n-th from 0."""


def request_on(connection: socket.socket) -> bytes:
    """One whole request with its body; what is there of it when the client closes."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answering(connection: socket.socket, number: int) -> None:  # noqa: ARG001 - every connection alike
    """Answer whatever comes, until the client closes."""
    while request_on(connection):
        connection.sendall(OK)


@contextlib.contextmanager
def server(place: Place, conversation: Conversation, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server at `place`, on the port that is given; what a client cuts short is no error."""
    listener = place.call(socket.create_server, ("", 0), family=socket.AF_INET)
    open_ones: list[socket.socket] = []

    def talk(connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as closing:
            closing.callback(connection.close)
            if tls:
                connection = tls.wrap_socket(connection, server_side=True)
                closing.callback(connection.close)
            conversation(connection, number)

    def accept() -> None:
        with contextlib.suppress(OSError):
            for number in itertools.count():
                connection, _ = listener.accept()
                open_ones.append(connection)
                threading.Thread(target=talk, args=(connection, number), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        # Wakes who waits in accept, which closing alone does not.
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join()
        listener.close()
        for connection in open_ones:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
