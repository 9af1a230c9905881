"""Bytes as they are: requests that no HTTP library would send, and what comes back."""

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.dataplane.clients.answers import Answer, answers
from tests.dataplane.sandbox import Place

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 10.0
_QUIET_SECONDS = 0.3
_INSTANT = 0.001
_CHUNK = 65536


@dataclass(frozen=True)
class Exchange:
    """What a server said to some bytes."""

    received: bytes
    answers: tuple[Answer, ...]
    left: bytes
    """Bytes after the last complete answer."""
    closed: bool
    """Whether the server has closed the connection, by whatever means."""

    @property
    def answer(self) -> Answer:
        """The only answer. Raises AssertionError when there are more, or none."""
        if len(self.answers) != 1:
            raise AssertionError(f"one answer expected, there are {len(self.answers)}: {self.received[:500]!r}")
        return self.answers[0]

    @property
    def statuses(self) -> list[int]:
        """The status of each answer, in their order."""
        return [answer.status for answer in self.answers]


@dataclass(frozen=True)
class Handshake:
    """What a TLS handshake has settled."""

    version: str
    """As OpenSSL calls it, such as TLSv1.3."""
    cipher: str
    protocol: str | None
    """Chosen by ALPN."""
    certificate: bytes
    """The server's own, DER."""


class Line:
    """A connection on which anything can be said; use as a context.

    Args:
        place: Where it comes from.
        address: Where it goes to, IPv4 or IPv6.
        port: Likewise.
        tls: None for plain TCP.
        server_name: The name that is asked for and checked with `tls`.
        preface: Sent before TLS begins, as a PROXY header is.

    Raises:
        OSError: nobody accepts the connection; ssl.SSLError is one of them.
    """

    def __init__(
        self,
        place: Place,
        address: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        preface: bytes = b"",
    ) -> None:
        self._socket = place.call(socket.create_connection, (address, port), timeout=_CONNECT_SECONDS)
        with contextlib.ExitStack() as undo:
            undo.callback(self._socket.close)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(preface)
            if tls:
                self._socket = tls.wrap_socket(self._socket, server_hostname=server_name)
                undo.callback(self._socket.close)
            undo.pop_all()
        self._received = b""
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def handshake(self) -> Handshake:
        """What TLS has settled. Raises TypeError on a connection without."""
        if not isinstance(self._socket, ssl.SSLSocket):
            raise TypeError("no TLS on this connection")
        cipher, version, _ = self._socket.cipher() or ("", "", 0)
        certificate = self._socket.getpeercert(binary_form=True)
        return Handshake(
            self._socket.version() or version, cipher, self._socket.selected_alpn_protocol(), certificate or b""
        )

    def send(self, data: bytes) -> bool:
        """Say something; whether the server still listened."""
        try:
            self._socket.sendall(data)
        except (ConnectionError, ssl.SSLError):
            return False
        return True

    def hear(self, *, head: bool = False, seconds: float = _ANSWER_SECONDS, quiet: float = _QUIET_SECONDS) -> Exchange:
        """All that the server has said since the connection began.

        Waits until the server closes, or is quiet for `quiet` seconds after a complete answer (there may be more than
        one answer), or has said nothing that is complete for `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not self._closed:
            found, left = answers(self._received, head=head, ended=False)
            patience = quiet if found and not left else deadline - time.monotonic()
            try:
                self.receive(max(patience, _INSTANT))
            except TimeoutError:
                break
        found, left = answers(self._received, head=head, ended=self._closed)
        return Exchange(self._received, found, left, self._closed)

    def receive(self, seconds: float) -> bytes:
        """Whatever comes next; nothing when the server has closed, by whatever means. Raises TimeoutError."""
        self._socket.settimeout(seconds)
        try:
            data = self._socket.recv(_CHUNK)
        except (ConnectionError, ssl.SSLError):
            # A reset, and an end without TLS's own goodbye, are ends.
            data = b""
        self._closed = not data
        self._received += data
        return data


def exchange(
    place: Place,
    address: str,
    port: int,
    data: bytes,
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
) -> Exchange:
    """What a server says to `data`, the first bytes of a new connection.

    Raises:
        OSError: nobody accepts the connection.
        MalformedError: the answer is not HTTP/1.
    """
    with Line(place, address, port, tls=tls, server_name=server_name) as line:
        line.send(data)
        return line.hear(head=data.startswith(b"HEAD "))


def handshake(place: Place, address: str, port: int, tls: ssl.SSLContext, server_name: str) -> Handshake:
    """A handshake, without a request after it.

    Raises:
        ssl.SSLError: the server refuses, or is refused.
        OSError: nobody accepts the connection.
    """
    with Line(place, address, port, tls=tls, server_name=server_name) as line:
        return line.handshake()
