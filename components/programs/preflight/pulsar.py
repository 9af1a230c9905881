"""Apache Pulsar: its queue, by its own protocol as far as the first answer, and its administration over HTTP.

Nothing is written to it: who may list the namespaces of a tenant may make them, and who may list tenants may make one.
"""

import http.client
import json
import re
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from .connections import End, broken, connect, local, secured
from .report import Failed, Finding, quoted
from .store import Store, Tunnel

_LONGEST = 1 << 20
_TLS_RECORDS = {b"\x15", b"\x16"}
"""What an answer in TLS begins with: an alert, or a handshake."""
_CONNECT, _CONNECTED, _ERROR = 2, 3, 14
"""Types of commands; each stands in the field of its number (pulsar-common, PulsarApi.proto)."""
_PROTOCOL = 12
"""Version of the protocol: what is asked here is the same in all."""
_UNKNOWN_PEOPLE = {3, 4}
"""Errors AuthenticationError and AuthorizationError."""
_PASSING = {1, 2, 6, 14}
"""Errors of its metadata and its storage, ServiceNotReady and TooManyRequests."""
_STARTING = {408, 425, 429, 502, 503, 504}
_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
"""Versions differ in which of the two they say to a role that may not."""
_TOKEN = "Give a token that it accepts (pulsar tokens create), and that has not expired."  # noqa: S105 - a remedy
_TO_TLS = "Write url with pulsar+ssl:// and api with https://."


@dataclass(frozen=True)
class Access:
    """How API pods get in."""

    queue: End
    api: End
    token: str = field(repr=False)
    cluster: str
    tenant: str

    def told(self, text: str) -> str:
        """A foreign text without the token, of which a part would be left where it is cut."""
        return quoted(text.replace(self.token, "***") if self.token else text)


def check(store: Store, access: Access) -> Iterator[Finding]:
    """Everything about Pulsar that would keep Tracardi from working."""
    parts: tuple[Callable[[], Iterator[Finding]], ...] = (
        _Queue(store, access).findings,
        _Administration(replace(store, key="api"), access).findings,
    )
    for findings in parts:
        try:
            yield from findings()
        except Failed as failed:
            # The other is at an address of its own.
            yield failed.finding


class _Queue:
    """Where messages go through."""

    def __init__(self, store: Store, access: Access) -> None:
        self._store, self._access = store, access
        self._way = _way(access.queue, store.tunnel)
        self._tried = f"logging in to Pulsar at {self._way}"

    def findings(self) -> Iterator[Finding]:
        """What its first answer tells."""
        try:
            command = _fields(self._answer())
            kind = command.get(1)
            error = _fields(_bytes(command, _ERROR)) if kind == _ERROR else {}
        except ValueError:
            raise Failed(self._strange()) from None
        if kind == _ERROR:
            yield self._refused(error.get(2), _bytes(error, 3).decode(errors="replace"))
        elif kind != _CONNECTED:
            yield self._strange()

    def _answer(self) -> bytes:
        """The command that it answers with. Raises Failed where none comes."""
        store = self._store
        _verify(store, store.tunnel)
        with _connected(store, self._access.queue, store.tunnel) as plain, plain.makefile("rb") as answers:
            try:
                plain.sendall(_greeting(self._access.token))
                head = answers.read(8)
                if head[:1] in _TLS_RECORDS:
                    raise Failed(Finding(store.switch, self._tried, "it speaks TLS", _TO_TLS))
                if not head:
                    raise Failed(self._mute())
                if len(head) < 8:  # noqa: PLR2004 - two lengths
                    raise Failed(self._strange())
                total, size = struct.unpack(">II", head)
                if not size + 4 <= total <= _LONGEST:
                    raise Failed(self._strange())
                return answers.read(size)
            except ConnectionError:
                raise Failed(self._mute()) from None
            except OSError as problem:
                raise broken(store, self._tried, problem) from None

    def _mute(self) -> Finding:
        if self._store.tunnel is None:
            came = "it ends the connection without a word, as services do that insist on TLS"
            return Finding(self._store.switch, self._tried, came, f"If this one does: {_TO_TLS}", passing=True)
        remedy = "Look at its log: kubectl logs with --container pulsar-tunnel."
        return Finding(self._store.switch, self._tried, "the tunnel ends the connection", remedy, passing=True)

    def _strange(self) -> Finding:
        remedy = "Name a Pulsar proxy, or its only broker, and the port of its protocol."
        return Finding(self._store.place, self._tried, "not an answer of Pulsar", remedy)

    def _refused(self, code: object, message: str) -> Finding:
        came = f"refused ({self._access.told(message)})"
        if code in _UNKNOWN_PEOPLE:
            return Finding(self._store.credential, self._tried, came, _TOKEN)
        return Finding(self._store.place, self._tried, came, "Have its owner see to it.", passing=code in _PASSING)


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes

    @property
    def data(self) -> Any:  # noqa: ANN401 - any JSON
        """The JSON in the body; None without any."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class _Administration:
    """Where Tracardi's init makes tenant, namespaces and topics."""

    def __init__(self, store: Store, access: Access) -> None:
        self._store, self._access = store, access
        scheme = "https" if store.api_tunnel else "http"
        self._way = f"{scheme}://{_way(access.api, store.api_tunnel)}"

    def findings(self) -> Iterator[Finding]:
        """What is wrong with it, and with what the token's role may do."""
        _verify(self._store, self._store.api_tunnel)
        if unfit := self._store.judged(self._version(), "Pulsar"):
            yield unfit
        yield from self._unknown_cluster()
        yield from self._closed_tenant()

    def _version(self) -> str:
        path = "/admin/v2/brokers/version"
        answer = self._ask(path)
        if answer.status in _REFUSED:
            tried = f"logging in to {self._way}"
            raise Failed(Finding(self._store.credential, tried, self._told(answer), _TOKEN))
        version = answer.body.decode(errors="replace").strip().strip('"')
        if answer.status != HTTPStatus.OK or not re.match(r"\d+\.\d+", version):
            raise Failed(self._strange(path, answer))
        return version

    def _unknown_cluster(self) -> Iterator[Finding]:
        path, cluster = "/admin/v2/clusters", self._access.cluster
        answer = self._ask(path)
        if answer.status in _REFUSED:
            # Tracardi does not ask for it, so a version that keeps it to itself does no harm.
            return
        names = answer.data
        if answer.status != HTTPStatus.OK or not isinstance(names, list):
            yield self._strange(path, answer)
        elif cluster not in names:
            came = f"{cluster} is not among them: {quoted(', '.join(map(str, names)) or 'there are none')}"
            yield Finding(self._setting("cluster"), f"asking {self._way} for its clusters", came, "Name one of them.")

    def _closed_tenant(self) -> Iterator[Finding]:
        tenant, cluster, setting = self._access.tenant, self._access.cluster, self._setting("tenant")
        path = f"/admin/v2/namespaces/{quote(tenant, safe='')}"
        answer = self._ask(path)
        tried = f"asking {self._way} for the tenant {tenant}"
        if answer.status in _REFUSED:
            came = f"the token's role may not look after it ({self._told(answer)})"
            remedy = f"Make it one of the tenant's admins: pulsar-admin tenants update {tenant} --admin-roles."
            yield Finding(setting, tried, came, remedy)
        elif answer.status == HTTPStatus.NOT_FOUND:
            allowed = self._ask("/admin/v2/tenants")
            if allowed.status in _REFUSED:
                came = "it is not there, and the token's role is no superuser, who could make it"
                command = f"pulsar-admin tenants create {tenant} --allowed-clusters {cluster} --admin-roles"
                remedy = f"Make it, with the role as its admin: {command}."
                yield Finding(setting, tried, came, remedy)
            elif allowed.status != HTTPStatus.OK:
                yield self._strange("/admin/v2/tenants", allowed)
        elif answer.status != HTTPStatus.OK:
            yield self._strange(path, answer)

    def _setting(self, key: str) -> str:
        return f"{self._store.section}.{key}"

    def _told(self, answer: _Answer) -> str:
        found = answer.data
        reason = found.get("reason") if isinstance(found, dict) else None
        return f"answered {answer.status}" + (f", {self._access.told(reason)}" if isinstance(reason, str) else "")

    def _strange(self, path: str, answer: _Answer) -> Finding:
        came = self._told(answer)
        if answer.status == HTTPStatus.OK:
            came = "not an answer of Pulsar"
        remedy = "Name the administration of Pulsar: its proxy's or a broker's web service."
        passing = answer.status in _STARTING
        return Finding(self._store.place, f"GET {self._way}{path}", came, remedy, passing=passing)

    def _ask(self, path: str) -> _Answer:
        """An answer on a connection of its own, as a later one may reach another broker. Raises Failed."""
        access, tried = self._access, f"GET {self._way}{path}"
        connection = http.client.HTTPConnection(access.api.host, access.api.port, timeout=self._store.timeout)
        connection.sock = _connected(self._store, access.api, self._store.api_tunnel)
        # As bytes, since a token that is none may have any characters.
        headers: Mapping[str, str | bytes] = {"Authorization": f"Bearer {access.token}".encode(), "Connection": "close"}
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return _Answer(response.status, response.read(_LONGEST))
        except (OSError, http.client.HTTPException) as problem:
            if isinstance(problem, http.client.HTTPException) and not isinstance(problem, OSError):
                remedy = f"Name the port of the administration; if it speaks TLS: {_TO_TLS}"
                raise Failed(Finding(self._store.place, tried, "not an answer in HTTP", remedy)) from None
            raise broken(self._store, tried, problem) from None
        finally:
            connection.close()


def _way(end: End, tunnel: Tunnel | None) -> str:
    return f"{End(tunnel.host, tunnel.port)} through the tunnel" if tunnel else str(end)


def _verify(store: Store, tunnel: Tunnel | None) -> None:
    """Raises Failed where a tunnel could not get through: it only ends connections that it cannot carry on."""
    if tunnel:
        far = End(tunnel.host, tunnel.port)
        secured(store, far, connect(store, far), tunnel.authority).close()


def _connected(store: Store, end: End, tunnel: Tunnel | None) -> socket.socket:
    return local(store, end) if tunnel else connect(store, end)


def _greeting(token: str) -> bytes:
    """The command with which a client shows its token, in its frame."""
    told = _text(1, b"tracardi-preflight") + _text(3, token.encode()) + _number(4, _PROTOCOL) + _text(5, b"token")
    command = _number(1, _CONNECT) + _text(_CONNECT, told)
    return struct.pack(">II", len(command) + 4, len(command)) + command


def _number(name: int, value: int) -> bytes:
    return _varint(name << 3) + _varint(value)


def _text(name: int, value: bytes) -> bytes:
    return _varint(name << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def _fields(message: bytes) -> dict[int, int | bytes]:
    """The fields of a message by their number, as far as they are numbers or texts. Raises ValueError."""
    found: dict[int, int | bytes] = {}
    at = 0
    while at < len(message):
        key, at = _number_at(message, at)
        value, at = _number_at(message, at)
        if key & 7 == 2:  # noqa: PLR2004 - a text, after its length
            if value > len(message) - at:
                raise ValueError("a text that ends too early")
            found[key >> 3] = message[at : at + value]
            at += value
        elif key & 7 == 0:
            found[key >> 3] = value
        else:
            raise ValueError("of no kind that is expected")
    return found


def _number_at(message: bytes, at: int) -> tuple[int, int]:
    """A number, and where what follows it begins. Raises ValueError."""
    value = 0
    for place, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:  # noqa: PLR2004 - its last byte
            return value, at + place + 1
    raise ValueError("a number without end")


def _bytes(fields: dict[int, int | bytes], name: int) -> bytes:
    """The text of a field; empty without one."""
    found = fields.get(name, b"")
    return found if isinstance(found, bytes) else b""
