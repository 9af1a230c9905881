"""Many HTTP/2 streams on one connection, in ways that no browser has."""

import contextlib
from collections import Counter

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, ResponseReceived, StreamEnded, StreamReset

from tests.dataplane.clients.events import event
from tests.dataplane.clients.http1 import Peer
from tests.dataplane.clients.raw import Line
from tests.dataplane.sandbox import Place

_SECONDS = 10.0
_BATCH = 50
# The largest that every server takes.
_FRAME = 16384
_Headers = list[tuple[str, str]]


def at_once(place: Place, peer: Peer, number: int, *more: tuple[str, str]) -> Counter[int]:
    """The answers to so many events, sent before the first answer is read; at most as many as the server allows."""
    with _line(place, peer) as line:
        session = _session(line)
        body = event("stream")
        headers = [*_headers(peer, "POST"), ("content-type", "application/json"), ("content-length", str(len(body)))]
        for _ in range(number):
            stream = session.get_next_available_stream_id()
            session.send_headers(stream, [*headers, *more])
            session.send_data(stream, body, end_stream=True)
        line.send(session.data_to_send())
        return _statuses(line, session, number)


def upload(place: Place, peer: Peer, more: _Headers, body: bytes) -> int | None:
    """The status that one POST with a body of any length is answered with."""
    with _line(place, peer) as line:
        session = _session(line)
        stream = session.get_next_available_stream_id()
        session.send_headers(stream, [*_headers(peer, "POST"), *more])
        while body and (room := min(session.local_flow_control_window(stream), _FRAME)):
            session.send_data(stream, body[:room])
            body = body[room:]
        line.send(session.data_to_send())
        return next(iter(_statuses(line, session, 1)), None)


def opened_and_reset(place: Place, peer: Peer, number: int) -> int:
    """Open streams and reset each at once; returns how many until the server ended the connection."""
    with _line(place, peer) as line:
        session = _session(line)
        for begun in range(0, number, _BATCH):
            for _ in range(_BATCH):
                stream = session.get_next_available_stream_id()
                session.send_headers(stream, _headers(peer, "POST"), end_stream=True)
                session.reset_stream(stream)
            if not line.send(session.data_to_send()) or not _heard(line, session):
                return begun
        return number


def _heard(line: Line, session: H2Connection) -> bool:
    """Read what there is; whether the connection goes on."""
    with contextlib.suppress(TimeoutError):
        while data := line.receive(0.001):
            events = session.receive_data(data)
            line.send(session.data_to_send())
            if any(isinstance(each, ConnectionTerminated) for each in events):
                return False
        return False
    return True


def _statuses(line: Line, session: H2Connection, number: int) -> Counter[int]:
    statuses: Counter[int] = Counter()
    ended = 0
    while ended < number and (data := line.receive(_SECONDS)):
        for each in session.receive_data(data):
            match each:
                case ResponseReceived(headers=headers):
                    statuses.update(int(value) for name, value in headers or () if str(name) == ":status")
                case StreamEnded() | StreamReset():
                    ended += 1
                case _:
                    pass
        line.send(session.data_to_send())
    return statuses


def _line(place: Place, peer: Peer) -> Line:
    return Line(place, peer.addresses[0], peer.port, tls=peer.tls, server_name=peer.server_name)


def _session(line: Line) -> H2Connection:
    session = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    session.initiate_connection()
    line.send(session.data_to_send())
    # The server's settings, and with them how many streams it allows.
    session.receive_data(line.receive(_SECONDS))
    return session


def _headers(peer: Peer, method: str) -> _Headers:
    return [(":method", method), (":scheme", "https"), (":authority", peer.host), (":path", peer.path)]
