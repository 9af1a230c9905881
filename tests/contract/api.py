"""A running contract server, and how tests talk to it."""

import json
import os
import re
import signal
import socket
import string
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from tests.contract.cluster import HOST, Cluster, Process

EMAIL, TOKEN = "admin@example.com", "installation-token-of-tests"
PASSWORD = f"Correct {string.punctuation}"
"""Every sign that can be printed: each login shows that they survive."""
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
_PATIENCE = 30


@dataclass(frozen=True)
class Answer:
    """What a client got, and how many seconds it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the body holds
        return json.loads(self.body)

    @property
    def detail(self) -> str:
        """Why it was refused."""
        return str(self.json["detail"])


@dataclass(frozen=True)
class Api:
    """One process."""

    cluster: Cluster
    process: Process
    port: int
    environment: dict[str, str] = field(repr=False)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        form: bool = False,
        headers: Mapping[str, str] | None = None,
        patience: float = _PATIENCE,
    ) -> Answer:
        """One request on a connection of its own."""
        named = dict(headers or {})
        if token is not None:
            named["Authorization"] = f"Bearer {token}"
        if body is not None:
            named = {"Content-Type": FORM if form else JSON, **named}
            if not isinstance(body, bytes):
                body = (urlencode(dict(body), quote_via=quote) if form else json.dumps(body)).encode()  # type: ignore[call-overload]  # a form is a mapping
        return self.cluster.place.call(self._ask, method, path, body, named, patience)

    def log_in(self, password: str = PASSWORD, email: str = EMAIL, **more: str) -> Answer:
        """POST /user/token."""
        return self.ask("POST", "/user/token", {"username": email, "password": password, **more}, form=True)

    def token(self, password: str = PASSWORD, email: str = EMAIL) -> str:
        """Of a login that has to succeed."""
        answer = self.log_in(password, email)
        assert answer.status == 200, answer.body
        return str(answer.json["access_token"])

    def install(self, **changes: object) -> Answer:
        """POST /install with what is right, but for these changes; None leaves a field out."""
        order = {"username": EMAIL, "password": PASSWORD, "token": TOKEN, "needs_admin": True, **changes}
        return self.ask("POST", "/install", {name: value for name, value in order.items() if value is not None})

    def save_source(self, number: str, token: str, context: str = "production", **changes: object) -> Answer:
        """POST /event-source."""
        bridge = {"id": "778ded05-4ff3-4e08-9a86-72c0195fa95d", "name": "REST API Bridge"}
        source = {"id": number, "name": "Test", "type": ["rest"], "bridge": bridge, "enabled": True, **changes}
        return self.ask("POST", "/event-source", source, token=token, headers={"X-Context": context})

    def track(self, source: str, session: str = "s", profile: str | None = None, **request: Any) -> Answer:  # noqa: ANN401 - what `ask` takes
        """POST /track, of one event."""
        return self.ask("POST", "/track", payload(source, session, profile), **request)

    def refuses_connections(self) -> bool:
        """Whether nothing listens at its port."""
        return self.cluster.call(self._refuses)

    def _refuses(self) -> bool:
        with socket.socket() as connection:
            return connection.connect_ex((HOST, self.port)) != 0

    def cpu_seconds(self) -> float:
        """What the process has taken so far."""
        fields = self._status("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def user(self) -> int:
        """Number of the user that it runs as."""
        return int(re.search(r"^Uid:\t(\d+)", self._status("status"), re.MULTILINE)[1])  # type: ignore[index]  # always there

    def _status(self, name: str) -> str:
        return Path(f"/proc/{self.process.pid}/{name}").read_text(encoding="utf-8")

    def end(self, patience: float = _PATIENCE) -> int:
        """Its exit code after SIGTERM."""
        self.process.signal(signal.SIGTERM)
        return self.process.popen.wait(patience)

    def wait_until_ready(self) -> None:
        """Fails where it ends before its port opens."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            with suppress(OSError, HTTPException):
                if self.ask("GET", "/healthcheck").status == 200:
                    return
            assert self.process.popen.poll() is None, self.process.log.read_text()
            assert time.monotonic() < deadline, self.process.log.read_text()
            time.sleep(0.05)

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str], patience: float) -> Answer:
        began = time.monotonic()
        with closing(HTTPConnection(HOST, self.port, timeout=patience)) as connection:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, response.read(), time.monotonic() - began)


def payload(source: str, session: str = "s", profile: str | None = None) -> dict[str, Any]:
    """One event, of the type `page-view`."""
    return {
        "source": {"id": source},
        "session": {"id": session},
        "profile": {"id": profile} if profile else None,
        "context": {},
        "properties": {},
        "events": [{"type": "page-view", "properties": {"k": "v"}}],
        "options": {"debug": False},
    }
