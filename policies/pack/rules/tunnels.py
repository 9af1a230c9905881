"""Tunnels: sidecars that carry connections of their own pod through TLS."""

from collections.abc import Iterator

from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.objects import Proxy
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.programs.haproxy.verification import encrypted, servers
from policies.pack.programs.router import Route, routes
from policies.pack.roles import Role, store_addresses
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.tls.trust import unknown_authority
from policies.pack.unreadable import UnreadableError

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_REQUIRED = {"server_ssl_mode": "REQUIRED", "server_ssl_verify": "VERIFY_IDENTITY"}


@rule(
    "tunnels-stay-in-their-pod",
    severity=Severity.CRITICAL,
    remedy="Bind the sidecar to 127.0.0.1, and let it verify whom it leads to: HAProxy by ssl verify required with "
    "ca-file and verifyhost, MySQL Router by server_ssl_mode REQUIRED, server_ssl_verify VERIFY_IDENTITY and "
    "server_ssl_ca.",
)
def tunnels_stay_in_their_pod(stack: StackView, _: Options) -> Iterator[Finding]:
    """A sidecar that carries a pod's connections through TLS answers this pod alone, and nothing leaves it in plain."""
    for proxy in stack.tunnels:
        for problem in _of_haproxy(proxy):
            yield Finding(proxy.workload.resource, f"{problem} in container {proxy.container.name}")
    for workload in stack.workloads:
        for problem in dict.fromkeys(_past(stack, workload)):
            yield Finding(workload.resource, problem)
    for workload in stack.running(Program.MYSQL_ROUTER):
        for container in workload.serving:
            if container.program is Program.MYSQL_ROUTER:
                for problem in _of_router(stack, workload, container):
                    yield Finding(workload.resource, f"{problem} in container {container.name}")


def _past(stack: StackView, workload: Workload) -> Iterator[str]:
    """Connections in plain text to a store that a tunnel of the same pods leads to."""
    tunnels = [proxy for proxy in stack.tunnels if proxy.workload is workload and proxy.configuration]
    ends = {
        server.target.host
        for proxy in tunnels
        for _, server in (servers(proxy.configuration) if proxy.configuration else ())
    }
    for container in workload.serving:
        if container.program is Program.MYSQL_ROUTER:
            ends |= _ends(workload, container)
    for container in workload.containers:
        for role, host, _ in store_addresses(container):
            if host in ends and role is not Role.ELASTICSEARCH:
                yield f"speaks to {host} past its tunnel in container {container.name}"


def _ends(workload: Workload, container: Container) -> set[str]:
    try:
        return {host for route in routes(workload, container) for host in route.hosts}
    except UnreadableError:
        return set()


def _of_haproxy(proxy: Proxy) -> Iterator[str]:
    if proxy.configuration is None:
        yield f"has a tunnel that cannot be judged ({proxy.problem})"
        return
    for frontend, bind in proxy.configuration.listening_on(None):
        if any(section.targets for section in proxy.configuration.behind(frontend)):
            yield f"has a tunnel that others can use: {frontend.name} listens on {bind.host or 'every address'}"
    for section in proxy.configuration.sections:
        for server in section.servers:
            if not encrypted(server):
                yield f"has a tunnel that speaks to {server.target.host} in plain text"


def _of_router(stack: StackView, workload: Workload, container: Container) -> Iterator[str]:
    try:
        found = routes(workload, container)
    except UnreadableError as problem:
        yield f"has a tunnel that cannot be judged ({problem})"
        return
    for route in found:
        yield from _of_route(route)
        file = route.options.get("server_ssl_ca")
        for host in route.hosts if file else ():
            if refused := unknown_authority(stack, workload, container, file, host):
                yield f"has a tunnel whose end is refused: {route.name} {refused}"


def _of_route(route: Route) -> Iterator[str]:
    address = route.options.get("bind_address", "every address")
    if "socket" in route.options:
        address += " and a socket"
    if address not in _LOOPBACK:
        yield f"has a tunnel that others can use: {route.name} listens on {address}"
    for name, expected in _REQUIRED.items():
        if route.options.get(name, "").upper() != expected:
            yield f"has a tunnel whose end is not verified: {route.name} has no {name} {expected}"
    if not route.options.get("server_ssl_ca"):
        yield f"has a tunnel whose end is not verified: {route.name} has no server_ssl_ca"
