"""As much of MySQL's protocol as it takes to log in by mysql_native_password and to send statements."""

import hashlib
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

NATIVE = "mysql_native_password"
"""The only way of logging in that Tracardi's driver knows over plain TCP: its image lacks a library for others."""

TLS_FLAG = 0x0800
_FLAGS = 0x0001 | 0x0200 | 0x2000 | 0x8000 | 0x80000
"""Long passwords, protocol 4.1, transactions, its way of logging in, and other ways by name."""
_CHARSET = 45
_LARGEST = 1 << 24
_OK, _ERROR, _END, _SWITCH = 0x00, 0xFF, 0xFE, 0xFE
_LONGEST_END = 8
"""What begins like an end, and is longer, is a row."""
_SHORT_LENGTHS = 0xFB


class Refusal(Exception):  # noqa: N818 - an answer of MySQL, which may be expected
    """What MySQL said in place of doing something."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}, {text}")
        self.code = code


class OtherLogin(Exception):  # noqa: N818 - as above
    """MySQL wants this user to log in in another way."""


class NotMysql(Exception):  # noqa: N818 - as above
    """Whatever speaks there is no MySQL."""


@dataclass(frozen=True)
class Greeting:
    """What a server says first."""

    version: str
    flags: int
    plugin: str
    challenge: bytes


class Wire:
    """A connection; raises Refusal, OtherLogin, NotMysql, and OSError where it breaks."""

    def __init__(self, plain: socket.socket) -> None:
        self._socket = plain
        self._number = 0
        self.greeting = self._greeted(self._receive())

    def encrypt(self, secured: Callable[[socket.socket], socket.socket]) -> None:
        """Goes on over TLS, which `secured` begins."""
        self._send(struct.pack("<IIB23x", _FLAGS | TLS_FLAG, _LARGEST, _CHARSET))
        self._socket = secured(self._socket)

    def log_in(self, username: str, password: str, *, tls: bool = False) -> None:
        """By mysql_native_password, and in no other way."""
        flags = _FLAGS | (TLS_FLAG if tls else 0)
        shown = _native(password, self.greeting.challenge)
        head = struct.pack("<IIB23x", flags, _LARGEST, _CHARSET)
        self._send(head + username.encode() + b"\0" + bytes([len(shown)]) + shown + NATIVE.encode() + b"\0")
        answer = self._receive()
        if answer[0] == _SWITCH:
            name, _, challenge = answer[1:].partition(b"\0")
            if name.decode(errors="replace") != NATIVE:
                raise OtherLogin(name.decode(errors="replace"))
            self._send(_native(password, challenge[:20]))
            answer = self._receive()
        if answer[0] != _OK:
            raise NotMysql("an answer to a login that is none")

    def ask(self, statement: str) -> tuple[str, ...]:
        """The first row of what a statement gives; empty where it gives none."""
        self._number = 0
        self._send(b"\x03" + statement.encode())
        first = self._receive()
        if first[0] == _OK:
            return ()
        while self._receive()[0] != _END:
            pass
        rows: list[tuple[str, ...]] = []
        while (row := self._receive())[0] != _END or len(row) > _LONGEST_END:
            rows.append(_texts(row))
        return rows[0] if rows else ()

    def close(self) -> None:
        """Says goodbye: a server counts connections that just end."""
        self._number = 0
        with suppress(OSError):
            self._send(b"\x01")
        self.drop()

    def drop(self) -> None:
        """Leaves without a word."""
        self._socket.close()

    def _greeted(self, packet: bytes) -> Greeting:
        version, zero, rest = packet[1:].partition(b"\0")
        if packet[0] != 10 or not zero or len(rest) < 31:  # noqa: PLR2004 - the protocol's version, and what follows
            raise NotMysql("another greeting")
        low, high = struct.unpack("<H", rest[13:15])[0], struct.unpack("<H", rest[18:20])[0]
        length = max(13, rest[20] - 8)
        challenge = rest[4:12] + rest[31 : 31 + length].rstrip(b"\0")
        plugin = rest[31 + length :].partition(b"\0")[0].decode(errors="replace")
        return Greeting(version.decode(errors="replace"), low | high << 16, plugin, challenge[:20])

    def _send(self, payload: bytes) -> None:
        self._socket.sendall(struct.pack("<I", len(payload))[:3] + bytes([self._number]) + payload)
        self._number = (self._number + 1) % 256

    def _receive(self) -> bytes:
        head = self._read(4)
        length = int.from_bytes(head[:3], "little")
        self._number = (head[3] + 1) % 256
        if not length or (head[3] > 8 and length > 1 << 20):  # noqa: PLR2004 - nothing here is asked for so much
            raise NotMysql("a packet that is none")
        packet = self._read(length)
        if packet[0] == _ERROR:
            text = packet[3:].decode(errors="replace")
            raise Refusal(int.from_bytes(packet[1:3], "little"), text[6:] if text[:1] == "#" else text)
        return packet

    def _read(self, count: int) -> bytes:
        found = bytearray()
        while len(found) < count:
            part = self._socket.recv(min(count - len(found), 1 << 16))
            if not part:
                raise ConnectionError("the connection ended")
            found += part
        return bytes(found)


def _native(password: str, challenge: bytes) -> bytes:
    """What mysql_native_password shows of a password; the protocol prescribes the digest."""
    once = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    twice = hashlib.sha1(once, usedforsecurity=False).digest()
    mask = hashlib.sha1(challenge + twice, usedforsecurity=False).digest()
    return bytes(one ^ other for one, other in zip(once, mask, strict=True)) if password else b""


def _texts(row: bytes) -> tuple[str, ...]:
    """The columns of a row, as far as they are short."""
    found, at = [], 0
    while at < len(row):
        length, at = row[at], at + 1
        if length == _SHORT_LENGTHS:
            length = 0
        elif length > _SHORT_LENGTHS:
            break
        found.append(row[at : at + length].decode(errors="replace"))
        at += length
    return tuple(found)
