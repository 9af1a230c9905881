"""A place with a proxy that clients talk to, and whom they trust."""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.dataplane.sandbox import Place, World
from tests.dataplane.test_clients.proxy import HAPROXY, HOST, PAGE


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs the servers' certificates."""
    return trustme.CA()


@pytest.fixture(scope="module")
def ca(authority: trustme.CA) -> str:
    """Its certificate."""
    return authority.cert_pem.bytes().decode()


@pytest.fixture(scope="module")
def foreign() -> str:
    """The certificate of an authority that has signed nothing."""
    return trustme.CA().cert_pem.bytes().decode()


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """A server's side."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    return context


@pytest.fixture(scope="module")
def place(debian: Path) -> Iterator[Place]:
    """Where clients and servers are."""
    with World(debian) as world:
        yield world.place("here", world.network("net", "203.0.113.0/24", "2001:db8:beef::/64"))


@pytest.fixture(scope="module")
def haproxy(place: Place, authority: trustme.CA) -> Iterator[str]:
    """The address of a proxy that answers by itself, over HTTP/2 and HTTP/1.1."""
    certificate = authority.issue_cert(HOST).private_key_and_cert_chain_pem.bytes().decode()
    files = 'printf %s "$1" >/tmp/certificate; printf %s "$2" >/tmp/page; printf %s "$3" >/tmp/cfg'
    process = place.start("sh", "-c", f"{files}; exec haproxy -f /tmp/cfg -db", "sh", certificate, PAGE, HAPROXY)
    try:
        _await_listener(place)
        yield place.address
    finally:
        place.world.kill(process)


def _await_listener(place: Place) -> None:
    for _ in range(500):
        with contextlib.suppress(ConnectionRefusedError):
            place.call(socket.create_connection, (place.address, 443)).close()
            return
        time.sleep(0.01)
    raise TimeoutError("haproxy does not listen")
