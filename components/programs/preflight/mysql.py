"""MySQL: how its user logs in, and what it may do in its database."""

import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from .connections import End, broken, connect, local, secured
from .mysql_wire import NATIVE, TLS_FLAG, NotMysql, OtherLogin, Refusal, Wire
from .report import Failed, Finding, quoted
from .store import Store

_T = TypeVar("_T")

_STARTING = {1040, 1053, 1077, 1129, 1203, 1226, 2003, 2013}
"""Too many connections, shutdown, a client that is blocked for now, and what a tunnel says of a store that is away."""
_DENIED = {1044, 1142, 1143, 1227, 1370}

_STATEMENTS = (
    "CREATE INDEX by_n ON ? (n)",
    "ALTER TABLE ? ADD COLUMN m INT",
    "INSERT INTO ? (id, n) VALUES (1, 1)",
    "SELECT id FROM ?",
    "UPDATE ? SET n = 2 WHERE id = 1",
    "DELETE FROM ? WHERE id = 1",
    "DROP TABLE ?",
)
"""What Tracardi does with its tables; the question mark stands for the name of one."""


@dataclass(frozen=True)
class Access:
    """How API pods get in."""

    end: End
    username: str
    password: str = field(repr=False)
    database: str

    @property
    def grant(self) -> str:
        """What helps a user who lacks rights."""
        return f"GRANT ALL PRIVILEGES ON `{self.database}`.* TO '{self.username}'@'%'."


def check(store: Store, access: Access) -> Iterator[Finding]:
    """Everything about MySQL that would keep Tracardi from working. Raises Failed."""
    if store.tunnel:
        # A tunnel only ends connections that it cannot carry on; this tells why.
        far = End(store.tunnel.host, store.tunnel.port)
        _Session(store, access, f"MySQL at {far}", connect(store, far), far).close()
        session = _Session(store, access, f"MySQL at {far} through the tunnel", local(store, access.end))
    else:
        session = _Session(store, access, f"MySQL at {access.end}", connect(store, access.end))
    try:
        yield from session.findings()
    finally:
        session.close()


class _Session:
    """A connection on which the user has logged in: in plain text as Tracardi does, or over TLS to `far`."""

    def __init__(self, store: Store, access: Access, way: str, plain: socket.socket, far: End | None = None) -> None:
        self._store, self._access, self._way = store, access, way
        with ExitStack() as undone:
            undone.callback(plain.close)
            self._wire = self._meet(partial(Wire, plain))
            undone.callback(self._wire.drop)
            if far:
                self._encrypt(far)
            self._log_in(tls=far is not None)
            undone.pop_all()

    def close(self) -> None:
        """Ends it."""
        self._wire.close()

    def findings(self) -> Iterator[Finding]:
        """What is wrong with the server, and with what its user may do."""
        store, asking = self._store, f"asking {self._way} what it is"
        answer = self._meet(lambda: self._wire.ask("SELECT VERSION(), @@global.read_only"))
        version, read_only = (*answer, "", "")[:2]
        if "mariadb" in version.lower():
            yield Finding(store.place, asking, f"it is {version}", "Name a MySQL: nobody knows Tracardi on MariaDB.")
        elif unfit := store.judged(version, "MySQL"):
            yield unfit
        if read_only == "1":
            yield Finding(store.place, asking, "it is read-only, as replicas are", "Name the primary.")
        else:
            yield from self._forbidden()

    def _forbidden(self) -> Iterator[Finding]:
        database = f"`{self._access.database}`"
        table = f"{database}.`tracardi_preflight_{secrets.token_hex(4)}`"
        # The installation does the first; the user who may not must not.
        begin = (f"CREATE DATABASE IF NOT EXISTS {database}", f"CREATE TABLE {table} (id INT PRIMARY KEY, n INT)")
        for statement in begin:
            if refused := self._refused(statement):
                yield refused
                return
        for statement in _STATEMENTS:
            if refused := self._refused(statement.replace("?", table)):
                yield refused

    def _refused(self, statement: str) -> Finding | None:
        words = " ".join(statement.split()[:2])
        tried = f"{words} in {self._access.database}, {self._way}"
        try:
            self._meet(lambda: self._wire.ask(statement), refusals=True)
        except Refusal as refusal:
            came = f"refused ({quoted(str(refusal))})"
            if refusal.code in _DENIED:
                return Finding(f"{self._store.section}.username", tried, came, self._access.grant)
            passing = refusal.code in _STARTING
            return Finding(self._store.place, tried, came, "Have its owner see to it.", passing=passing)
        return None

    def _encrypt(self, far: End) -> None:
        tunnel = self._store.tunnel
        if not self._wire.greeting.flags & TLS_FLAG:
            came, remedy = "it offers no TLS", "Have its owner switch TLS on, or set it to false."
            raise Failed(Finding(self._store.switch, f"TLS with {far}", came, remedy))
        authority = tunnel.authority if tunnel else None
        self._meet(lambda: self._wire.encrypt(lambda plain: secured(self._store, far, plain, authority)))

    def _log_in(self, *, tls: bool) -> None:
        access, tried = self._access, f"logging in to {self._way} as {self._access.username}"
        setting, remedy = self._store.credential, "Give this user's password, or name another in external.username."
        try:
            self._meet(lambda: self._wire.log_in(access.username, access.password, tls=tls), refusals=True)
        except OtherLogin as other:
            came = f"it wants {quoted(str(other))}, which Tracardi's driver does not know"
            remedy = f"ALTER USER '{access.username}'@'%' IDENTIFIED WITH {NATIVE} BY the same password."
            raise Failed(Finding(f"{self._store.section}.username", tried, came, remedy)) from None
        except Refusal as refusal:
            if refusal.code == 3159:  # noqa: PLR2004 - require_secure_transport
                setting, remedy = self._store.switch, "Set it to true: this service insists on TLS."
            elif refusal.code not in {1044, 1045, 1698, 1820, 1862, 3118}:
                setting, remedy = self._store.place, "Have its owner see to it."
            came, passing = f"refused ({quoted(str(refusal))})", refusal.code in _STARTING
            raise Failed(Finding(setting, tried, came, remedy, passing=passing)) from None

    def _meet(self, act: Callable[[], _T], *, refusals: bool = False) -> _T:
        """What `act` gives. Raises Failed where nothing comes, or it is no MySQL; and Refusal only where told to."""
        tried = f"talking to {self._way}"
        try:
            return act()
        except Refusal as refusal:
            if refusals:
                raise
            came, passing = f"refused ({quoted(str(refusal))})", refusal.code in _STARTING
            remedy = "Let its users connect from the cluster's nodes."
            raise Failed(Finding(self._store.place, tried, came, remedy, passing=passing)) from None
        except NotMysql as strange:
            came = f"not MySQL ({strange})"
            raise Failed(Finding(self._store.place, tried, came, "Name a MySQL, and its port.")) from None
        except OSError as problem:
            raise broken(self._store, tried, problem) from None
