"""The public entry in front of one instance, to which somebody listens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from model.roles import Role
from tests.dataplane.clients.h2raw import H2Answer, h2_exchange
from tests.dataplane.clients.raw import Line
from tests.dataplane.clients.talk import Talk
from tests.dataplane.clients.trust import trusting
from tests.dataplane.conftest import Sites
from tests.dataplane.evidence.wiretap import Wiretap
from tests.dataplane.hostile.probes import h2_meant_for, meant_for
from tests.dataplane.hostile.smuggling import H2Probe
from tests.dataplane.installation.entries import Entry
from tests.dataplane.installation.sites import Site, small


@dataclass(frozen=True)
class Front:
    """The public entry, or one balancer, and what it sends to the only instance."""

    site: Site
    tap: Wiretap
    opened: frozenset[str]
    address: str
    port: int = 443

    @property
    def host(self) -> str:
        """The name that clients use."""
        return self.site.host(Role.TRACK_BALANCER)

    def talk(self) -> Talk:
        """A visitor, who speaks HTTP/1."""
        tls = trusting(self.site.authority, protocols=("http/1.1",))
        return Talk(self.site.visitor, self.address, self.port, tls, self.host)

    def says(self, data: bytes) -> list[int]:
        """The statuses of the answers to `data` on a connection of its own."""
        tls = trusting(self.site.authority, protocols=("http/1.1",))
        with Line(self.site.visitor, self.address, self.port, tls=tls, server_name=self.host) as line:
            line.send(meant_for(self.host, data))
            return line.hear(quiet=0.02).statuses

    def says2(self, probe: H2Probe) -> H2Answer:
        """The answer to a request of HTTP/2 on a connection of its own."""
        tls = trusting(self.site.authority, protocols=("h2",))
        request = h2_meant_for(self.host, probe.request)
        return h2_exchange(self.site.visitor, self.address, self.port, tls, self.host, request)[0]

    def reached(self) -> tuple[str, ...]:
        """Method and target of what the instance got since the last time."""
        return tuple(map(str, self.tap.requests()))


@contextmanager
def front_of(sites: Sites, *opened: str) -> Iterator[Front]:
    """An installation with one instance, whose entry opens the groups of routes in `opened` besides events."""
    site = sites(small(track__routes=list(opened), track__balancer__requestsPerSecond=100_000))
    api = site.run_track(replicas=1)
    entry = Entry(site)
    entry.settle(site.visitor, instances=1)
    with Wiretap(api.pods[0].place) as tap:
        yield Front(site, tap, frozenset(opened), entry.address)
