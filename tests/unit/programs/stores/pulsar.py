"""A Pulsar with one role: what a broker of version 3.1.0 answered, byte by byte where it is its own protocol."""

import json
import socket
import struct
from dataclasses import dataclass, field

CONNECTED = b"\x00\x00\x00'\x00\x00\x00#\x08\x03\x1a\x1f\n\x12Pulsar Server3.1.0\x10\x0c\x18\x80\x80\xc0\x02\"\x02 \x01"
"""What it answers to a token that it accepts."""
UNKNOWN = 3
"""Its error AuthenticationError."""
Reply = tuple[int, object]


def refusal(code: int, message: str) -> bytes:
    """What it answers when it lets nobody in."""
    text = message.encode()
    no_request = b"\x08" + b"\xff" * 9 + b"\x01"
    error = no_request + b"\x10" + bytes([code]) + b"\x1a" + _varint(len(text)) + text
    command = b"\x08\x0er" + _varint(len(error)) + error
    return struct.pack(">II", len(command) + 4, len(command)) + command


@dataclass
class Pulsar:
    """What it knows; `answers` of the queue and `replies` of the administration, by path, come in place of others."""

    token: str
    version: str = "3.1.0"
    superuser: bool = True
    clusters: list[str] = field(default_factory=lambda: ["eu"])
    tenants: dict[str, bool] = field(default_factory=dict)
    """Those that are there, and whether the role looks after each."""
    answers: list[bytes] = field(default_factory=list)
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    greetings: list[bytes] = field(default_factory=list)
    """Tokens that the queue was shown."""
    requests: list[str] = field(default_factory=list)

    def queue(self, connection: socket.socket) -> None:
        """Answers one greeting, or leaves where none comes, as from whoever only looks at a certificate."""
        stream = connection.makefile("rb")
        head = stream.read(8)
        if not head:
            return
        total, size = struct.unpack(">II", head)
        assert total == size + 4
        # The type of the command, and the field that has what belongs to it.
        kind, rest = stream.read(3), stream.read(size - 3)
        told, left = _text(rest)
        assert (kind, left) == (b"\x08\x02\x12", b"")
        name, told = _text(told[1:])
        shown, told = _text(told[1:])
        version, (method, left) = told[:2], _text(told[3:])
        assert (name, version, method, left) == (b"tracardi-preflight", b"\x20\x0c", b"token", b"")
        self.greetings.append(shown)
        right = CONNECTED if shown == self.token.encode() else refusal(UNKNOWN, "Failed to authenticate")
        scripted = self.answers
        connection.sendall(scripted.pop(0) if len(scripted) > 1 else scripted[0] if scripted else right)

    def administration(self, connection: socket.socket) -> None:
        """Answers one request, if one comes."""
        stream = connection.makefile("rb")
        line = stream.readline().decode()
        if not line:
            return
        method, path, _ = line.split()
        headers = {}
        while line := stream.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        self.requests.append(f"{method} {path}")
        known = headers.get("authorization") == f"Bearer {self.token}"
        status, content = self._reply(path) if known else (401, "<html>Authentication required</html>")
        text = (content if isinstance(content, str) else json.dumps(content)).encode()
        connection.sendall(f"HTTP/1.1 {status} X\r\ncontent-length: {len(text)}\r\n\r\n".encode() + text)

    def _reply(self, path: str) -> Reply:
        scripted = self.replies.get(path)
        if scripted:
            return scripted.pop(0) if len(scripted) > 1 else scripted[0]
        reply: Reply = 401, {"reason": "This operation requires super-user access"}
        match path.removeprefix("/admin/v2/").split("/"):
            case ["brokers", "version"]:
                reply = 200, self.version
            case ["clusters"]:
                reply = 200, self.clusters
            case ["tenants"] if self.superuser:
                reply = 200, list(self.tenants)
            case ["namespaces", tenant] if tenant not in self.tenants:
                reply = 404, {"reason": "Tenant does not exist"}
            case ["namespaces", tenant] if self.superuser or self.tenants[tenant]:
                reply = 200, [f"{tenant}/system"]
        return reply


def _varint(value: int) -> bytes:
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + _varint(value >> 7)


def _text(content: bytes) -> tuple[bytes, bytes]:
    """A text after its length, and what follows it."""
    length = at = 0
    while True:
        length |= (content[at] & 0x7F) << 7 * at
        at += 1
        if content[at - 1] < 0x80:
            break
    return content[at : at + length], content[at + length :]
