"""Answers as they arrive on the wire, read without any leniency."""

import re
from dataclasses import dataclass

_HEAD = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")


@dataclass(frozen=True)
class Answer:
    """One answer of a server."""

    status: int
    headers: tuple[tuple[str, str], ...]
    """In the order of arrival, names in lower case."""
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of the first header of this name."""
        return next((value for key, value in self.headers if key == name.lower()), None)


class IncompleteError(Exception):
    """The bytes end before the answer does."""


class MalformedError(Exception):
    """The bytes are no HTTP/1 answer."""


def answers(received: bytes, *, head: bool = False, ended: bool) -> tuple[tuple[Answer, ...], bytes]:
    """The answers that `received` holds, and the bytes left over of one that is not complete.

    Args:
        received: All that came over one connection.
        head: Whether the requests were HEAD, whose answers announce a body and have none.
        ended: Whether the server has closed the connection, which may be what ends a body.

    Raises:
        MalformedError: the bytes are no HTTP/1 answer.
    """
    found: list[Answer] = []
    while received:
        try:
            answer, received = _first(received, head=head, ended=ended)
        except IncompleteError:
            break
        # An interim answer (100 Continue) is followed by the one that counts.
        if answer.status >= 200:
            found.append(answer)
    return tuple(found), received


def _first(received: bytes, *, head: bool, ended: bool) -> tuple[Answer, bytes]:
    if not (matched := _HEAD.match(received)):
        if b"\r\n\r\n" in received or not b"HTTP/1.".startswith(received[:7]):
            raise MalformedError(repr(received[:200]))
        raise IncompleteError
    status = int(matched[1])
    lines = [line.split(":", 1) for line in matched[2].decode("latin-1").splitlines()]
    headers = tuple((name.lower(), value.strip()) for name, value in lines)
    rest = received[matched.end() :]
    told = dict(headers)
    if head or status < 200 or status in {204, 304}:
        body = b""
    elif told.get("transfer-encoding") == "chunked":
        body, rest = _chunks(rest)
    elif "content-length" in told:
        length = int(told["content-length"])
        if len(rest) < length:
            raise IncompleteError
        body, rest = rest[:length], rest[length:]
    elif ended:
        body, rest = rest, b""
    else:
        raise IncompleteError
    return Answer(status, headers, body), rest


def _chunks(received: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, newline, received = received.partition(b"\r\n")
        if not newline:
            raise IncompleteError
        length = int(size.split(b";")[0], 16)
        if len(received) < length + 2:
            raise IncompleteError
        if received[length : length + 2] != b"\r\n":
            raise MalformedError(repr(received[:200]))
        body, received = body + received[:length], received[length + 2 :]
        # Trailers are not used by anything here.
        if not length:
            return body, received
