"""Entries of a site as clients use them, what their balancers think of the instances, and what those have stored."""

import contextlib
import http.client
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from model.ports import Port
from model.roles import Role
from tests.dataplane.clients.http import Client
from tests.dataplane.clients.http1 import Peer
from tests.dataplane.clients.load import Load
from tests.dataplane.clients.outcome import Outcome
from tests.dataplane.clients.run import Run
from tests.dataplane.clients.trust import trusting
from tests.dataplane.cluster import Pod, Workload
from tests.dataplane.cluster.workloads import until
from tests.dataplane.installation.sites import Site
from tests.dataplane.sandbox import Place

STORED = "/tmp/stored"  # noqa: S108 - in a pod's own volume
"""Where instances are to store, for `stored` to find it."""

_PATIENCE_SECONDS = 20.0
_UP = re.compile(r'^haproxy_server_status\{proxy="instances",server="(\w+)",state="UP"\} 1$', re.MULTILINE)
_REQUESTS = re.compile(r'^haproxy_frontend_http_requests_total\{proxy="entry"\} (\d+)$', re.MULTILINE)

_REDISPATCHED = re.compile(r'^haproxy_backend_redispatch_warnings_total\{proxy="instances"\} (\d+)$', re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """The entry of `role`, a balancer."""

    site: Site
    role: Role = Role.TRACK_BALANCER

    @property
    def address(self) -> str:
        """IPv4, of all balancers together."""
        return self.site.cluster.entry(self.role)

    @property
    def balancers(self) -> Workload:
        """The pods that it leads to."""
        return self.site.cluster.workloads[self.role]

    def client(self, place: Place, balancer: Pod | None = None, *, http2: bool = False) -> Client:
        """A client of the entry, or of one of its balancers."""
        address, port = (balancer.address, int(Port.BALANCER_HTTPS)) if balancer else (self.address, None)
        return Client(place, address, self.site.host(self.role), self.site.authority, port, http2=http2)

    def peer(self, *, http2: bool = False) -> Peer:
        """What clients connect to that keep their connection."""
        tls = trusting(self.site.authority, protocols=("h2",) if http2 else ("http/1.1",))
        return Peer((self.address,), 443, self.site.host(self.role), tls, "/track", http2, reuse=True)

    def load(self, place: Place, **options: Any) -> Load:  # noqa: ANN401 - Load's own fields
        """Load on the entry."""
        return Load(
            place=place, addresses=(self.address,), host=self.site.host(self.role), ca=self.site.authority, **options
        )

    def settle(self, place: Place, instances: int) -> None:
        """Wait until each balancer knows so many instances, and `place` reaches each balancer.

        Raises:
            TimeoutError: that is not so after 20 seconds.
        """
        balancers = tuple(self.balancers.pods)
        before = {pod.name: requests(pod) for pod in balancers}

        def settled() -> bool:
            if any(len(up(pod)) != instances for pod in balancers):
                return False
            with contextlib.suppress(httpx.ConnectError), self.client(place) as client:
                client.get("/")
            return all(requests(pod) > before[pod.name] for pod in balancers)

        until(settled, lambda: "".join(pod.log() for pod in balancers), _PATIENCE_SECONDS)


@contextlib.contextmanager
def clients_of_all_kinds(entry: Entry, rate: float) -> Iterator[dict[str, Run]]:
    """A load of each kind, `rate` requests a second each: connections that are kept, and a new one for each request."""
    kinds: dict[str, dict[str, Any]] = {
        "kept-h1": {"connections": 20},
        "kept-h2": {"connections": 10, "http2": True},
        "new-h1": {"reuse": False},
        "new-h2": {"reuse": False, "http2": True},
    }
    crowd = entry.site.crowd()
    with contextlib.ExitStack() as running:
        yield {
            kind: running.enter_context(entry.load(crowd, name=kind, **options).running(rate))
            for kind, options in kinds.items()
        }


def redispatched(balancer: Pod) -> int:
    """How many requests a balancer has given to another instance than the one that it had chosen."""
    found = _REDISPATCHED.search(metrics(balancer))
    return int(found[1]) if found else 0


def up(balancer: Pod) -> frozenset[str]:
    """The server slots of a balancer whose instances it takes for healthy."""
    return frozenset(_UP.findall(metrics(balancer)))


def requests(balancer: Pod) -> int:
    """How many requests of clients a balancer has seen."""
    found = _REQUESTS.search(metrics(balancer))
    return int(found[1]) if found else 0


def stored(api: Workload) -> Counter[str]:
    """How often each event was stored, by instances that run and by those that have left."""
    files = (pod.volumes.place("tmp") / Path(STORED).name for pod in (*api.pods, *api.left))
    return Counter(
        line.split()[0] for file in files if file.exists() for line in file.read_text(encoding="utf-8").splitlines()
    )


def twice(api: Workload) -> set[str]:
    """The events that were stored more than once."""
    return {event for event, times in stored(api).items() if times > 1}


def lost(api: Workload, outcome: Outcome) -> set[str]:
    """The events that were accepted, and not stored."""
    return {record.event for record in outcome.with_status(HTTPStatus.OK).records} - stored(api).keys()


def bad(outcome: Outcome) -> Outcome:
    """The requests that were not answered 200."""
    return outcome.where(lambda record: record.status != HTTPStatus.OK)


def unprocessed(api: Workload, outcome: Outcome) -> Outcome:
    """The requests that a balancer has refused to look at, as HTTP/2 can say, and that no instance has stored indeed.

    Browsers repeat them by themselves.
    """
    known = stored(api)
    return outcome.where(
        lambda record: (
            record.event not in known and ("REFUSED_STREAM" in record.error or "UnprocessedError" in record.error)
        )
    )


def cut_off(pod: Pod) -> None:
    """Let every packet to and from the pod vanish, as when its node is lost."""
    _filter(pod, "input", "iif != lo drop")
    _filter(pod, "output", "oif != lo drop")


def without_dns(pod: Pod) -> None:
    """Let every answer of a DNS server to the pod vanish."""
    _filter(pod, "input", "udp sport 53 drop")


def without_instances(balancer: Pod) -> None:
    """Let every answer of an instance to the balancer vanish, as where no NetworkPolicy lets its pod through yet."""
    _filter(balancer, "input", f"tcp sport {int(Port.HTTP)} drop")


def unhindered(pod: Pod) -> None:
    """Undo `cut_off`, `without_dns` and `without_instances`."""
    _nft(pod, "delete table inet fault")


def _filter(pod: Pod, hook: str, rule: str) -> None:
    chain = f"{{ type filter hook {hook} priority 0; }}"
    _nft(pod, f"add table inet fault; add chain inet fault {hook} {chain}; add rule inet fault {hook} {rule}")


def _nft(pod: Pod, rules: str) -> None:
    done = pod.place.run("nft", rules)
    if done.returncode:
        raise OSError(f"nft in {pod.name}: {done.stderr}")


def metrics(balancer: Pod) -> str:
    """What a balancer tells Prometheus."""

    def read() -> str:
        connection = http.client.HTTPConnection(balancer.address, int(Port.BALANCER_METRICS), timeout=_PATIENCE_SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()

    return balancer.place.world.router.call(read)
