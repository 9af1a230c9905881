"""What a proxy really sends to an instance: bytes from the network, read without any leniency."""

import re
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from model.ports import Port
from tests.dataplane.sandbox import Place

_ETH_P_IP = 0x0800
_SO_RCVBUFFORCE = 33
_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_TO_THIS_HOST = 0
_SYN = 0x02
_BUFFER = 1 << 24
_LARGEST = 1 << 17

_REQUEST = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~\x80-\xff]+) HTTP/1\.[01]\r\n((?:[^\r\n]+\r\n)*)\r\n")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([^\r\n]*)\r\n")
_CHECK = b"GET /healthcheck "
_CHUNK = re.compile(rb"([0-9A-Fa-f]+)\r\n")


@dataclass(frozen=True)
class Sent:
    """One request as it went over the wire."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    """In their order, names in lower case."""
    body: bytes
    connection: tuple[str, int]
    """Address and port that it came from: the same for requests on one connection."""

    def __str__(self) -> str:
        return f"{self.method} {self.target}"

    def all(self, name: str) -> list[str]:
        """The values of every header of this name."""
        return [value for key, value in self.headers if key == name]


class AmbiguousError(AssertionError):
    """Bytes that two programs could read in two ways."""


class MissedError(RuntimeError):
    """Packets that went by unheard: nothing can be said about what has come."""


@dataclass
class Stream:
    """What one side of a connection has sent; `expected` is the number of its next byte."""

    connection: tuple[str, int]
    expected: int
    whole: bool = True
    """Whether it has been heard from its beginning on."""
    data: bytes = b""
    later: dict[int, bytes] = field(default_factory=dict)

    def add(self, sequence: int, payload: bytes) -> None:
        """Put a segment where it belongs, whenever and however often it comes."""
        self.later[sequence] = max(payload, self.later.get(sequence, b""), key=len)
        for start in sorted(self.later, key=self._ahead):
            if (ahead := self._ahead(start)) > 0:
                return
            fresh = self.later.pop(start)[-ahead:]
            self.data += fresh
            self.expected = (self.expected + len(fresh)) % (1 << 32)

    @property
    def left(self) -> list[bytes]:
        """What has come and is no whole request, in pieces where something is missing in between."""
        # A check that was under way when the listening began is all that its connection carries.
        known = not self.whole and self.data.startswith(_CHECK) and b"x-forwarded-for" not in self.data.lower()
        return [piece for piece in (b"" if known else self.data, *self.later.values()) if piece]

    def _ahead(self, sequence: int) -> int:
        """How far behind what has come a segment begins; negative where it has come before."""
        half = 1 << 31
        return (sequence - self.expected + half) % (1 << 32) - half


class Wiretap:
    """Reads along what arrives at an instance, from now on. The instance listens without TLS.

    What a client has been answered is surely here by then: the kernel shows packets before it delivers them.
    """

    def __init__(self, place: Place, port: int = Port.HTTP) -> None:
        self._port = port
        self._socket = place.call(socket.socket, socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        self._socket.settimeout(0)
        self._streams: dict[tuple[str, int], Stream] = {}
        self._given_up: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def requests(self) -> list[Sent]:
        """What has come since the last time, in the order of arrival; health checks are left out.

        Raises:
            AmbiguousError: something has come that is not HTTP/1.1 to the letter.
            MissedError: more has come than there was room for.
        """
        found: list[Sent] = []
        for stream in self._heard():
            if stream.whole:
                found += _complete(stream)
        _, dropped = struct.unpack("=II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        if dropped:
            raise MissedError(f"the kernel has dropped {dropped} packets")
        return found

    @property
    def unfinished(self) -> list[bytes]:
        """What `requests` has heard and could not put together.

        Beginnings of requests, the rest of which has not come; what came on connections that are older than this tap,
        where no beginning is known; and what came behind a gap.
        """
        return [*self._given_up, *(piece for stream in self._streams.values() for piece in stream.left)]

    def _heard(self) -> Iterator[Stream]:
        """Each stream that something has come on, as often as that is so."""
        while True:
            try:
                packet, (_, _, kind, *_) = self._socket.recvfrom(_LARGEST)
            except BlockingIOError:
                return
            if kind == _TO_THIS_HOST and packet[9] == socket.IPPROTO_TCP:
                yield from self._take(packet)

    def _take(self, packet: bytes) -> Iterator[Stream]:
        (length,) = struct.unpack_from("!H", packet, 2)
        start = (packet[0] & 0x0F) * 4
        source, target, sequence, _, offset, flags = struct.unpack_from("!HHIIBB", packet, start)
        if target != self._port:
            return
        connection = socket.inet_ntoa(packet[12:16]), source
        if flags & _SYN:
            if earlier := self._streams.get(connection):
                self._given_up += earlier.left
            self._streams[connection] = Stream(connection, (sequence + 1) % (1 << 32))
        # A length of zero stands for a packet that is too large to have one.
        payload = packet[start + (offset >> 4) * 4 : length or None]
        if payload:
            stream = self._streams.setdefault(connection, Stream(connection, sequence, whole=False))
            stream.add(sequence, payload)
            yield stream


def _complete(stream: Stream) -> Iterator[Sent]:
    while stream.data:
        data, stream.data = stream.data, b""
        if (found := _first(stream.connection, data)) is None:
            stream.data = data
            return
        request, stream.data = found
        # Checks come on connections of their own, and carry nothing that a proxy adds to what it passes on.
        if not _is_check(request):
            yield request


def _is_check(request: Sent) -> bool:
    return str(request) == "GET /healthcheck" and not request.all("x-forwarded-for")


def _first(connection: tuple[str, int], data: bytes) -> tuple[Sent, bytes] | None:
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    matched = _REQUEST.match(data)
    lines = matched[3].splitlines(keepends=True) if matched else []
    fields = [_FIELD.fullmatch(line) for line in lines]
    if not matched or not all(fields):
        raise AmbiguousError(repr(data[: end + 4]))
    headers = tuple((each[1].decode().lower(), each[2].decode("latin-1").strip(" \t")) for each in fields if each)
    rest = data[matched.end() :]
    lengths = [value for name, value in headers if name == "content-length"]
    codings = [value for name, value in headers if name == "transfer-encoding"]
    match lengths, codings:
        case [], []:
            body = b""
        case [length], [] if length.isascii() and length.isdigit():
            if len(rest) < int(length):
                return None
            body, rest = rest[: int(length)], rest[int(length) :]
        case [], [coding] if coding.lower() == "chunked":
            if (unchunked := _chunks(rest)) is None:
                return None
            body, rest = unchunked
        case _:
            raise AmbiguousError(repr(data[: end + 4]))
    return Sent(matched[1].decode(), matched[2].decode("latin-1"), headers, body, connection), rest


def _chunks(data: bytes) -> tuple[bytes, bytes] | None:
    body = b""
    while b"\r\n" in data:
        matched = _CHUNK.match(data)
        if not matched:
            raise AmbiguousError(repr(data[:100]))
        size, data = int(matched[1], 16), data[matched.end() :]
        if len(data) < size + 2:
            return None
        if data[size : size + 2] != b"\r\n":
            # After the last chunk: trailers, which some programs take for headers.
            raise AmbiguousError(repr(data[: size + 100]))
        body, data = body + data[:size], data[size + 2 :]
        if not size:
            return body, data
    return None
