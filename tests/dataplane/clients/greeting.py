"""The first words of TLS, said by hand: what comes back shows whether a server talks to somebody at all."""

import ssl

from tests.dataplane.clients.raw import Line
from tests.dataplane.sandbox import Place

_SECONDS = 5.0
_HANDSHAKE = b"\x16"


def reply(place: Place, address: str, port: int, data: bytes) -> bytes:
    """What a server says first, or nothing where it closes without a word.

    Raises:
        TimeoutError: it neither speaks nor closes.
    """
    try:
        with Line(place, address, port, preface=data) as line:
            return line.receive(_SECONDS)
    except ConnectionError:
        return b""


def hello(name: str) -> bytes:
    """What a client that wants `name` says first."""
    said = ssl.MemoryBIO()
    session = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), said, server_hostname=name)
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        return said.read()
    raise AssertionError("a handshake takes two")


def greets(place: Place, address: str, port: int, name: str, preface: bytes = b"") -> bool:
    """Whether a server begins TLS with whoever says `preface` and then hello.

    Raises:
        TimeoutError: it neither speaks nor closes.
    """
    return reply(place, address, port, preface + hello(name)).startswith(_HANDSHAKE)
