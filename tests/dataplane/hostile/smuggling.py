"""Requests that two programs could read as two different ones."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.dataplane.clients.h2raw import H2Request, Headers
from tests.dataplane.hostile.probes import EVENT, HOST, Probe, h1

_SENT = ("POST /track",)
_HIDDEN = f"GET /install HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
"""What would be another request to whoever takes the body for shorter than it is."""


def _sent(*fields: str, body: bytes = b"", method: str = "POST", target: str = "/track") -> bytes:
    lines = (f"{method} {target} HTTP/1.1", f"Host: {HOST}", "Content-Type: application/json", *fields)
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n" + body


def _hidden_after(*fields: str, body: bytes = b"aaaaa") -> bytes:
    return _sent(*fields, body=body + _HIDDEN)


_CHUNKED = "Transfer-Encoding: chunked"
_FIVE = "Content-Length: 5"
_LAST = b"0\r\n\r\n"

_LENGTHS = {
    # Whitespace around, repetitions and zeros in front have one meaning: five bytes, and then another request.
    "in whitespace": (" 5 \t", _SENT),
    "twice the same": ("5\r\nContent-Length: 5", _SENT),
    "a list of the same": ("5, 5", _SENT),
    "with zeros in front": ("0005", _SENT),
    "twice": ("5\r\nContent-Length: 6", ()),
    "a list": ("5, 6", ()),
    "a list with nothing": (",5", ()),
    "with a plus": ("+5", ()),
    "with a minus": ("-5", ()),
    "minus zero": ("-0", ()),
    "in two words": ("5 5", ()),
    "hexadecimal": ("0x5", ()),
    "with a fraction": ("5.0", ()),
    "huge": ("99999999999999999999", ()),
    "2 to the power of 64, and five": ("18446744073709551621", ()),
    "empty": ("", ()),
}

_CODINGS = {
    "unknown": "xchunked",
    "and none": "chunked, identity",
    "after none": "identity, chunked",
    "after another": "gzip, chunked",
    "upper case": "CHUNKED",
    "after a tab": "\tchunked",
    "after a vertical tab": "\x0bchunked",
    "quoted": '"chunked"',
    "with a parameter": "chunked;a=b",
    "twice in one": "chunked, chunked",
    "none": "identity",
    "twice": "chunked\r\nTransfer-Encoding: identity",
    "folded": "\r\n chunked",
}

_CHUNKS = {
    "no size": b"zz\r\naaaaa\r\n",
    "a negative size": b"-1\r\naaaaa\r\n",
    "a size with a prefix": b"0x5\r\naaaaa\r\n0\r\n\r\n",
    "an extension": b"5;a=b\r\naaaaa\r\n0;c\r\n\r\n",
    "an extension that ends early": b"0;a\n\r\n\r\n",
    "a size that is too large": b"fffffffffffffffff\r\naaaaa\r\n",
    "bare ends of lines": b"0\n\n",
    "no end of a chunk": b"1\r\naX0\r\n\r\n",
    "trailers": b"0\r\nX-Forwarded-For: 192.0.2.10\r\nContent-Length: 50\r\n\r\n",
    "spaces around a size": b" 0 \r\n\r\n",
    "two carriage returns": b"0\r\r\n\r\n",
    "nothing in it": _LAST,
    "a body": b"%x\r\n%b\r\n0\r\n\r\n" % (len(EVENT), EVENT),
}


def _lengths() -> Iterator[Probe]:
    for name, (value, reaches) in _LENGTHS.items():
        yield Probe(f"length {name}", _hidden_after(f"Content-Length: {value}"), reaches)
    yield Probe("length before a spaced colon", _hidden_after("Content-Length : 5"))
    yield Probe(
        "length in a folded line", _hidden_after("X-A: a\r\n Content-Length: 5", "Content-Length: 0", body=b""), _SENT
    )


def _codings() -> Iterator[Probe]:
    size = len(_LAST + _HIDDEN)
    yield Probe("length, then chunks", _hidden_after(f"Content-Length: {size}", _CHUNKED, body=_LAST))
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(_HIDDEN), _HIDDEN)
    yield Probe("chunks, then length", _sent("Content-Length: 4", _CHUNKED, body=chunk))
    for name, value in _CODINGS.items():
        yield Probe(f"coding {name}", _hidden_after(f"Transfer-Encoding: {value}", _FIVE, body=_LAST))
    yield Probe("coding before a spaced colon", _hidden_after("Transfer-Encoding : chunked", _FIVE, body=_LAST))
    yield Probe("coding after a bare LF", _hidden_after("X-A: a\nTransfer-Encoding: chunked", _FIVE, body=_LAST))
    for name, body in _CHUNKS.items():
        yield Probe(f"chunks with {name}", _hidden_after(_CHUNKED, body=body))


def _lines() -> Iterator[Probe]:
    plain = h1("POST", "/track", "X-A: a", body=EVENT)
    yield Probe("folded", plain.replace(b"X-A: a", b"X-A: a\r\n b"), _SENT)
    yield Probe("bare LF", plain.replace(b"\r\n", b"\n"), _SENT)
    yield Probe("bare CR", plain.replace(b"X-A: a", b"X-A: a\rGET /install HTTP/1.1"))
    yield Probe("an empty name", plain.replace(b"X-A: a", b": a"))
    yield Probe("a space in a name", plain.replace(b"X-A: a", b"X A: a"))
    yield Probe("no colon", plain.replace(b"X-A: a", b"X-A"))
    yield Probe("a folded first line", plain.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\n X: a\r\n"))
    yield Probe(
        "a body for GET",
        _sent(f"Content-Length: {len(_HIDDEN)}", body=_HIDDEN, method="GET", target="/tracker/"),
        ("GET /tracker/",),
    )
    yield Probe("another request behind", plain + _HIDDEN, _SENT)
    yield Probe("a body that waits", h1("POST", "/track", "Expect: 100-continue", body=EVENT) + _HIDDEN, _SENT)
    upgrade = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
    yield Probe("an upgrade to HTTP/2", h1("POST", "/track", *upgrade, body=EVENT) + _HIDDEN, _SENT)
    socket = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    yield Probe("an upgrade to websockets", h1("GET", "/tracker/", *socket) + _HIDDEN, ("GET /tracker/",))


HTTP1 = (*_lengths(), *_codings(), *_lines())


@dataclass(frozen=True)
class H2Probe:
    """A request of HTTP/2 on a connection of its own, and all that an instance may see of it."""

    name: str
    request: H2Request
    reaches: tuple[str, ...] = ()


_USUAL: Headers = ((":method", "POST"), (":scheme", "https"), (":authority", HOST), (":path", "/track"))
_TOLD = ("content-length", str(len(EVENT)))
_SMALL = (("content-type", "application/json"), _TOLD)


def _pseudo(name: str, **values: str | None) -> H2Probe:
    headers = ((key, values.get(key[1:], value)) for key, value in _USUAL)
    return H2Probe(name, H2Request((*((key, value) for key, value in headers if value is not None), *_SMALL), EVENT))


def _reaching(probe: H2Probe) -> H2Probe:
    return H2Probe(probe.name, probe.request, _SENT)


def _field(name: str, *fields: tuple[str, str], reaches: tuple[str, ...] = ()) -> H2Probe:
    return H2Probe(name, H2Request((*_USUAL, *_SMALL, *fields), EVENT), reaches)


def _length(name: str, told: str | None, body: bytes) -> H2Probe:
    fields = (("content-length", told),) if told is not None else ()
    return H2Probe(name, H2Request((*_USUAL, *fields), body))


HTTP2 = (
    _reaching(_pseudo("as it should be")),
    _reaching(_pseudo("scheme http", scheme="http")),
    _reaching(_pseudo("host in upper case", authority=HOST.upper())),
    _reaching(_pseudo("host with a port", authority=f"{HOST}:443")),
    _pseudo("scheme ftp", scheme="ftp"),
    _pseudo("a scheme that holds an address", scheme="https://other.test/install?"),
    _pseudo("no scheme", scheme=None),
    _pseudo("path without a slash", path="track"),
    _pseudo("path with a host", path=f"https://{HOST}/track"),
    _pseudo("path of the installer with a host", path=f"https://{HOST}/install"),
    _pseudo("two slashes", path="//track"),
    _pseudo("asterisk", method="OPTIONS", path="*"),
    _pseudo("empty path", path=""),
    _pseudo("no path", path=None),
    _pseudo("no host", authority=None),
    _pseudo("another host", authority="other.test"),
    _pseudo("host with a user", authority=f"other@{HOST}"),
    _pseudo("host with a path", authority=f"{HOST}/install?"),
    _pseudo("host with a path behind the port", authority=f"{HOST}:443/install?"),
    _pseudo("path with a line of headers", path="/track HTTP/1.1\r\nX-A: a"),
    _pseudo("path with a space", path="/track /install"),
    _pseudo("path with a fragment", path="/track#/install"),
    _pseudo("path with NUL", path="/track\0"),
    _pseudo("query with a space", path="/track?a b"),
    _pseudo("a request in the method", method="GET /install HTTP/1.1\r\nX-A: "),
    _pseudo("method in lower case", method="post"),
    _pseudo("method trace", method="TRACE"),
    H2Probe("connect", H2Request(((":method", "CONNECT"), (":authority", f"{HOST}:443")))),
    H2Probe("connect to websockets", H2Request(((":method", "CONNECT"), *_USUAL[1:], (":protocol", "websocket")))),
    H2Probe("host as a header", H2Request((*_USUAL[:2], ("host", HOST), _USUAL[3], *_SMALL), EVENT)),
    H2Probe("path after a header", H2Request((*_USUAL[:3], *_SMALL, _USUAL[3]), EVENT)),
    H2Probe("two paths", H2Request((*_USUAL, (":path", "/install"), *_SMALL), EVENT)),
    _field("host twice", ("host", "other.test"), reaches=_SENT),
    _field("a header behind a line end", ("x-a", "a\r\nTransfer-Encoding: chunked")),
    _field("LF", ("x-a", "a\nb")),
    _field("CR", ("x-a", "a\rb")),
    _field("NUL", ("x-a", "a\0b")),
    _field("a header in a name", ("x-a: a\r\ntransfer-encoding", "chunked")),
    _field("a colon in a name", ("x-a: a", "b")),
    _field("a name in upper case", ("X-A", "a")),
    _field("chunked", ("transfer-encoding", "chunked")),
    _field("connection", ("connection", "x-forwarded-for")),
    _field("two lengths", ("content-length", "5")),
    _length("length too small", "5", _LAST + _HIDDEN),
    _length("length too large", "500", EVENT),
    _length("length zero", "0", EVENT),
    _length("no length", None, EVENT),
    H2Probe("trailers", H2Request((*_USUAL, *_SMALL), EVENT, (("x-forwarded-for", "192.0.2.10"),)), _SENT),
    H2Probe("trailers without a body", H2Request(_USUAL, b"", (("x-forwarded-for", "192.0.2.10"),)), _SENT),
    H2Probe("trailers with a path", H2Request((*_USUAL, *_SMALL), EVENT, ((":path", "/install"),))),
)
