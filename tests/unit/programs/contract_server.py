"""Answers as Tracardi's GUI API does while it is installed (releases 0.8.2.1 and 1.0.0), and misbehaves on demand."""

import json
import re
import socket
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qs, unquote

OLD, NEW = "0.8.2.1", "1.0.0"
SLOWNESS = 0.3
"""Seconds that a slow answer takes; tests set time-outs around it."""
PLUGINS = ["tracardi.process_engine.action.v1.start_action", "tracardi.process_engine.action.v1.end_action"]
PATIENCE = 10
"""Seconds after which the server stops waiting for a program that does not do its part."""


class Fault(Enum):
    """What can go wrong with one request."""

    RESET = auto()
    """The connection is reset and nothing done."""
    RESET_AFTER = auto()
    """The request is carried out, the connection reset."""
    SILENCE_AFTER = auto()
    """The request is carried out and never answered."""
    CUT_AFTER = auto()
    """The request is carried out, and half of the answer sent."""
    CRASH = auto()
    """Schema and administrator are made, then the API dies: the connection is reset, and plugins are missing."""
    SLOW = auto()
    """The request is carried out and answered late."""
    MEET = auto()
    """The request waits for another one like it, so that both are carried out at once."""


@dataclass(frozen=True)
class Reply:
    """An answer; bytes are sent as they are, anything else as JSON."""

    status: int
    content: object = None
    location: str = ""

    def body(self) -> bytes:
        """What goes over the wire."""
        return self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()


ELASTICSEARCH_DOWN = Reply(500, {"detail": "ConnectionError(Cannot connect to host elasticsearch:9200)"})
REDIS_DOWN = Reply(400, {"detail": "Redis authentication error: Error 111 connecting to redis:6379."})
REDIS_REFUSES = Reply(400, {"detail": "WRONGPASS invalid username-password pair or user is disabled."})


@dataclass(frozen=True)
class Request:
    """What the program sent."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Tracardi:
    """One installation: what it knows, what it was asked, and what is to go wrong next, by request line."""

    token: str
    release: str = NEW
    session: str = "0123456789abcdef0123456789abcdef01234567"
    schema_ok: bool = False
    plugins: list[str] = field(default_factory=list)
    admins: dict[str, str] = field(default_factory=dict)
    sources: dict[str, dict[str, dict[str, object]]] = field(default_factory=lambda: defaultdict(dict))
    stages: deque[tuple[bool | None, bool | None]] = field(default_factory=deque)
    faults: dict[str, deque[Fault | Reply]] = field(default_factory=lambda: defaultdict(deque))
    requests: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    meeting: threading.Barrier = field(default_factory=lambda: threading.Barrier(2))

    def goes_wrong(self, line: str, *faults: Fault | Reply) -> None:
        """Lets the next requests of this line fail so, one after the other."""
        self.faults[line].extend(faults)

    def asked(self, line: str) -> int:
        """How often this was requested."""
        return [request.line for request in self.requests].count(line)

    def answer(self, request: Request) -> Reply:
        """Carries the request out."""
        with self.lock:
            match request.line:
                case "GET /healthcheck":
                    return Reply(500 if "authorization" in request.headers else 200, "")
                case "GET /install":
                    return self._status()
                case "POST /install":
                    return self._install(request)
                case "POST /user/token":
                    return self._login(request)
                case line if line.split("/")[1] == "event-source":
                    return self._event_source(request)
                case _:
                    return Reply(404, {"detail": "Not Found"})

    def _status(self) -> Reply:
        schema_ok, admin_ok = self.stages.popleft() if self.stages else (self.schema_ok, bool(self.admins))
        unknown = not schema_ok and self.release == NEW
        status = {"schema_ok": schema_ok, "admin_ok": None if unknown else admin_ok, "warning": None}
        return Reply(200, status | {"form_ok": None if unknown else True})

    def _install(self, request: Request) -> Reply:
        if request.headers.get("content-type") != "application/json":
            return Reply(422, {"detail": [{"loc": ["body"], "msg": "value is not a valid dict"}]})
        order = json.loads(request.body)
        for name in ("username", "password", "token", "needs_admin"):
            if name not in order:
                missing = {"loc": ["body", name], "msg": "field required", "type": "missing", "input": order}
                return Reply(422, {"detail": [missing]})
        if order["token"] != self.token:
            return Reply(403, {"detail": "Installation forbidden. Invalid installation token."})
        if not re.fullmatch(r"[\w.+-]+@\w[\w-]*(\.\w+)+", order["username"]):
            return Reply(403, {"detail": "Installation forbidden. Invalid admin account login or password."})
        self.schema_ok = True
        if not self.admins:
            self.admins[order["username"]] = order["password"]
        self.plugins[:] = PLUGINS
        plugins = {"registered": PLUGINS}
        contexts = [{"created": {"templates": [], "indices": [], "aliases": []}, "admin": True, "plugins": plugins}] * 2
        return Reply(200, contexts)

    def _login(self, request: Request) -> Reply:
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            return Reply(422, {"detail": [{"loc": ["body", "username"], "msg": "field required"}]})
        form = parse_qs(request.body.decode(), strict_parsing=True, keep_blank_values=True)
        prefix = "Redis authentication error" if self.release == OLD else "Authentication error"
        if not self.schema_ok:
            return Reply(400, {"detail": f"{prefix}: System not installed. Got error NotFoundError(404)"})
        if self.admins.get(form["username"][0]) != form["password"][0]:
            return Reply(400, {"detail": f"{prefix}: Incorrect username or password."})
        return Reply(200, {"access_token": self.session, "token_type": "bearer", "roles": ["admin"], "preference": {}})

    def _event_source(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.session}":
            return Reply(401, {"detail": "Not authenticated"})
        known = self.sources[request.headers.get("x-context", "staging")]
        if request.line != "POST /event-source":
            source = known.get(unquote(request.line.rpartition("/")[2]))
            return Reply(200, source) if source else Reply(404)
        source = json.loads(request.body)
        name = str(source["id"])
        types = source["type"] if isinstance(source["type"], list) else [source["type"]]
        known[name] = {"enabled": True, "tags": ["general"], "locked": False} | source | {"type": types}
        return Reply(200, name if self.release == NEW else {"saved": 1, "errors": [], "ids": [name]})


class Server(ThreadingHTTPServer):
    """Bound when it is made, so that its address is known; answers from `listen` on."""

    daemon_threads = True

    def __init__(self, tracardi: Tracardi) -> None:
        super().__init__(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self.tracardi = tracardi
        self.server_bind()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        """Where a program reaches this server."""
        return f"http://127.0.0.1:{self.server_port}"

    def listen(self) -> None:
        """Until then, connections are refused."""
        self.server_activate()
        self._thread.start()

    def stop(self) -> None:
        """Returns when the thread has ended."""
        if self._thread.ident is not None:
            self.shutdown()
            self._thread.join()
        self.server_close()


@contextmanager
def serving(tracardi: Tracardi) -> Iterator[Server]:
    """A server that listens."""
    server = Server(tracardi)
    server.listen()
    try:
        yield server
    finally:
        server.stop()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    def handle_one_request(self) -> None:
        """A client that goes away is no event worth a line on stderr."""
        with suppress(ConnectionError):
            super().handle_one_request()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Nothing: tests read what was asked from `Tracardi.requests`."""

    def _serve(self) -> None:
        tracardi = cast("Server", self.server).tracardi
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(f"{self.command} {self.path}", headers, body)
        tracardi.requests.append(request)
        faults = tracardi.faults[request.line]
        fault = faults.popleft() if faults else None
        if isinstance(fault, Reply):
            self._send(fault)
        elif fault is Fault.RESET:
            self._reset()
        else:
            if fault is Fault.MEET:
                tracardi.meeting.wait(PATIENCE)
            self._send_somehow(tracardi.answer(request), fault)

    def _send_somehow(self, reply: Reply, fault: Fault | None) -> None:
        match fault:
            case Fault.CRASH:
                cast("Server", self.server).tracardi.plugins.clear()
                self._reset()
            case Fault.RESET_AFTER:
                self._reset()
            case Fault.SILENCE_AFTER:
                self.connection.settimeout(PATIENCE)
                self.connection.recv(1)
            case Fault.CUT_AFTER:
                self._send(reply, cut=True)
            case Fault.SLOW:
                threading.Event().wait(SLOWNESS)
                self._send(reply)
            case _:
                self._send(reply)

    def _send(self, reply: Reply, *, cut: bool = False) -> None:
        body = reply.body()
        self.send_response(reply.status)
        self.send_header("Content-Length", str(len(body)))
        if reply.location:
            self.send_header("Location", reply.location)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
