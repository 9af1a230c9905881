"""Servers of the tests' own, on loopback."""

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import trustme

HOST = "127.0.0.1"

Talk = Callable[[socket.socket], None]
"""What a server does with a connection."""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    talk: Talk
    tls: ssl.SSLContext | None


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.request.settimeout(5)
        # Clients leave when they like, and some do not like the certificate.
        with suppress(OSError):
            tls = self.server.tls
            with tls.wrap_socket(self.request, server_side=True) if tls else self.request as connection:
                self.server.talk(connection)


@contextmanager
def listening(talk: Talk, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port at which every connection is talked to, over TLS where there is a certificate."""
    with _Server((HOST, 0), _Handler) as server:
        server.talk, server.tls = talk, tls
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def free_port() -> int:
    """A port at which nothing listens."""
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])


def served(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """How a server shows `certificate`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def hangs(connection: socket.socket) -> None:
    """Takes what comes, and never answers."""
    while connection.recv(1024):
        pass


def ends(_: socket.socket) -> None:
    """Ends every connection without a word."""
