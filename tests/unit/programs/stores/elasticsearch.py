"""An Elasticsearch with one user, or without security behind a proxy that asks for a password."""

import base64
import json
import socket
from dataclasses import dataclass, field
from typing import Any

ALL = frozenset({"monitor", "manage_index_templates", "manage", "read", "write"})
Reply = tuple[int, dict[str, Any]]


@dataclass
class Elasticsearch:
    """What it knows; `replies` come in place of others, by request line, the last of each for good."""

    username: str
    password: str
    version: dict[str, str] = field(default_factory=lambda: {"number": "8.11.3", "build_flavor": "default"})
    cluster: str = "one"
    health: list[str] = field(default_factory=lambda: ["green"])
    granted: frozenset[str] = ALL
    security: bool = True
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    """Indices and templates that are there."""
    requests: list[str] = field(default_factory=list)

    def talk(self, connection: socket.socket) -> None:
        """Answers one request."""
        stream = connection.makefile("rb")
        method, path, _ = stream.readline().decode().split()
        headers = {}
        while line := stream.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", "0")))
        expected = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        known = headers.get("authorization") == f"Basic {expected}"
        request = f"{method} {path.partition('?')[0]}"
        self.requests.append(request)
        status, content = self._reply(request, body) if known else (401, _error("unable to authenticate user"))
        text = json.dumps(content).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(text)}\r\n\r\n"
        connection.sendall(head.encode() + text)

    def _reply(self, request: str, body: bytes) -> Reply:
        scripted = next((found for line, found in self.replies.items() if request.startswith(line)), None)
        if scripted:
            return scripted.pop(0) if len(scripted) > 1 else scripted[0]
        method, path = request.split()
        if request == "GET /":
            return 200, {"cluster_uuid": self.cluster, "version": self.version}
        if path == "/_cluster/health":
            return 200, {"status": self.health.pop(0) if len(self.health) > 1 else self.health[0]}
        if path == "/_security/user/_has_privileges":
            return self._privileges(json.loads(body)) if self.security else (400, _error("no handler found for uri"))
        return self._changed(method, path)

    def _privileges(self, asked: dict[str, Any]) -> Reply:
        (index,) = asked["index"]
        return 200, {
            "cluster": {name: name in self.granted for name in asked["cluster"]},
            "index": {name: {each: each in self.granted for each in index["privileges"]} for name in index["names"]},
        }

    def _changed(self, method: str, path: str) -> Reply:
        place = path.removesuffix("/_doc").removesuffix("/_search")
        if method == "PUT":
            self.made.add(path)
            return 200, {"acknowledged": True}
        if place not in self.made:
            return 404, _error("no such index")
        if method == "DELETE":
            self.made.remove(path)
        return (201 if method == "POST" else 200), {}


def _error(reason: str) -> dict[str, Any]:
    return {"error": {"type": "x", "reason": reason}, "status": 0}
