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

_DETECTION_SECONDS = 10.0
_TENTATIVE = 0x40
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
    """A browser at `place` that knows the site's entries and the websites of `others`."""
    # A browser drops what it does when an address appears, as that of the link itself does after a second or two.
    until(lambda: not place.call(_undecided), lambda: f"{place.name} has undecided addresses", _DETECTION_SECONDS)
    roles = (Role.TRACK_BALANCER, Role.GUI_BALANCER, Role.GUI_API_BALANCER)
    hosts = {site.host(role): site.cluster.entry(role) for role in roles}
    return Browser(place, pem(authority), {**hosts, **{other.host: other.address for other in others}})


def pem(authority: trustme.CA) -> str:
    """The certificate of an authority."""
    return authority.cert_pem.bytes().decode()


def shown(page: Page) -> dict[str, str]:
    """The data attributes of the page's root, in which stand-ins tell what came of what they tried."""
    root = _ROOT.search(page.dom)
    return {name: html.unescape(value) for name, value in _SHOWN.findall(root[0] if root else "")}


def _undecided() -> list[str]:
    """The IPv6 addresses of this place that others may yet turn out to have."""
    lines = Path("/proc/thread-self/net/if_inet6").read_text(encoding="ascii").splitlines()
    return [words[0] for words in map(str.split, lines) if int(words[4], 16) & _TENTATIVE]


def _answer(path: str, files: Mapping[str, str]) -> bytes:
    status = "200 OK" if path in files else "404 Not Found"
    kind = "text/javascript" if path.endswith(".js") else "text/html; charset=utf-8"
    body = files.get(path, "").encode()
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
