"""Installations behind Gateways."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from model.roles import Role
from tests.dataplane.clients.answers import Answer
from tests.dataplane.clients.talk import Talk
from tests.dataplane.clients.trust import trusting
from tests.dataplane.cluster.workloads import until
from tests.dataplane.conftest import Sites
from tests.dataplane.evidence.wiretap import Wiretap
from tests.dataplane.hostile.probes import EVENT, EXAMPLES, h1
from tests.dataplane.installation.sites import Site, small
from tests.dataplane.neighbours.gateways import NETWORK, haproxy, nginx, route
from tests.dataplane.sandbox import Place

INSTANCES = {Role.TRACK_BALANCER: Role.TRACK_API, Role.GUI_API_BALANCER: Role.GUI_API}
"""What stands behind which balancer."""
REQUESTS_PER_SECOND = 100_000
"""Of a client, so that none of the tests' is held to it."""
MAX_BODY_BYTES = 8192
"""Less than Gateways themselves let through, and little enough for a balancer to read before it refuses more."""


@dataclass(frozen=True)
class Behind:
    """Both APIs behind Gateways, of which one is the way that clients take."""

    site: Site
    gateway: Place
    taps: dict[Role, Wiretap]

    def talk(self, place: Place, role: Role = Role.TRACK_BALANCER, version: int = 4) -> Talk:
        """Somebody who speaks HTTP/1 to the Gateway."""
        address = self.gateway.address if version == 4 else self.gateway.address6
        tls = trusting(self.site.authority, protocols=("http/1.1",))
        return Talk(place, address, 443, tls, self.site.host(role))

    def ask(self, place: Place, role: Role, *fields: str, version: int = 4) -> Answer:
        """The answer to an event."""
        with self.talk(place, role, version) as talk:
            return talk.ask(h1("POST", "/track", *fields, host=talk.name, body=EVENT))

    def told(self, role: Role) -> list[list[str]]:
        """The addresses of clients that the instance has been told, for each request."""
        return [request.all("x-forwarded-for") for request in self.taps[role].requests()]


@contextmanager
def behind_one_proxy(sites: Sites, folder: Path) -> Iterator[dict[str, Behind]]:
    """By its name, either of two Gateways for the same balancers."""
    with ExitStack() as listening:
        site, taps = _site(sites, 1, listening)
        network = site.world.network("gateways", *NETWORK)
        routes = [route(site, role) for role in INSTANCES]
        gateways = {"nginx": nginx(site, network, folder, routes), "haproxy": haproxy(site, network, folder, routes)}
        yield {name: _ready(Behind(site, gateway, taps)) for name, gateway in gateways.items()}


@contextmanager
def behind_two_proxies(sites: Sites, folder: Path) -> Iterator[Behind]:
    """A proxy in front of a Gateway, of which the balancers know."""
    with ExitStack() as listening:
        site, taps = _site(sites, 2, listening)
        network = site.world.network("gateways", *NETWORK)
        inner = nginx(site, network, folder, [route(site, role) for role in INSTANCES], "inner")
        outer = [route(site, role).behind(inner.address, site.authority) for role in INSTANCES]
        yield _ready(Behind(site, haproxy(site, network, folder, outer, "outer"), taps))


def _settings(hops: int) -> dict[str, object]:
    proxies = {"namespace": "gateways", "labels": {"app": "gateway"}}
    gateway = {"className": "any", "proxies": proxies, "trustedHops": hops}
    balancer = {"mode": "gateway", "replicas": 1, "gateway": gateway}
    return balancer | {"requestsPerSecond": REQUESTS_PER_SECOND, "maxBodyBytes": MAX_BODY_BYTES}


def _site(sites: Sites, hops: int, listening: ExitStack) -> tuple[Site, dict[Role, Wiretap]]:
    balancer = _settings(hops)
    routes = sorted(EXAMPLES.keys() - {"track"})
    site = sites(small(track__routes=routes, track__balancer=balancer, guiApi__balancer=balancer))
    taps = {}
    for balancers, role in INSTANCES.items():
        taps[balancers] = listening.enter_context(Wiretap(site.run(role, 1).pods[0].place))
        site.run(balancers, 1)
    return site, taps


def _ready(behind: Behind) -> Behind:
    def passes() -> bool:
        try:
            return all(behind.ask(behind.site.office, role).status == 200 for role in INSTANCES)
        except OSError:
            return False

    until(passes, str, 20)
    for tap in behind.taps.values():
        tap.requests()
    return behind
