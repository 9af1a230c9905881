"""One request after the other, each as bytes, on a connection that is opened again whenever it has ended."""

import ssl
from types import TracebackType
from typing import Self

from tests.dataplane.clients.answers import Answer, answers
from tests.dataplane.clients.raw import Line
from tests.dataplane.sandbox import Place

_SECONDS = 10.0


class Talk:
    """Asks `address`, which is to be `name`; use as a context.

    Args:
        place: Where it comes from.
        address: Where it goes to, IPv4 or IPv6.
        port: Likewise.
        tls: How.
        name: The name that is asked for and checked.
        preface: Sent before TLS begins.
    """

    def __init__(
        self, place: Place, address: str, port: int, tls: ssl.SSLContext, name: str, preface: bytes = b""
    ) -> None:
        self.name = name
        self._place = place
        self._address = address
        self._port = port
        self._tls = tls
        self._preface = preface
        self._line: Line | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def ask(self, request: bytes) -> Answer:
        """The answer to one request.

        Raises:
            OSError: nobody accepts the connection, or a complete answer does not come.
            AssertionError: there is more than one answer.
        """
        if self._line is None:
            self._line = Line(
                self._place, self._address, self._port, tls=self._tls, server_name=self.name, preface=self._preface
            )
        self._line.send(request)
        received, ended, head = b"", False, request.startswith(b"HEAD ")
        while not ended:
            data = self._line.receive(_SECONDS)
            received, ended = received + data, not data
            if head:
                # HAProxy sends a body even so, where it did not understand the request.
                received = b"".join(received.partition(b"\r\n\r\n")[:2])
            found, left = answers(received, head=head, ended=ended)
            if found:
                break
        else:
            self._drop()
            raise ConnectionError(f"no answer to {request[:80]!r}, but {received!r}")
        assert len(found) == 1, received
        assert not left, received
        if ended or found[0].status == 400 or found[0].header("connection") == "close":
            self._drop()
        return found[0]

    def _drop(self) -> None:
        if self._line:
            self._line.close()
        self._line = None
