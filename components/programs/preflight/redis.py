"""Redis, by its own protocol: one that is alone, or a primary, and lets in whoever knows its password."""

import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .connections import End, broken, connect, local, secured
from .report import Failed, Finding, quoted
from .store import Store

_LONGEST = 1 << 20
"""Bytes of an answer; INFO takes a few thousand."""
_STARTING = ("LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN", "ERR max number of clients")
_TLS_RECORDS = b"\x15\x16"
"""What an answer in TLS begins with: an alert, or a handshake."""


@dataclass(frozen=True)
class Access:
    """How API pods get in."""

    end: End
    password: str


class Refusal(Exception):  # noqa: N818 - an answer of Redis, which may be expected
    """What Redis said in place of doing something."""


def check(store: Store, access: Access) -> Iterator[Finding]:
    """Everything about Redis that would keep Tracardi from working. Raises Failed."""
    if store.tunnel:
        # A tunnel only ends connections that it cannot carry on; this tells why.
        far = End(store.tunnel.host, store.tunnel.port)
        secured(store, far, connect(store, far), store.tunnel.authority).close()
        plain, way = local(store, access.end), f"Redis at {far} through the tunnel"
    else:
        plain, way = connect(store, access.end), f"Redis at {access.end}"
    with plain, plain.makefile("rb") as answers:
        yield from _Session(store, way, plain, answers).findings(access.password)


class _Session:
    """A connection of Tracardi's kind: one database, plain text, a password and no user."""

    def __init__(self, store: Store, way: str, plain: socket.socket, answers: BinaryIO) -> None:
        self._store, self._way = store, way
        self._plain, self._answers = plain, answers

    def findings(self, password: str) -> Iterator[Finding]:
        self._log_in(password)
        try:
            if self._ask("PING") != "PONG":
                raise Failed(self._strange("PING"))
        except Refusal as refusal:
            raise Failed(self._refused("PING", refusal)) from None
        try:
            told = _pairs(self._ask("INFO"))
        except Refusal:
            # Tracardi does not need it; then what it would tell is not known.
            told = {}
        yield from self._unfit(told)
        yield from self._unwritable()

    def _log_in(self, password: str) -> None:
        try:
            self._ask("AUTH", password)
        except Refusal as refusal:
            told = str(refusal)
            if told.startswith(_STARTING):
                raise Failed(self._refused("AUTH", refusal)) from None
            setting, remedy = (
                self._store.credential,
                "Give the password of Redis' default user: Tracardi names no other.",
            )
            if "no password is set" in told or "without any password" in told:
                remedy = "Give Redis a password (requirepass): Tracardi always shows one."
            if told.startswith("DENIED"):
                setting, remedy = self._store.place, "Switch protected-mode off, or give Redis a password."
            came = f"refused ({quoted(told)})"
            raise Failed(Finding(setting, f"logging in to {self._way}", came, remedy)) from None

    def _unfit(self, told: dict[str, str]) -> Iterator[Finding]:
        place, asking = self._store.place, f"asking {self._way} what it is"
        if told.get("redis_mode", "standalone") != "standalone" or told.get("cluster_enabled") == "1":
            came = f"it is in {told.get('redis_mode', 'cluster')} mode, which Tracardi does not know"
            yield Finding(place, asking, came, "Name a service without Cluster and Sentinel.")
        if "redis_version" in told and (unfit := self._store.judged(told["redis_version"], "Redis")):
            yield unfit
        policy = told.get("maxmemory_policy", "")
        if policy.startswith("allkeys") and told.get("maxmemory") != "0":
            came = f"maxmemory-policy is {policy}, which evicts Tracardi's locks"
            yield Finding(place, asking, came, "Set it to volatile-lru or noeviction.")

    def _unwritable(self) -> Iterator[Finding]:
        key, value = f"tracardi-preflight-{secrets.token_hex(4)}", "1"
        steps = (("SET", key, value, "EX", "60"), ("GET", key), ("DEL", key))
        for words, expected in zip(steps, ("OK", value, "1"), strict=True):
            command = " ".join(words[:2])
            try:
                answer = self._ask(*words)
            except Refusal as refusal:
                yield self._refused(command, refusal)
                if words[0] == "SET":
                    return
            else:
                if answer != expected:
                    yield self._strange(command)

    def _ask(self, *words: str) -> str:
        """The answer to a command. Raises Refusal where Redis refuses, Failed where nothing comes or it is no Redis."""
        parts = [word.encode() for word in words]
        command = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        tried = f"{words[0]} to {self._way}"
        try:
            self._plain.sendall(command)
            line = self._answers.readline(_LONGEST)
            if line[:1] == b"$" and line[1:].strip().isdigit():
                length = int(line[1:])
                return self._answers.read(min(length, _LONGEST) + 2)[:length].decode(errors="replace")
        except ConnectionError:
            line = b""
        except OSError as problem:
            raise broken(self._store, tried, problem) from None
        if line[:1] == b"-":
            raise Refusal(line[1:].decode(errors="replace").strip())
        if line[:1] not in {b"+", b":", b"$"}:
            raise Failed(self._foreign(tried, line))
        return line[1:].decode(errors="replace").strip()

    def _foreign(self, tried: str, line: bytes) -> Finding:
        if not line and self._store.tunnel is None:
            came = "it ends the connection without a word, as services do that insist on TLS"
            return Finding(self._store.switch, tried, came, "Set it to true if this one does.", passing=True)
        if not line:
            came = "the tunnel ends the connection"
            remedy = "Look at its log: kubectl logs with --container redis-tunnel."
            return Finding(self._store.switch, tried, came, remedy, passing=True)
        if line[0] in _TLS_RECORDS:
            return Finding(self._store.switch, tried, "it speaks TLS", "Set it to true.")
        return self._strange(tried)

    def _strange(self, tried: str) -> Finding:
        return Finding(
            self._store.place, f"{tried} ({self._way})", "not an answer of Redis", "Name a Redis, and its port."
        )

    def _refused(self, command: str, refusal: Refusal) -> Finding:
        told = str(refusal)
        tried, came = f"{command.split(maxsplit=1)[0]} to {self._way}", f"refused ({quoted(told)})"
        remedies = {
            "READONLY": "It is a replica: name the primary.",
            "MOVED": "Name a service without Cluster.",
            "CLUSTERDOWN": "Name a service without Cluster.",
            "OOM": "Its memory is full: give it more, or another eviction policy.",
            "MISCONF": "It cannot save to its disk: see to that.",
            "NOPERM": "Let the default user run all commands on all keys (ACL SETUSER default on ~* &* +@all).",
        }
        found = (remedy for word, remedy in remedies.items() if told.startswith(word))
        remedy = next(found, "Have its owner see to it.")
        return Finding(self._store.place, tried, came, remedy, passing=told.startswith(_STARTING))


def _pairs(text: str) -> dict[str, str]:
    lines = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, colon, value in lines if colon}
