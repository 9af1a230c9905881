"""Clients of HTTP, well-behaved and not."""

import select
import socket
import ssl
import struct

import httpx
import pytest

from tests.dataplane.clients.answers import MalformedError
from tests.dataplane.clients.h2raw import H2Request, h2_exchange
from tests.dataplane.clients.http import Client, origin
from tests.dataplane.clients.raw import Line, exchange, handshake
from tests.dataplane.clients.trust import trusting
from tests.dataplane.neighbours.scripted import OK, request_on, server
from tests.dataplane.sandbox import Place
from tests.dataplane.test_clients.proxy import HOST


@pytest.mark.parametrize("http2", [True, False])
def test_a_client_keeps_its_connection_and_speaks_what_it_was_told(
    place: Place, haproxy: str, ca: str, *, http2: bool
) -> None:
    with Client(place, haproxy, HOST, ca, http2=http2) as client:
        first, second = client.track("a"), client.get("/busy")

    assert [first.status_code, second.status_code] == [200, 503]
    assert {first.http_version, second.http_version} == {"HTTP/2" if http2 else "HTTP/1.1"}
    assert origin(first) == origin(second)


def test_a_client_refuses_a_foreign_authority_and_another_name(
    place: Place, haproxy: str, ca: str, foreign: str
) -> None:
    with (
        Client(place, haproxy, HOST, foreign) as client,
        pytest.raises(httpx.ConnectError, match="unable to get local"),
    ):
        client.get("/")
    with Client(place, haproxy, "other.example.com", ca) as client, pytest.raises(httpx.ConnectError, match="mismatch"):
        client.get("/")


def test_a_client_does_not_try_again(place: Place) -> None:
    asked: list[bytes] = []

    def hangs_up(connection: socket.socket, number: int) -> None:
        asked.append(request_on(connection))
        if not number:
            connection.sendall(OK)
            asked.append(request_on(connection))

    with server(place, hangs_up) as port, Client(place, place.address, HOST, None, port) as client:
        assert client.track("a").status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            client.track("b")

    assert [b'"b"' in each for each in asked] == [False, True]


def test_bytes_arrive_as_they_were_given_and_all_answers_come_back(place: Place) -> None:
    heard: list[bytes] = []

    def twice(connection: socket.socket, number: int) -> None:  # noqa: ARG001 - there is one
        heard.append(request_on(connection))
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)
        connection.sendall(b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        request_on(connection)

    asked = b"GET http://x/a/%2e%2E//b HTTP/1.0\nHost : y\r\n z\r\n\r\n"
    with server(place, twice) as port:
        said = exchange(place, place.address, port, asked)

    assert heard == [asked]
    assert (said.statuses, said.answers[1].body, said.left, said.closed) == ([200, 404], b"abc", b"", False)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", b"HTTP/1.1 200", b""])
def test_half_an_answer_is_none(place: Place, answer: bytes) -> None:
    def breaks_off(connection: socket.socket, number: int) -> None:  # noqa: ARG001 - there is one
        request_on(connection)
        connection.sendall(answer)

    with server(place, breaks_off) as port:
        said = exchange(place, place.address, port, b"GET / HTTP/1.1\r\n\r\n")

    assert (said.answers, said.left, said.closed) == ((), answer, True)


def test_an_answer_of_no_http_is_refused(place: Place) -> None:
    with (
        server(place, lambda connection, _: connection.sendall(b"220 mail\r\n")) as port,
        pytest.raises(MalformedError, match="220 mail"),
    ):
        exchange(place, place.address, port, b"GET / HTTP/1.1\r\n\r\n")


def test_a_handshake_shows_the_certificate_and_refuses_a_foreign_one(
    place: Place, haproxy: str, ca: str, foreign: str
) -> None:
    shown = handshake(place, haproxy, 443, trusting(ca, protocols=("h2",)), HOST)

    assert (shown.version, shown.protocol) == ("TLSv1.3", "h2")
    assert HOST.encode() in shown.certificate
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(place, haproxy, 443, trusting(foreign), HOST)


def test_http2_headers_arrive_as_they_were_given(place: Place, haproxy: str, ca: str) -> None:
    good = H2Request.of("POST", HOST, "/track", ("content-type", "text/plain"), body=b"x" * 40000)
    wrong_length = H2Request.of("POST", HOST, "/track", ("content-length", "1"), body=b"more")
    forbidden = H2Request.of("GET", HOST, "/busy", ("X-Upper", "1"), ("transfer-encoding", "chunked"))
    tls = trusting(ca, protocols=("h2",))

    first, busy, refused = h2_exchange(
        place, haproxy, 443, tls, HOST, good, H2Request.of("GET", HOST, "/busy"), wrong_length
    )
    (malformed,) = h2_exchange(place, haproxy, 443, tls, HOST, forbidden)

    assert [(first.status, first.body), busy.status] == [(200, b"{}"), 503]
    assert (refused.status, malformed.status) == (None, None)
    assert refused.reset or refused.gone
    assert malformed.reset or malformed.gone


def test_a_line_says_what_comes_before_tls_and_tells_a_closed_server(place: Place) -> None:
    heard: list[bytes] = []

    def listens(connection: socket.socket, number: int) -> None:  # noqa: ARG001 - there is one
        heard.append(connection.recv(100))

    with server(place, listens) as port, Line(place, place.address, port, preface=b"PROXY UNKNOWN\r\n") as line:
        assert line.hear(seconds=5).closed

    assert heard == [b"PROXY UNKNOWN\r\n"]


def test_a_connection_that_is_reset_before_its_handshake_is_closed_at_once() -> None:
    """The socket that the handshake would have been on leaves no warning behind, which pytest would find."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        select.select([client], [], [], 5)

        with pytest.raises(ConnectionError), trusting(None).wrap_socket(client, server_hostname=HOST):
            pass
