"""Runs of the load generators, in turn, so that a busy machine slows all that are compared."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.dataplane.bench.bed import (
    DIRECT,
    DIRECT_TLS,
    NGINX,
    NGINX_HTTP2,
    NGINX_TLS,
    OURS_EDGE,
    OURS_FULL,
    Bed,
    Target,
)
from tests.dataplane.bench.figures import Row, Sample, row
from tests.dataplane.clients.events import event
from tests.dataplane.clients.h2load import H2load, Report
from tests.dataplane.clients.wrk import Wrk
from tests.dataplane.cluster.workloads import until
from tests.dataplane.sandbox import Place

_PATH = "/track"
_BODY = event("bench")
_ANSWERING_SECONDS = 30.0


@dataclass(frozen=True)
class Load:
    """A closed loop: each connection asks again as soon as it is answered."""

    connections: int
    seconds: int
    fresh: bool = False
    """Whether each request comes on a connection of its own, as that of a visitor who opens one page does."""

    def __str__(self) -> str:
        each = ", one for each request" if self.fresh else ""
        return f"{self.connections} connection{'s' if self.connections > 1 else ''}{each}"

    def targets(self, bed: Bed) -> tuple[Target, ...]:
        """What is measured with it: with fresh connections only what they make a difference to."""
        if self.fresh:
            return tuple(map(bed.target, (DIRECT_TLS, NGINX_TLS, OURS_EDGE, OURS_FULL)))
        return bed.targets

    def run(self, place: Place, target: Target) -> Report:
        """Ask `target` for so many seconds, from `place`."""
        if target.http2:
            return H2load(
                place=place, address=target.address, port=target.port, host=target.host, connections=self.connections
            ).run(self.seconds, _PATH, body=_BODY)
        return Wrk(
            place=place,
            address=target.address,
            port=target.port,
            host=target.host,
            tls=target.tls,
            connections=self.connections,
            new_connections=self.fresh,
        ).run(self.seconds, _PATH, body=_BODY)


def await_answers(bed: Bed) -> None:
    """Wait until every target answers; a balancer first has to find its instances by DNS."""
    for target in bed.targets:
        until(partial(_answers, bed.crowd, target), partial(str, target.name), _ANSWERING_SECONDS)


def measured(bed: Bed, load: Load, rounds: int, say: Callable[[str], None]) -> list[Row]:
    """One row for each target, in their order."""
    targets = load.targets(bed)
    samples: dict[str, list[Sample]] = {target.name: [] for target in targets}
    for number in range(1, rounds + 1):
        for target in targets:
            samples[target.name].append(sample(bed.crowd, load, target))
            say(f"{load}, round {number} of {rounds}: {target.name}: {samples[target.name][-1].rate:.0f} requests/s")
    return [
        row(target.name, samples[target.name], *(samples[name] for name in references(target))) for target in targets
    ]


def sample(place: Place, load: Load, target: Target) -> Sample:
    """What one run tells, with the proxy's CPU; what it has logged is thrown away."""
    before = target.cpu()
    report = load.run(place, target)
    after = target.cpu()
    if target.log:
        os.truncate(target.log, 0)
    return Sample(
        rate=report.rate,
        p50=report.p50,
        p99=report.p99,
        requests=report.requests,
        errors=report.failed,
        cpu=None if before is None or after is None else after - before,
    )


def references(target: Target) -> tuple[str, str]:
    """What `target` is compared with: instances without a proxy, and nginx, with the same protocol to the client.

    Protocols cost by themselves, and load generators differ from each other as well. The instances have no HTTP/2; what
    has is compared with their TLS.
    """
    if not target.tls:
        return DIRECT, NGINX
    return DIRECT_TLS, NGINX_HTTP2 if target.http2 else NGINX_TLS


def _answers(place: Place, target: Target) -> bool:
    scheme = "https" if target.tls else "http"
    done = place.run(
        *("curl", "--silent", "--insecure", "--output", "/dev/null", "--write-out", "%{http_code}"),
        *("--data-binary", _BODY.decode(), "--resolve", f"{target.host}:{target.port}:{target.address}"),
        f"{scheme}://{target.host}:{target.port}{_PATH}",
    )
    return done.stdout == "200"
