"""The first message of TLS, byte by byte: versions and cipher suites that no library offers any more."""

import secrets
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.dataplane.clients.raw import Line
from tests.dataplane.sandbox import Place

SSL3, TLS10, TLS11, TLS12 = 0x0300, 0x0301, 0x0302, 0x0303
HANDSHAKE_FAILURE, PROTOCOL_VERSION = 40, 70
"""Alerts: none of the suites will do, and the version will not."""

EVERY_SUITE = tuple(high << 8 | low for high in (0x00, 0x13, 0xC0, 0xC1, 0xCC, 0xD0) for low in range(0xFF))
"""Every number that stands for a suite, and many that stand for none."""

_SECONDS = 5.0
_ALERT, _HANDSHAKE, _SERVER_HELLO = 21, 22, 2
_RANDOM = 32


@dataclass(frozen=True)
class Chosen:
    """What a server has taken of what was offered, as TLS numbers it."""

    version: int
    suite: int


@dataclass(frozen=True)
class Refused:
    """The alert with which a server has ended the handshake; None where it just closed."""

    alert: int | None


@dataclass(frozen=True)
class Server:
    """Who is greeted."""

    place: Place
    address: str
    port: int
    name: str

    def greet(self, version: int, suites: Iterable[int] = EVERY_SUITE) -> Chosen | Refused:
        """The answer to a client that knows TLS up to `version` (1.2 at most) and `suites`.

        Raises:
            OSError: nobody accepts the connection, or nothing comes for five seconds.
        """
        with Line(self.place, self.address, self.port) as line:
            line.send(_record(version, _client_hello(version, tuple(suites), self.name)))
            return _answer(line)

    def suites(self, version: int) -> frozenset[int]:
        """All suites that the server has in common with a client that knows every one."""
        found: set[int] = set()
        while isinstance(answer := self.greet(version, (each for each in EVERY_SUITE if each not in found)), Chosen):
            found.add(answer.suite)
        return frozenset(found)


def _record(version: int, content: bytes) -> bytes:
    return struct.pack("!BHH", _HANDSHAKE, min(version, TLS10), len(content)) + content


def _client_hello(version: int, suites: tuple[int, ...], name: str) -> bytes:
    numbers = struct.pack(f"!{len(suites)}H", *suites)
    extensions = b"".join(_extensions(name)) if version > SSL3 else b""
    body = b"".join(
        (
            struct.pack("!H", version),
            secrets.token_bytes(_RANDOM),
            _sized(1, b""),
            _sized(2, numbers),
            _sized(1, b"\0"),
            _sized(2, extensions) if extensions else b"",
        )
    )
    return b"\x01" + _sized(3, body)


def _extensions(name: str) -> Iterator[bytes]:
    groups = struct.pack("!3H", 29, 23, 24)
    # ECDSA and RSA with SHA-2, and with the SHA-1 that old versions know.
    signatures = struct.pack("!9H", 0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0203, 0x0201)
    for number, content in (
        (0, _sized(2, b"\0" + _sized(2, name.encode()))),
        (10, _sized(2, groups)),
        (11, _sized(1, b"\0")),
        (13, _sized(2, signatures)),
        # Without it, servers may take a client for one that falls to an attack on renegotiation.
        (0xFF01, _sized(1, b"")),
    ):
        yield struct.pack("!H", number) + _sized(2, content)


def _sized(length: int, content: bytes) -> bytes:
    return len(content).to_bytes(length, "big") + content


def _answer(line: Line) -> Chosen | Refused:
    received = b""
    while True:
        kind, content = (received[0], received[5:]) if len(received) > 5 else (None, b"")
        if kind == _ALERT and len(content) >= 2:
            return Refused(content[1])
        # Version, random, and the session's name before the suite.
        if kind == _HANDSHAKE and len(content) > 4 + 2 + _RANDOM + 1 + _RANDOM + 2 and content[0] == _SERVER_HELLO:
            version, after = struct.unpack_from("!H", content, 4)[0], 4 + 2 + _RANDOM
            suite = struct.unpack_from("!H", content, after + 1 + content[after])[0]
            return Chosen(version, suite)
        more = line.receive(_SECONDS)
        if not more:
            return Refused(None)
        received += more
