"""Which connections are meant: those that the configuration of pods leads to, and no others."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from model.ports import Port
from policies.pack.entry.gateways import RouteEntry
from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.objects import Proxy
from policies.pack.kubernetes.ports import number
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.programs import router
from policies.pack.programs.haproxy.configuration import Configuration, Section, Server
from policies.pack.programs.haproxy.verification import servers
from policies.pack.resources import Resource
from policies.pack.roles import Role, store_addresses
from policies.pack.stack import StackView
from policies.pack.unreadable import UnreadableError

_URL = re.compile(r"https?://[^\s,;\"'<>]+")
_URL_PORTS = {"http": Port.PUBLIC_HTTP, "https": Port.PUBLIC_HTTPS}
_STORE_PORTS = {
    # Without a port, Tracardi's client of Elasticsearch takes this one for http, and 443 for https.
    Role.ELASTICSEARCH: (Port.ELASTICSEARCH, Port.PUBLIC_HTTPS),
    Role.REDIS: (Port.REDIS,),
    Role.MYSQL: (Port.MYSQL,),
    Role.PULSAR: (Port.PULSAR,),
}


@dataclass(frozen=True)
class Address:
    """An address that the configuration of pods names, and what they expect there."""

    host: str
    ports: tuple[int, ...]
    """Any of them may be meant."""
    expected: frozenset[Role]
    said_by: str
    """Where it is named."""
    is_url: bool = False
    """Whether it stands in a URL, wherever that is."""


@dataclass(frozen=True)
class Use:
    """A connection that pods of `source` are told to open, to what `address` leads to."""

    source: Workload
    target: Workload
    port: int
    address: Address


_BEHIND_BALANCERS = frozenset({Role.BALANCER, Role.COLLECTOR, Role.GUI_API, Role.CONSOLE, Role.OTHER})
_API = frozenset({Role.COLLECTOR, Role.GUI_API})
_STORES = frozenset(role for role in Role if role.is_store)
_USERS_OF_STORES = frozenset({Program.API, Program.WORKER})


def addresses(stack: StackView, workload: Workload) -> Iterator[Address]:
    """The addresses that pods of `workload` are told to connect to."""
    for proxy in stack.proxies_of(workload):
        yield from _of_proxy(proxy, _BEHIND_BALANCERS if proxy in stack.balancers else _STORES)
    for container in workload.containers:
        if container.program is Program.MYSQL_ROUTER:
            yield from _of_router(workload, container)
        if container.program in _USERS_OF_STORES or workload.ends:
            yield from _of_stores(container)
        if workload.ends:
            yield from _of_urls(container)


def uses(stack: StackView, workload: Workload) -> Iterator[Use]:
    """The connections to pods of the stack that pods of `workload` are meant to open."""
    for address in addresses(stack, workload):
        service = stack.service_at(address.host, workload.namespace)
        for target in stack.selected(service) if service else ():
            if service and stack.role(target) in address.expected:
                for port in address.ports:
                    for found in pod_ports(service, target, port):
                        yield Use(workload, target, found, address)
    if stack.role(workload) is Role.ELASTICSEARCH:
        # Its nodes find each other, and keep each other's copies.
        told = Address("", (Port.ELASTICSEARCH_TRANSPORT,), frozenset({Role.ELASTICSEARCH}), "")
        for target in stack.in_role(Role.ELASTICSEARCH):
            if target.namespace == workload.namespace:
                yield Use(workload, target, Port.ELASTICSEARCH_TRANSPORT, told)


def pod_ports(service: Resource, target: Workload, port: int) -> tuple[int, ...]:
    """The ports of pods that connections to `port` of `service` arrive at."""
    if service.spec["clusterIP"].text == "None":
        # DNS gives the pods' own addresses, so nothing translates the port.
        return (port,)
    found = (
        target.port(entry["targetPort"]) if entry["targetPort"].given else port
        for entry in service.spec["ports"]
        if number(entry["port"]) == port and (entry["protocol"].text or "TCP") == "TCP"
    )
    return tuple(each for each in found if each is not None)


def balances(stack: StackView, workload: Workload) -> bool:
    """Whether pods are a balancer, alone or with company."""
    return any(proxy.workload is workload for proxy in stack.balancers)


def behind(stack: StackView, workload: Workload) -> frozenset[Role]:
    """The roles of the pods that a balancer leads to; none where pods are no balancer."""
    if not balances(stack, workload):
        return frozenset()
    return frozenset(stack.role(use.target) for use in uses(stack, workload))


def readable(stack: StackView, workload: Workload) -> bool:
    """Whether all of the configuration can be read that says what pods of `workload` connect to."""
    routers = (container for container in workload.containers if container.program is Program.MYSQL_ROUTER)
    read = [*(proxy.configuration for proxy in stack.proxies_of(workload)), *(_routes(workload, at) for at in routers)]
    return all(found is not None for found in read)


def external(stack: StackView, workload: Workload) -> tuple[Address, ...]:
    """The stores that pods of `workload` use and that are no pods of the stack."""
    return tuple(
        address
        for address in addresses(stack, workload)
        if address.expected <= _STORES
        and not is_local(address.host)
        and stack.service_at(address.host, workload.namespace) is None
    )


def is_local(host: str) -> bool:
    """Whether `host` is the pod itself."""
    return host.lower().rstrip(".") == "localhost" or host.startswith("127.") or host.strip("[]") == "::1"


def entry_ports(stack: StackView, workload: Workload) -> frozenset[int]:
    """The ports of a balancer that are there for clients: those that lead somewhere, or redirect to one that does."""
    return frozenset(
        port
        for configuration, frontend in _frontends(stack, workload)
        if _serves(configuration, frontend)
        for port in _listening(frontend)
    )


def own_ports(stack: StackView, workload: Workload) -> frozenset[int]:
    """The ports of a balancer that lead nowhere: what it says there is about itself."""
    found = frozenset(port for _, frontend in _frontends(stack, workload) for port in _listening(frontend))
    return found - entry_ports(stack, workload)


def gateway_ports(stack: StackView, workload: Workload) -> frozenset[int]:
    """The ports of a balancer that a Gateway's routes lead to."""
    return frozenset(
        port
        for entry in stack.entries
        if isinstance(entry, RouteEntry) and workload in entry.workloads
        for answering in entry.reach.answering
        if answering.workload is workload
        for port in answering.bind.ports or ()
    )


def _frontends(stack: StackView, workload: Workload) -> Iterator[tuple[Configuration, Section]]:
    for proxy in stack.proxies_of(workload):
        for section in proxy.configuration.sections if proxy.configuration else ():
            if section.keyword in {"frontend", "listen"}:
                yield proxy.configuration, section  # type: ignore[misc]  # without one there are no sections


def _listening(frontend: Section) -> Iterator[int]:
    return (port for bind in frontend.binds if not bind.private for port in bind.ports or ())


def _serves(configuration: Configuration, frontend: Section) -> bool:
    leads = any(section.targets for section in configuration.behind(frontend))
    redirects = any(frontend.starting("http-request", "redirect")) or any(frontend.starting("redirect"))
    return leads or redirects


def _of_proxy(proxy: Proxy, expected: frozenset[Role]) -> Iterator[Address]:
    for section, server in servers(proxy.configuration) if proxy.configuration else ():
        where = f"{section.keyword} {section.name} of container {proxy.container.name}"
        yield Address(server.target.host, tuple(_server_ports(server)), expected, where)


def _server_ports(server: Server) -> Iterator[int]:
    if server.target.port is not None:
        yield server.target.port
    for word, value in zip(server.parameters, server.parameters[1:], strict=False):
        # Where the server's health is asked for.
        if word == "port" and value.isdecimal():
            yield int(value)


def _of_router(workload: Workload, container: Container) -> Iterator[Address]:
    # Another rule says so where it cannot be read; nothing is meant that nobody can see.
    for route in _routes(workload, container) or ():
        for destination in route.options.get("destinations", "").split(","):
            host, _, port = destination.strip().rpartition(":")
            if host and port.isdecimal():
                where = f"{route.name} of container {container.name}"
                yield Address(host, (int(port),), frozenset({Role.MYSQL}), where)


def _routes(workload: Workload, container: Container) -> tuple[router.Route, ...] | None:
    try:
        return router.routes(workload, container)
    except UnreadableError:
        return None


def _of_stores(container: Container) -> Iterator[Address]:
    for role, host, port in store_addresses(container):
        ports = (port,) if port else _STORE_PORTS[role]
        yield Address(host, ports, frozenset({role}), f"the variables of container {container.name}")


def _of_urls(container: Container) -> Iterator[Address]:
    values = [variable.value or "" for variable in container.environment.values()]
    for text in (*values, *container.command_line):
        for url in _URL.findall(text):
            try:
                parts = urlsplit(url)
                host, port = parts.hostname, parts.port
            except ValueError:
                continue
            if host:
                ports = (port or _URL_PORTS[parts.scheme],)
                yield Address(host, ports, _API, f"container {container.name}", is_url=True)
