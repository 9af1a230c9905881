"""The console of a site: started, and asked past its balancer or through it."""

import contextlib
from http import HTTPStatus

import httpx

from model.ports import Port
from model.roles import Role
from tests.dataplane.clients.answers import Answer
from tests.dataplane.clients.http import Client
from tests.dataplane.clients.raw import exchange
from tests.dataplane.cluster import Pod
from tests.dataplane.cluster.workloads import until
from tests.dataplane.installation.sites import Site
from tests.dataplane.instance import FOLDER
from tests.dataplane.sandbox import Place

PAGE = (FOLDER / "gui" / "index.html").read_bytes()
SECURITY = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer"}
_PATIENCE_SECONDS = 15.0


def console(site: Site, place: Place, authority: str, *, plain: bool = False) -> Client:
    """A client of the console's entry."""
    role = Role.GUI_BALANCER
    return Client(place, site.cluster.entry(role), site.host(role), None if plain else authority)


def start_console(site: Site, authority: str) -> Pod:
    """Start the console and its balancer; returns nginx's pod once the office is served by it."""
    (pod,) = site.run(Role.GUI).pods
    site.run(Role.GUI_BALANCER)

    def served() -> bool:
        with contextlib.suppress(httpx.ConnectError), console(site, site.office, authority) as client:
            return client.get("/env-config.js").status_code == HTTPStatus.OK
        return False

    until(served, pod.log, _PATIENCE_SECONDS)
    return pod


def plain_answer(site: Site, pod: Pod, target: str, method: str = "GET") -> Answer:
    """What nginx itself says to a request without TLS."""
    request = f"{method} {target} HTTP/1.1\r\nHost: gui\r\nConnection: close\r\n\r\n".encode()
    return exchange(site.world.router, pod.address, int(Port.HTTP), request).answer
