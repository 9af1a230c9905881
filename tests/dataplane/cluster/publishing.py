"""How clients find pods: the cluster's DNS, and the addresses of Services, which the router leads to ready pods."""

import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from tests.dataplane.cluster.pods import Pod
from tests.dataplane.sandbox import Bind, Jail, Place
from tests.unit.engine import JsonObject

_Content = TypeVar("_Content")
_LOOK_SECONDS = 0.05
_TABLE = """\
table inet services {
    chain entries { type nat hook prerouting priority dstnat; }
}
"""


@dataclass(frozen=True)
class PublishedService:
    """A Service, its own addresses if it has any, and the ready pods that it selects."""

    manifest: JsonObject
    addresses: tuple[str, ...]
    pods: tuple[Pod, ...]

    @property
    def host(self) -> str:
        """Its name in DNS."""
        metadata = self.manifest["metadata"]
        return f"{metadata['name']}.{metadata['namespace']}.svc.cluster.local"

    def records(self) -> Iterator[str]:
        """Lines of a hosts file."""
        found = self.addresses or [pod.address for pod in self.pods]
        yield from (f"{address} {self.host}" for address in found)

    def rules(self) -> Iterator[str]:
        """Rules for nftables that lead a new connection to one of the pods; those that exist stay where they are."""
        for address in self.addresses:
            family = "ip6" if ":" in address else "ip"
            pods = [pod.place.address6 if family == "ip6" else pod.address for pod in self.pods]
            for port in self.manifest["spec"]["ports"]:
                match = f"{family} daddr {address} tcp dport {port['port']}"
                if pods:
                    targets = ", ".join(f"{number} : {pod} . {port['targetPort']}" for number, pod in enumerate(pods))
                    yield f"{match} dnat {family} to numgen random mod {len(pods)} map {{ {targets} }}"


class Late(Generic[_Content]):
    """Applies what it is given after a delay, as caches and watchers do."""

    def __init__(self, seconds: float, apply: Callable[[_Content], None]) -> None:
        self.seconds = seconds
        self._apply = apply
        self._given: deque[tuple[float, _Content]] = deque()
        self._last: _Content | None = None

    def give(self, content: _Content) -> None:
        """What is to be applied, if it differs from what was given last."""
        if content != self._last:
            self._given.append((time.monotonic() + self.seconds, content))
            self._last = content

    def go_on(self) -> None:
        """Apply what is due."""
        while self._given and self._given[0][0] <= time.monotonic():
            self._apply(self._given.popleft()[1])


class Resolver:
    """The cluster's DNS."""

    def __init__(self, place: Place, folder: Path) -> None:
        folder.mkdir()
        self.log = folder / "log"
        self._hosts = folder / "hosts"
        self._hosts.write_text("", encoding="ascii")
        self.place = place
        with self.log.open("w") as log:
            self.process = place.start(
                *("dnsmasq", "--keep-in-foreground", "--user=root", "--conf-file=/dev/null", "--pid-file="),
                *("--no-resolv", "--no-hosts", "--addn-hosts=/hosts/hosts", "--local=/cluster.local/"),
                # CoreDNS's own time to live; every record of a name fits into one answer.
                *("--local-ttl=5", "--edns-packet-max=8192", "--log-facility=-"),
                jail=Jail(place.world.debian, "dns", binds=(Bind(folder, "/hosts"),)),
                output=log.fileno(),
            )

    def publish(self, records: Sequence[str]) -> None:
        """Answer with `records` from now on."""
        self._hosts.write_text("".join(f"{line}\n" for line in records), encoding="ascii")
        self.place.world.signal(self.process, signal.SIGHUP)


class Publisher:
    """Keeps DNS and the router up to date with the pods that are ready."""

    def __init__(
        self, services: Callable[[], Iterable[PublishedService]], resolver: Resolver, delays: tuple[float, float]
    ) -> None:
        self._services = services
        world = resolver.place.world
        world.nft(_TABLE)
        self.dns: Late[tuple[str, ...]] = Late(delays[0], resolver.publish)
        self.routes: Late[tuple[str, ...]] = Late(delays[1], lambda rules: world.nft(_chain(rules)))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._publish, name="publisher", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Publish nothing any more."""
        self._ended.set()
        self._thread.join()

    def _publish(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            services = tuple(self._services())
            self.dns.give(tuple(record for service in services for record in service.records()))
            self.routes.give(tuple(rule for service in services for rule in service.rules()))
            self.dns.go_on()
            self.routes.go_on()


def _chain(rules: Sequence[str]) -> str:
    lines = ["flush chain inet services entries", *(f"add rule inet services entries {rule}" for rule in rules)]
    return "".join(f"{line}\n" for line in lines)
