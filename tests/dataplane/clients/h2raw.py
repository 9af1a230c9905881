"""HTTP/2 requests that no HTTP library would send: any pseudo header, any header, any length."""

import contextlib
import ssl
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, Event, ResponseReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

from tests.dataplane.clients.raw import Line
from tests.dataplane.sandbox import Place

_SECONDS = 10.0
# The largest that every server takes.
_FRAME = 16384
# What is wrong on purpose must not be put right, and not be refused, on its way out.
_AS_GIVEN = H2Configuration(
    client_side=True,
    header_encoding="latin-1",
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
    split_outbound_cookies=False,
)

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class H2Request:
    """One request: its headers in this order, pseudo headers among them, and its body of less than 64 kB."""

    headers: Headers
    body: bytes = b""
    trailers: Headers = ()

    @classmethod
    def of(cls, method: str, authority: str, path: str, *more: tuple[str, str], body: bytes = b"") -> "H2Request":
        """A usual request with further headers."""
        pseudo = ((":method", method), (":scheme", "https"), (":authority", authority), (":path", path))
        return cls((*pseudo, *more), body)


@dataclass
class H2Answer:
    """What came back on one stream."""

    status: int | None = None
    """None when the stream or the connection ended without an answer."""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reset: int | None = None
    """The error code of RST_STREAM."""
    gone: int | None = None
    """The error code of GOAWAY, or -1 where the connection closed without one."""
    ended: bool = False


def h2_exchange(
    place: Place, address: str, port: int, tls: ssl.SSLContext, server_name: str, *requests: H2Request
) -> tuple[H2Answer, ...]:
    """The answers to `requests`, sent one after the other on one connection.

    `tls` has to offer h2 by ALPN. After the connection has ended there are no further answers.

    Raises:
        ssl.SSLError: the server refuses, or is refused.
        OSError: nobody accepts the connection, or no answer is complete after ten seconds.
        ValueError: the server has chosen another protocol.
    """
    with Line(place, address, port, tls=tls, server_name=server_name) as line:
        if (protocol := line.handshake().protocol) != "h2":
            raise ValueError(f"the server speaks {protocol}, not h2")
        session = _Session(line)
        found: list[H2Answer] = []
        for request in requests:
            found.append(session.ask(request))
            if found[-1].gone is not None:
                break
        return tuple(found)


class _Session:
    def __init__(self, line: Line) -> None:
        self._line = line
        self._h2 = H2Connection(_AS_GIVEN)
        self._h2.initiate_connection()
        self._flush()

    def ask(self, request: H2Request) -> H2Answer:
        stream = self._h2.get_next_available_stream_id()
        self._h2.send_headers(stream, request.headers, end_stream=not (request.body or request.trailers))
        pieces = [request.body[at : at + _FRAME] for at in range(0, len(request.body), _FRAME)]
        for piece in pieces:
            self._h2.send_data(stream, piece, end_stream=piece is pieces[-1] and not request.trailers)
        if request.trailers:
            self._h2.send_headers(stream, request.trailers, end_stream=True)
        self._flush()
        answer = H2Answer()
        while not answer.ended:
            data = self._line.receive(_SECONDS)
            if not data:
                answer.gone = -1 if answer.gone is None else answer.gone
                break
            try:
                events = self._h2.receive_data(data)
            except ProtocolError as error:
                raise ConnectionError(f"the server's HTTP/2 is broken: {error}") from error
            for event in events:
                self._note(event, stream, answer)
            self._flush()
        return answer

    def _note(self, event: Event, stream: int, answer: H2Answer) -> None:
        match event:
            case ResponseReceived(stream_id=at, headers=headers) if at == stream:
                answer.headers = {str(name): str(value) for name, value in headers or ()}
                answer.status = int(answer.headers[":status"])
            case DataReceived(stream_id=at, data=data, flow_controlled_length=length) if at == stream:
                answer.body += data or b""
                with contextlib.suppress(ProtocolError):
                    self._h2.acknowledge_received_data(length or 0, stream)
            case StreamEnded(stream_id=at) if at == stream:
                answer.ended = True
            case StreamReset(stream_id=at, error_code=code) if at == stream:
                answer.reset, answer.ended = int(code or 0), True
            case ConnectionTerminated(error_code=code, last_stream_id=last):
                # Streams up to the last one that is named are still answered.
                answer.gone, answer.ended = int(code or 0), bool(code) or (last or 0) < stream
            case _:
                pass

    def _flush(self) -> None:
        if data := self._h2.data_to_send():
            self._line.send(data)
