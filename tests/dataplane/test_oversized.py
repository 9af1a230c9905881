"""What is too long, too much or no HTTP at all is refused by the balancer, and never reaches an instance."""

from http import HTTPStatus

import pytest

from tests.dataplane.clients.raw import Line
from tests.dataplane.clients.streams import upload
from tests.dataplane.conftest import Sites
from tests.dataplane.hostile.abuse import asked, head
from tests.dataplane.installation.entries import Entry
from tests.dataplane.installation.sites import small
from tests.dataplane.sandbox import Place

_NOISE_SECONDS = 2.0


@pytest.fixture(scope="module")
def entry(sites: Sites) -> Entry:
    site = sites(small())
    api = site.run_track()
    found = Entry(site)
    found.settle(site.visitor, len(api.pods))
    return found


@pytest.fixture
def abuser(entry: Entry) -> Place:
    """Somebody with an address that nobody else has."""
    return entry.site.stranger()


def limit(entry: Entry) -> int:
    return entry.site.settings.track.balancer.max_body_bytes


@pytest.mark.parametrize("beyond", [0, 1])
def test_a_body_of_the_greatest_size_passes_and_a_byte_more_does_not(entry: Entry, abuser: Place, beyond: int) -> None:
    length = limit(entry) + beyond
    said = asked(entry, abuser, head(entry, length, "Connection: close") + b"{" * length)

    # Nothing that an instance could make sense of.
    assert said == ([413] if beyond else [422])


def test_a_body_that_is_said_to_be_too_long_is_refused_by_its_beginning(entry: Entry, abuser: Place) -> None:
    assert asked(entry, abuser, head(entry, limit(entry) + 1) + b"{" * 20_000) == [413]


def test_a_body_without_a_length_is_refused(entry: Entry, abuser: Place) -> None:
    chunks = b"4000\r\n" + b"{" * 0x4000 + b"\r\n"
    first = head(entry, 0, "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")

    assert asked(entry, abuser, first + chunks * 100 + b"0\r\n\r\n") == [413]


@pytest.mark.parametrize("told", [True, False], ids=["told", "untold"])
def test_http2_has_the_same_limit(entry: Entry, abuser: Place, told: bool) -> None:  # noqa: FBT001 - a parameter
    body = b"{" * (limit(entry) + 1)
    headers = [("content-type", "application/json"), *([("content-length", str(len(body)))] if told else [])]

    assert upload(abuser, entry.peer(http2=True), headers, body) == 413


@pytest.mark.parametrize(
    "more",
    [
        ["X-Long: " + "x" * 20_000],
        [f"X-{number}: 1" for number in range(200)],
        ["Cookie: " + "; ".join(f"c{number}=1" for number in range(4000))],
    ],
    ids=["long", "many", "cookies"],
)
def test_headers_beyond_measure_are_refused(entry: Entry, abuser: Place, more: list[str]) -> None:
    (status,) = asked(entry, abuser, head(entry, 0, *more))

    assert status in {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE}


def test_a_target_beyond_measure_is_refused(entry: Entry, abuser: Place) -> None:
    target = b"/track?" + b"x" * 20_000
    (status,) = asked(entry, abuser, head(entry, 0).replace(b"/track", target, 1))

    assert status in {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_URI_TOO_LONG}


@pytest.mark.parametrize(
    "garbage",
    [b"\0" * 1000, b"GET /track HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff\x01"],
    ids=["zeros", "http", "hello"],
)
def test_what_is_no_tls_ends_the_connection(entry: Entry, abuser: Place, garbage: bytes) -> None:
    with Line(abuser, entry.address, 443) as line:
        line.send(garbage + b"\0" * 70_000)
        said = b""
        # Raises TimeoutError where the connection stays open.
        while data := line.receive(_NOISE_SECONDS):
            said += data

    assert b"HTTP" not in said


def test_tls_is_not_negotiated_again(entry: Entry, abuser: Place) -> None:
    connect = f"openssl s_client -tls1_2 -connect {entry.address}:443 -servername {entry.site.host(entry.role)}"
    said = abuser.run("sh", "-c", f"(sleep 1; echo R; sleep 1) | {connect}")

    assert "RENEGOTIATING" in said.stderr
    assert "no renegotiation" in said.stderr, said.stderr
