"""Requests that try to get where the internet may not, and what an instance may see of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.dataplane.clients.events import event
from tests.dataplane.clients.h2raw import H2Request
from tests.dataplane.evidence.wiretap import Sent

HOST = "host.of.the.entry"
"""Stands for the entry's host name in what follows."""

_OPEN = {
    "track": (("POST OPTIONS", r"/track"),),
    "tracker": (("GET HEAD", r"/tracker/([\w~@-][\w.~@-]*/)*([\w~@-][\w.~@-]*)?"),),
    "collect": (("GET POST OPTIONS", r"/collect/[\w-][\w.~@-]*/[\w-][\w.~@-]*(/[\w-][\w.~@-]*)?"),),
    "redirect": (("GET", r"/redirect/[\w-][\w.~@-]*(/[\w-][\w.~@-]*)?"),),
    "consent": (
        ("POST OPTIONS", r"/customer/consent"),
        ("GET OPTIONS", r"/consents/type/(enabled|by_tag|ids)"),
    ),
}
"""Written down once more: what the program makes of its own table is what is tried."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "post", "FOO")

EXAMPLES = {
    "track": {"/track": "POST OPTIONS"},
    "tracker": {"/tracker/": "GET HEAD", "/tracker/tracker.js": "GET HEAD"},
    "collect": {"/collect/page-view/website": "GET POST OPTIONS", "/collect/page-view/website/s": "GET POST OPTIONS"},
    "redirect": {"/redirect/campaign": "GET", "/redirect/campaign/s": "GET"},
    "consent": {"/customer/consent": "POST OPTIONS", "/consents/type/ids": "GET OPTIONS"},
}
"""Paths of each group of routes, and the methods that may be used with them."""

SECRET = (
    *("/", "/install", "/install/plugins", "/user/token", "/docs", "/redoc", "/openapi.json", "/healthcheck"),
    *("/event/logs/1", "/node/logs/1", "/flow/logs/1", "/info/version", "/uix/a/file.js", "/manual/en/docs/a"),
    *("/event-source/1", "/user", "/metrics", "/healthz", "/profile/1"),
)
"""Paths for which no stranger ever gets an answer of an instance."""


def collects(sent: Sent, opened: frozenset[str]) -> bool:
    """Whether an instance takes this for event collection, of the groups that are `opened`."""
    path = sent.target.partition("?")[0]
    return any(
        sent.method in methods.split() and re.fullmatch(pattern, path, re.ASCII)
        for group in opened | {"track"}
        for methods, pattern in _OPEN[group]
    )


def spellings(path: str) -> Iterator[str]:
    """Ways to write `path`, for one program or another."""
    name = path[1:]
    yield from (path, f"{path}/", f"/{path}", f"//{path}", f"/.{path}", f"/x/..{path}", f"/%2f{name}", f"/%2e{path}")
    yield from (
        f"/track/..{path}",
        f"/tracker/..{path}",
        f"/tracker/../..{path}",
        f"/track{path}",
        f"/collect/..{path}",
    )
    yield from (f"/tracker/%2e%2e{path}", f"/tracker/.%2e{path}", f"/tracker/..%2f{name}", f"/tracker/%252e%252e{path}")
    yield from (f"/tracker/..;{path}", f"/track;{path}", f"/tracker/..%5c{name}", f"/tracker/..\\{name}", f"\\{name}")
    yield from (f"/tracker/..%c0%af{name}", f"/tracker/%2e%2e%2f{name}", f"/track%2f..{path}", f"/track/%2e%2e{path}")
    yield from (f"{path}?/track", f"{path};/track", f"{path}%00/track", f"{path}%3f/track", f"{path}%20", f"{path}.")
    yield from (f"/track%00{path}", f"/track%3f{path}", f"/track%23{path}", f"/track%0d%0a{path}", f"/./track/..{path}")
    yield from (
        path.upper(),
        path.title(),
        path.replace("/", "%2F"),
        f"/%{ord(name[0]):x}{name[1:]}" if name else "/%2f",
    )


def h1(method: str, target: str, *fields: str, body: bytes = b"", version: str = "1.1", host: str = HOST) -> bytes:
    """A request of HTTP/1; methods that usually have a body get one."""
    told = (f"Content-Length: {len(body)}",) if body or method.upper() in {"POST", "PUT", "PATCH"} else ()
    kind = ("Content-Type: application/json",) if body else ()
    lines = (f"{method} {target} HTTP/{version}", f"Host: {host}", *kind, *told, *fields)
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n" + body


def h2(method: str, target: str, *fields: tuple[str, str], body: bytes = b"", host: str = HOST) -> H2Request:
    """A request of HTTP/2."""
    told = (("content-length", str(len(body))), ("content-type", "application/json")) if body else ()
    return H2Request.of(method, host, target, *told, *fields, body=body)


def meant_for(host: str, data: bytes) -> bytes:
    """`data` for an entry."""
    return data.replace(HOST.encode(), host.encode()).replace(HOST.upper().encode(), host.upper().encode())


def h2_meant_for(host: str, request: H2Request) -> H2Request:
    """`request` for an entry."""
    headers = ((name, value.replace(HOST, host).replace(HOST.upper(), host.upper())) for name, value in request.headers)
    return H2Request(tuple(headers), meant_for(host, request.body), request.trailers)


@dataclass(frozen=True)
class Probe:
    """Bytes on a connection of their own, and all that an instance may see of them."""

    name: str
    data: bytes
    reaches: tuple[str, ...] = ()


EVENT = event("probe")
_SENT = "POST /track"
_CLOSE = "Connection: close"


def _post(target: str, *fields: str, version: str = "1.1", host: str = HOST) -> bytes:
    return h1("POST", target, *fields, _CLOSE, body=EVENT, version=version, host=host)


def _get(target: str, *fields: str, method: str = "GET", version: str = "1.1", host: str = HOST) -> bytes:
    return h1(method, target, *fields, _CLOSE, version=version, host=host)


TARGETS = (
    Probe("as it should be", _post("/track"), (_SENT,)),
    Probe("a query that looks like a path", _post("/track?/../install"), ("POST /track?/../install",)),
    Probe("an encoded query", _post("/track?a=%00%0d%0a%2f.."), ("POST /track?a=%00%0d%0a%2f..",)),
    Probe("a long query", _post(f"/track?{'a' * 8000}"), (f"POST /track?{'a' * 8000}",)),
    Probe("too long a target", _post(f"/track?{'a' * 20000}")),
    Probe("absolute", _post(f"http://{HOST}/track")),
    Probe("absolute with TLS", _post(f"https://{HOST}/track")),
    Probe("absolute with another scheme", _post(f"ftp://{HOST}/track")),
    Probe("absolute with a user", _post(f"https://a@{HOST}/track")),
    Probe("absolute with a port", _post(f"https://{HOST}:443/track")),
    Probe("absolute with another host", _post("https://other.test/track")),
    Probe("absolute without a path", _get(f"http://{HOST}")),
    Probe("absolute to the installer", _get(f"http://{HOST}/install")),
    Probe("relative", _post("track")),
    Probe("asterisk", _get("*", method="OPTIONS")),
    Probe("connect", _get(f"{HOST}:443", method="CONNECT")),
    Probe("connect with a path", _get("/track", method="CONNECT")),
    Probe("fragment", _post("/track#/install")),
    Probe("fragment after a query", _post("/track?a#/install")),
    Probe("NUL in the path", _post("/track\0")),
    Probe("NUL in the query", _post("/track?\0")),
    Probe("CR in the path", _post("/track\r")),
    Probe("LF in the path", _post("/track\nX: ")),
    Probe("eight bits", _post("/track?\xff")),
    Probe("a space in the path", _post("/track /install")),
    Probe("HTTP/1.0", _post("/track", version="1.0"), (_SENT,)),
    Probe("HTTP/1.0 without a host", b"POST /track HTTP/1.0\r\nContent-Length: 0\r\n\r\n"),
    Probe("HTTP/1.0 to the installer", _get("/install", version="1.0")),
    Probe("HTTP/0.9", b"GET /tracker/\r\n\r\n"),
    Probe("HTTP/0.9 to the installer", b"GET /install\r\n\r\n"),
    Probe(
        "another path in headers",
        _post("/track", "X-Original-URL: /install", "X-Rewrite-URL: /install", "X-Forwarded-Prefix: /install"),
        (_SENT,),
    ),
    Probe("another method in a header", _post("/track", "X-HTTP-Method-Override: PUT"), (_SENT,)),
    Probe("a websocket", _get("/install", "Connection: Upgrade", "Upgrade: websocket")),
)
"""What a request line can say."""

HOSTS = (
    Probe("upper case", _post("/track", host=HOST.upper()), (_SENT,)),
    Probe("with the port", _post("/track", host=f"{HOST}:443"), (_SENT,)),
    Probe("with a path behind the port", _post("/track", host=f"{HOST}:443/install?"), (_SENT,)),
    Probe("another", _post("/track", host="other.test")),
    Probe("none", f"POST /track HTTP/1.1\r\nContent-Length: 0\r\n{_CLOSE}\r\n\r\n".encode()),
    Probe("empty", _post("/track", host="")),
    Probe("longer", _post("/track", host=f"{HOST}.other.test")),
    Probe("longer at the front", _post("/track", host=f"other.{HOST}")),
    Probe("with a final dot", _post("/track", host=f"{HOST}.")),
    Probe("with a user", _post("/track", host=f"other@{HOST}")),
    Probe("first of a list", _post("/track", host=f"{HOST}, other.test")),
    Probe("last of a list", _post("/track", host=f"other.test, {HOST}")),
    Probe("an address", _post("/track", host="198.51.100.10")),
    Probe("two", _post("/track", "Host: other.test")),
    Probe("two, the other one first", _post("/track", f"Host: {HOST}", host="other.test")),
)
"""What a Host header can say."""
