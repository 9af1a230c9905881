"""The stand-in as a process on loopback, without a pod around it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.dataplane.instance import FOLDER

PATIENCE = 10
EVENT = {"source": {"id": "website"}, "session": {"id": "s"}, "events": [{"id": "e-1", "type": "page-view"}]}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """What a client got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the body holds
        return json.loads(self.body)


@dataclass(frozen=True)
class Instance:
    """A running instance."""

    process: subprocess.Popen[str]
    port: int

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> Answer:
        """One request on a connection of its own; underscores in names of headers are hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request(method, path, body or None, named)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def track(self, event: str = "e-1", path: str = "/track", **headers: str) -> Answer:
        """Sends an event."""
        payload = {**EVENT, "events": [{"id": event, "type": "page-view"}]}
        return self.ask("POST", path, json.dumps(payload), **JSON, **headers)


@contextmanager
def running(**environment: str) -> Iterator[Instance]:
    """As a pod starts it, on a port of its own choice."""
    command = [sys.executable, "-m", "uvicorn", "app.main:application", "--host=127.0.0.1", "--port=0", "--workers=1"]
    options = ["--proxy-headers", "--forwarded-allow-ips=*", "--timeout-keep-alive=75", "--no-access-log"]
    with subprocess.Popen(
        [*command, *options],
        cwd=FOLDER,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Instance(process, _port(process))
        finally:
            process.kill()


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stderr
    said = []
    for line in process.stderr:
        said.append(line)
        if "running on http://127.0.0.1:" in line:
            return int(line.split("127.0.0.1:")[1].split()[0])
    pytest.fail(f"did not start: {''.join(said)}")
