"""HTTP/2 for load: many requests at once on few connections."""

import asyncio
import contextlib
from typing import cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, Event, ResponseReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError
from hyperframe.frame import Frame, GoAwayFrame

from tests.dataplane.clients.http1 import Peer, Reply

_USUAL_STREAMS = 100


class UnprocessedError(ConnectionError):
    """The server has said that it did not look at the request: a client may send it again without harm."""


class _Session(H2Connection):
    """A connection whose requests are still answered after the server has announced its end, as the protocol says."""

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[Event]]:
        before = self.state_machine.state
        heard = super()._receive_goaway_frame(frame)
        # The library takes the announcement for the end itself.
        self.state_machine.state = before
        return heard


class Http2(asyncio.Protocol):
    """A connection that carries as many requests as the server allows."""

    def __init__(self, peer: Peer) -> None:
        self.busy = 0
        self._session = _Session(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._headers = (
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", peer.host),
            (":path", peer.path),
            ("content-type", "application/json"),
        )
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._heard: dict[int, dict[str, str]] = {}
        self._content: dict[int, bytes] = {}
        self._ended = False
        self._words = 0
        self._reuse = peer.reuse

    @classmethod
    async def open(cls, peer: Peer, address: str) -> "Http2":
        """Connect. Raises OSError."""
        _, protocol = await asyncio.get_running_loop().create_connection(
            lambda: cls(peer),
            address,
            peer.port,
            ssl=peer.tls,
            server_hostname=peer.server_name,
            local_addr=peer.local,
        )
        return protocol

    @property
    def capacity(self) -> int:
        """How many requests it may carry at once."""
        if not self._reuse:
            return 1
        return min(self._session.remote_settings.max_concurrent_streams, _USUAL_STREAMS)

    @property
    def ended(self) -> bool:
        """Whether no further request may be sent."""
        return self._ended

    async def ask(self, body: bytes) -> Reply:
        """Send, and wait for the whole answer. Raises OSError, h2's ProtocolError."""
        stream = self._session.get_next_available_stream_id()
        self._waiting[stream] = asyncio.get_running_loop().create_future()
        try:
            self._session.send_headers(stream, (*self._headers, ("content-length", str(len(body)))))
            self._session.send_data(stream, body, end_stream=True)
            self._flush()
            words = self._words
            return await self._waiting[stream]
        except asyncio.CancelledError:
            # Whoever has said nothing at all meanwhile may have gone without a word: browsers ask, and then let go.
            self._ended |= self._words == words
            with contextlib.suppress(ProtocolError):
                self._session.reset_stream(stream)
                self._flush()
            raise
        finally:
            del self._waiting[stream]
            self._heard.pop(stream, None)
            self._content.pop(stream, None)

    def drop(self) -> None:
        """Close at once."""
        self._ended = True
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin HTTP/2."""
        # Of a TCP connection, as asyncio promises.
        self._transport = cast("asyncio.Transport", transport)
        self._session.initiate_connection()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        self._ended = True
        for stream in list(self._waiting):
            self._fail(stream, exc or ConnectionError("closed by the server"))

    def data_received(self, data: bytes) -> None:
        """Something has come."""
        self._words += 1
        for event in self._session.receive_data(data):
            self._note(event)
        self._flush()

    def _note(self, event: Event) -> None:
        match event:
            case ResponseReceived(stream_id=int(stream), headers=headers):
                self._heard[stream] = {str(name): str(value) for name, value in headers or ()}
            case DataReceived(stream_id=int(stream), flow_controlled_length=int(length), data=bytes(data)):
                self._content[stream] = self._content.get(stream, b"") + data
                self._session.acknowledge_received_data(length, stream)
            case StreamEnded(stream_id=int(stream)):
                heard = self._heard.get(stream, {})
                content = self._content.get(stream, b"")
                self._settle(stream, Reply(int(heard[":status"]), heard.get("x-instance", ""), content))
            case StreamReset(stream_id=int(stream), error_code=code):
                self._fail(stream, ConnectionError(f"stream reset: {code!r}"))
            case ConnectionTerminated(error_code=code, last_stream_id=last):
                self._ended = True
                for unseen in [stream for stream in self._waiting if stream > (last or 0)]:
                    self._fail(unseen, UnprocessedError(f"GOAWAY: {code!r}"))
            case _:
                pass

    def _settle(self, stream: int, reply: Reply) -> None:
        if (waiting := self._waiting.get(stream)) and not waiting.done():
            waiting.set_result(reply)

    def _fail(self, stream: int, error: Exception) -> None:
        if (waiting := self._waiting.get(stream)) and not waiting.done():
            waiting.set_exception(error)

    def _flush(self) -> None:
        if data := self._session.data_to_send():
            self._transport.write(data)
