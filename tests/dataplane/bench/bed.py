"""The bed that everything is measured on: instances, proxies in front of them, and a crowd of clients, in one world.

The instances behind all proxies are the same processes. Nothing else is between a client and what it asks: no Service's
address is translated, so what is compared are the proxies.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from model.ports import Port
from model.roles import Role
from tests.dataplane.bench import nginx
from tests.dataplane.bench.balancers import INSTANCES, Installation
from tests.dataplane.bench.processes import cpu_seconds
from tests.dataplane.cluster.cluster import PODS
from tests.dataplane.cluster.objects import Objects
from tests.dataplane.cluster.pods import Pod
from tests.dataplane.cluster.publishing import Resolver
from tests.dataplane.cluster.workloads import until
from tests.dataplane.installation.providers import Plugins
from tests.dataplane.installation.sites import INTERNET
from tests.dataplane.sandbox import Bind, Jail, Network, Place, World

CROWD = 150
"""Client addresses. 1000 connections are then 7 of each: below what one client may have at a time."""
DIRECT, DIRECT_TLS = "direct, plain", "direct, TLS"
NGINX, NGINX_TLS, NGINX_HTTP2 = "nginx, plain", "nginx, TLS", "nginx, TLS, HTTP/2"
OURS_EDGE, OURS_FULL, OURS_HTTP2 = "ours, edge", "ours, full", "ours, edge, HTTP/2"
"""Names of targets that others are compared with, or that are looked for."""
_READY_SECONDS = 30.0
_HTTP, _HTTPS, _HTTP2, _TUNED = 80, 443, 8443, 9443
"""nginx's ports."""


@dataclass(frozen=True)
class Target:
    """Something that takes requests."""

    name: str
    address: str
    port: int
    host: str
    tls: bool
    http2: bool = False
    pid: int | None = None
    """The first of the proxy's processes; None where there is no proxy."""
    log: Path | None = None
    """Where the proxy writes a line for each request."""

    def cpu(self) -> float | None:
        """Seconds of CPU that the proxy has used so far."""
        return None if self.pid is None else cpu_seconds(self.pid)


class Bed:
    """Everything that is measured, running and ready."""

    def __init__(self, world: World, plugins: Plugins, folder: Path) -> None:
        self._world = world
        self._folder = folder
        self.edge = Installation(plugins, "bench-edge")
        self._full = Installation(plugins, "bench-full", certificates__encryption="full")
        self._network = world.network("pods", *PODS)
        internet = world.network("internet", *INTERNET)
        self.crowd = _crowd(world, internet)
        self.alone = world.place("alone", internet)
        """A single client."""
        resolver = Resolver(world.place("dns", self._network), _made(folder / "dns-parent") / "dns")
        plain, encrypted = self._run_instances()
        resolver.publish(
            [f"{each} {self.edge.instances_host}" for each in plain]
            + [f"{each} {self._full.instances_host}" for each in encrypted]
        )
        self._resolver = resolver.place.address
        self.pods: list[Pod] = []
        self.targets = (
            Target(DIRECT, plain[0], Port.HTTP, self.edge.host, tls=False),
            Target(DIRECT_TLS, encrypted[0], Port.HTTP, self.edge.host, tls=True),
            *self._run_nginx(plain),
            *self._run_balancers(),
        )

    def target(self, name: str) -> Target:
        """The target of this name."""
        return next(each for each in self.targets if each.name == name)

    def close(self) -> None:
        """End the balancers; the rest ends with the world."""
        for gone in [pod.delete(hurry=True) for pod in self.pods]:
            gone.wait()

    def _run_instances(self) -> tuple[list[str], list[str]]:
        plain, encrypted = ([f"10.244.{net}.{10 + number}" for number in range(INSTANCES)] for net in (1, 2))
        place = self._world.place("instances", self._network, *plain, *encrypted, str(ip_network(PODS[1])[0x100]))
        configuration = nginx.instances(plain, encrypted, Port.HTTP)
        self._start_nginx(place, configuration, self._full.certificate(Role.TRACK_API))
        return plain, encrypted

    def _run_nginx(self, servers: Sequence[str]) -> list[Target]:
        place = self._world.place("nginx", self._network)
        site = nginx.proxy(
            [f"{each}:{Port.HTTP}" for each in servers], plain=_HTTP, tls=_HTTPS, http2=_HTTP2, tuned=_TUNED
        )
        configuration = nginx.debian(self._world.debian / "etc/nginx/nginx.conf")
        pid = self._start_nginx(place, configuration, self.edge.certificate(Role.TRACK_BALANCER), site)
        log = self._folder / "nginx/log/access.log"

        def target(name: str, port: int, *, tls: bool = True, http2: bool = False) -> Target:
            return Target(name, place.address, port, self.edge.host, tls=tls, http2=http2, pid=pid, log=log)

        return [
            target(NGINX, _HTTP, tls=False),
            target(NGINX_TLS, _HTTPS),
            target("nginx, TLS, keeps connections", _TUNED),
            target(NGINX_HTTP2, _HTTP2, http2=True),
        ]

    def _run_balancers(self) -> list[Target]:
        edge, full = self.edge, self._full
        started = [
            self._start_balancer("edge", edge, edge.objects),
            self._start_balancer("full", full, full.objects),
            self._start_balancer("open", edge, edge.objects_in_plain_text),
        ]
        until(
            lambda: all(pod.ready for pod, _ in started),
            lambda: "".join(pod.log() for pod, _ in started),
            _READY_SECONDS,
        )

        def target(name: str, number: int, *, tls: bool = True, http2: bool = False) -> Target:
            pod, log = started[number]
            return Target(name, pod.address, Port.BALANCER_HTTPS, edge.host, tls, http2, pid=pod.pid, log=log)

        return [
            target(OURS_EDGE, 0),
            target(OURS_FULL, 1),
            target("ours, TLS taken off (no setting)", 2, tls=False),
            target(OURS_HTTP2, 0, http2=True),
        ]

    def _start_balancer(self, name: str, installation: Installation, objects: Objects) -> tuple[Pod, Path]:
        folder = _made(self._folder / name)
        place = self._world.place(name, self._network)
        pod = installation.balancer(name, place, objects, folder, self._resolver)
        self.pods.append(pod)
        pod.start()
        return pod, folder / "log"

    def _start_nginx(self, place: Place, configuration: str, certificate: dict[str, bytes], site: str = "") -> int:
        folder = _made(self._folder / place.name)
        for part in ("log", "lib", "run", "certs", "sites"):
            _made(folder / part)
        (folder / "nginx.conf").write_text(configuration, encoding="utf-8")
        (folder / "sites/proxy").write_text(site, encoding="utf-8")
        for name in ("tls.crt", "tls.key"):
            (folder / "certs" / name).write_bytes(certificate[name])
        debian = self._world.debian / "etc/nginx"
        jail = Jail(
            self._world.debian,
            place.name,
            binds=(
                Bind(debian / "mime.types", "/etc/nginx/mime.types"),
                Bind(debian / "proxy_params", "/etc/nginx/proxy_params"),
                Bind(folder / "nginx.conf", "/etc/nginx/nginx.conf"),
                Bind(folder / "certs", nginx.CERTIFICATES),
                Bind(folder / "sites", "/etc/nginx/sites-enabled"),
                Bind(folder / "log", "/var/log/nginx", read_only=False),
                Bind(folder / "lib", "/var/lib/nginx", read_only=False),
                Bind(folder / "run", "/run", read_only=False),
            ),
            writable_tmp=True,
        )
        output = os.open(folder / "output", os.O_WRONLY | os.O_CREAT)
        process = place.start("nginx", "-g", "daemon off;", jail=jail, output=output)
        os.close(output)
        return self._world.pid(process)


def _crowd(world: World, internet: Network) -> Place:
    """Clients with an address each: whatever program is run there, its connections come from each in turn."""
    four, six = (ip_network(subnet) for subnet in INTERNET)
    members = [str(four[100 + each]) for each in range(CROWD)]
    place = world.place("crowd", internet, *members, str(six[100]))
    origins = ", ".join(f"{each} : {address}" for each, address in enumerate(members))
    place.run(
        *("nft", "add table ip crowd; add chain ip crowd leaving { type nat hook postrouting priority srcnat; };"),
        f"add rule ip crowd leaving oifname eth0 snat to numgen inc mod {CROWD} map {{ {origins} }}",
    ).check_returncode()
    return place


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
