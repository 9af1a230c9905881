"""Websites of others, installations that strangers' browsers trust, and what pages show in a browser."""

import contextlib
import html
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

from model.roles import Role
from tests.dataplane.clients.browser import Browser, Page
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.providers import provide
from tests.dataplane.installation.sites import Site, small
from tests.dataplane.neighbours.scripted import request_on, server
from tests.dataplane.sandbox import Place

_PATIENCE_SECONDS = 10.0
_CONNECT_SECONDS = 1.0
_LINK_LOCAL = "fe80"
_ENTRIES = (Role.TRACK_BALANCER, Role.GUI_BALANCER, Role.GUI_API_BALANCER)
_ROOT = re.compile(r"<html[^>]*>")
_SHOWN = re.compile(r'data-(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Website:
    """An https server that somebody else runs."""

    host: str
    address: str
    """Address and port, for a browser."""
    asked: list[str] = field(default_factory=list)
    """The paths that it was asked for, with arguments."""

    @property
    def origin(self) -> str:
        """How browsers call it."""
        return f"https://{self.host}"


def hosting(site: Site) -> Place:
    """A place on the internet that has nothing in common with the installation: for websites."""
    return site.world.place("hosting", site.world.network("elsewhere", "198.18.0.0/24"))


@contextlib.contextmanager
def website(place: Place, host: str, files: Mapping[str, str], authority: trustme.CA) -> Iterator[Website]:
    """A website at `place` with pages, and scripts where a path ends in .js; `authority` has signed its certificate."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(tls)
    asked: list[str] = []

    def converse(connection: socket.socket, number: int) -> None:  # noqa: ARG001 - every connection alike
        while request := request_on(connection):
            target = request.split(b" ")[1].decode()
            asked.append(target)
            connection.sendall(_answer(target.partition("?")[0], files))

    with server(place, converse, tls) as port:
        yield Website(host, f"{place.address}:{port}", asked)


def certified(sites: Sites, authority: trustme.CA, **changes: Any) -> Site:  # noqa: ANN401 - any setting
    """The small stack with certificates that others provide: `authority` signs them as it signs websites'."""
    secrets = {"track": "track-public", "guiApi": "gui-api-public", "gui": "gui-public"}
    site = sites(small(certificates__source="provided", certificates__secrets=secrets, **changes))
    provide(site.objects, site.settings, authority)
    return site


def browser(site: Site, place: Place, authority: trustme.CA, *others: Website) -> Browser:
    """A browser at `place` that knows the site's entries and the websites of `others`.

    Raises:
        TimeoutError: after 10 seconds, the router leads to no balancer of an entry whose balancers are ready.
    """
    # A browser drops what it does when an address appears.
    until(lambda: place.call(_has_link_local), lambda: f"{place.name} has no address of its link", _PATIENCE_SECONDS)
    hosts = {site.host(role): site.cluster.entry(role) for role in _ENTRIES}
    led = [site.cluster.entry(role) for role in _ENTRIES if role in site.cluster.workloads]
    # It asks once, and the router learns a second after the balancers are ready.
    until(lambda: all(place.call(_accepted, each) for each in led), lambda: f"not all of {led}", _PATIENCE_SECONDS)
    return Browser(place, pem(authority), {**hosts, **{other.host: other.address for other in others}})


def pem(authority: trustme.CA) -> str:
    """The certificate of an authority."""
    return authority.cert_pem.bytes().decode()


def shown(page: Page) -> dict[str, str]:
    """The data attributes of the page's root, in which stand-ins tell what came of what they tried."""
    root = _ROOT.search(page.dom)
    return {name: html.unescape(value) for name, value in _SHOWN.findall(root[0] if root else "")}


def _has_link_local() -> bool:
    lines = Path("/proc/thread-self/net/if_inet6").read_text(encoding="ascii").splitlines()
    return any(line.startswith(_LINK_LOCAL) for line in lines)


def _accepted(address: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, 443), _CONNECT_SECONDS):
        return True
    return False


def _answer(path: str, files: Mapping[str, str]) -> bytes:
    status = "200 OK" if path in files else "404 Not Found"
    kind = "text/javascript" if path.endswith(".js") else "text/html; charset=utf-8"
    body = files.get(path, "").encode()
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
