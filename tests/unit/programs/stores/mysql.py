"""A MySQL with one user, as much of it as logs in and answers what the preflight program asks."""

import hashlib
import re
import socket
import ssl
import struct
from dataclasses import dataclass, field
from typing import Self

NATIVE, CACHING = "mysql_native_password", "caching_sha2_password"
_CHALLENGE = b"abcdefghijklmnopqrst"
_FLAGS = 0x0001 | 0x0200 | 0x2000 | 0x8000 | 0x80000
_TLS = 0x0800
_OK = b"\0\0\0\2\0\0\0"


@dataclass
class Mysql:
    """What it knows and refuses: each statement that begins so, with a number and a text."""

    username: str
    password: str
    plugin: str = NATIVE
    version: str = "8.0.43"
    read_only: str = "0"
    refuses: dict[str, tuple[int, str]] = field(default_factory=dict)
    greets_with: list[tuple[int, str]] = field(default_factory=list)
    """Refusals of the next connections, before anybody has logged in."""
    tls: ssl.SSLContext | None = None
    insists_on_tls: bool = False
    tables: set[str] = field(default_factory=set)
    statements: list[str] = field(default_factory=list)

    def talk(self, connection: socket.socket) -> None:
        """Greets, lets in whoever knows the password, and answers until the other side leaves."""
        with _Connection(self, connection) as mysql:
            mysql.serve()

    def answer(self, statement: str) -> tuple[int, str] | tuple[str, ...] | None:
        """The refusal, the row, or nothing for what only does something."""
        self.statements.append(statement)
        for beginning, refusal in self.refuses.items():
            if statement.startswith(beginning):
                return refusal
        if found := re.match(r"(CREATE|DROP) TABLE (\S+)", statement):
            (self.tables.add if found[1] == "CREATE" else self.tables.remove)(found[2])
        if statement == "SELECT VERSION(), @@global.read_only":
            return self.version, self.read_only
        return None


class _Connection:
    def __init__(self, server: Mysql, plain: socket.socket) -> None:
        self._server, self._socket, self._number = server, plain, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def serve(self) -> None:
        server = self._server
        if server.greets_with:
            self._send(_refusal(*server.greets_with.pop(0)))
            return
        flags = _FLAGS | (_TLS if server.tls else 0)
        self._send(
            b"\x0a" + server.version.encode() + b"\0" + struct.pack("<I", 7) + _CHALLENGE[:8] + b"\0"
            + struct.pack("<HBHHB10x", flags & 0xFFFF, 45, 2, flags >> 16, 21) + _CHALLENGE[8:] + b"\0"
            + CACHING.encode() + b"\0"
        )  # fmt: skip
        if self._logged_in():
            self._send(_OK)
            self._answer_statements()

    def _logged_in(self) -> bool:
        server, login = self._server, self._receive()
        if int.from_bytes(login[:4], "little") & _TLS:
            assert server.tls
            self._socket = server.tls.wrap_socket(self._socket, server_side=True)
            login = self._receive()
        elif server.insists_on_tls:
            self._send(_refusal(3159, "Connections using insecure transport are prohibited"))
            return False
        username, _, rest = login[32:].partition(b"\0")
        shown = rest[1 : 1 + rest[0]]
        if server.plugin != NATIVE or not rest[1 + rest[0] :].startswith(NATIVE.encode()):
            self._send(b"\xfe" + server.plugin.encode() + b"\0" + _CHALLENGE + b"\0")
            shown = self._receive()
        if username.decode() != server.username or not _knows(server.password, shown):
            self._send(_refusal(1045, f"Access denied for user '{username.decode()}'@'host' (using password: YES)"))
            return False
        return True

    def _answer_statements(self) -> None:
        while (packet := self._receive())[0] == 3:
            found = self._server.answer(packet[1:].decode())
            if found is None:
                self._send(_OK)
            elif isinstance(found[0], int):
                self._send(_refusal(found[0], str(found[1])))
            else:
                end = b"\xfe\0\0\2\0"
                row = b"".join(bytes([len(str(text))]) + str(text).encode() for text in found)
                for part in (bytes([len(found)]), *(_column() for _ in found), end, row, end):
                    self._send(part)

    def _send(self, payload: bytes) -> None:
        self._socket.sendall(struct.pack("<I", len(payload))[:3] + bytes([self._number]) + payload)
        self._number += 1

    def _receive(self) -> bytes:
        head = self._read(4)
        self._number = head[3] + 1
        return self._read(int.from_bytes(head[:3], "little"))

    def _read(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            part = self._socket.recv(count - len(found))
            if not part:
                raise ConnectionError
            found += part
        return found


def _knows(password: str, shown: bytes) -> bool:
    once = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    twice = hashlib.sha1(once, usedforsecurity=False).digest()
    mask = hashlib.sha1(_CHALLENGE + twice, usedforsecurity=False).digest()
    return shown == bytes(one ^ other for one, other in zip(once, mask, strict=True))


def _refusal(code: int, text: str) -> bytes:
    return b"\xff" + struct.pack("<H", code) + b"#HY000" + text.encode()


def _column() -> bytes:
    names = b"\x03def" + b"\0" * 3 + b"\x01x\x01x"
    return names + b"\x0c" + struct.pack("<HIBHB2x", 45, 1024, 0xFD, 0, 0)
