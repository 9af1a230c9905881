"""The service graph: every connection that may exist, and no other. NetworkPolicies are written from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from model.networks import Network
from model.ports import Port
from model.roles import Role
from model.service import Need
from model.services import SERVICE_NAMES, needs_of


class Outside(StrEnum):
    """Where a connection from outside the cluster may come from."""

    INTERNET = "internet"
    TRUSTED = "trusted networks"
    SCRAPERS = "metrics scrapers"


@dataclass(frozen=True)
class Destination:
    """Addresses outside the installation that pods may open TCP connections to, on one port."""

    network: Network
    port: int


@dataclass(frozen=True)
class Edge:
    """One permitted direction of connections: `source` may open TCP connections to `target` on `ports`."""

    source: Role | Outside
    target: Role
    ports: tuple[Port, ...]


_STORE_PORTS = {
    Role.ELASTICSEARCH: (Port.ELASTICSEARCH,),
    Role.REDIS: (Port.REDIS,),
    Role.MYSQL: (Port.MYSQL,),
    Role.PULSAR: (Port.PULSAR, Port.PULSAR_API),
}

_ENTRY = (Port.BALANCER_HTTPS, Port.BALANCER_HTTP)

_EDGES = (
    Edge(Outside.INTERNET, Role.TRACK_BALANCER, _ENTRY),
    Edge(Outside.TRUSTED, Role.GUI_BALANCER, _ENTRY),
    Edge(Outside.TRUSTED, Role.GUI_API_BALANCER, _ENTRY),
    *(
        Edge(Outside.SCRAPERS, balancer, (Port.BALANCER_METRICS,))
        for balancer in (Role.TRACK_BALANCER, Role.GUI_BALANCER, Role.GUI_API_BALANCER)
    ),
    Edge(Role.TRACK_BALANCER, Role.TRACK_API, (Port.HTTP,)),
    Edge(Role.GUI_BALANCER, Role.GUI, (Port.HTTP,)),
    Edge(Role.GUI_API_BALANCER, Role.GUI_API, (Port.HTTP,)),
    Edge(Role.INSTALLATION, Role.GUI_API, (Port.HTTP,)),
    *(Edge(api, store, ports) for api in (Role.TRACK_API, Role.GUI_API) for store, ports in _STORE_PORTS.items()),
    *(
        Edge(Role(name), store, ports)
        for name in SERVICE_NAMES
        for store, ports in _STORE_PORTS.items()
        if Need(store) in needs_of(name)
    ),
    Edge(Role.ELASTICSEARCH, Role.ELASTICSEARCH, (Port.ELASTICSEARCH_TRANSPORT,)),
)


USERS_OF_OTHERS_STORES = (Role.TRACK_API, Role.GUI_API, Role.PREFLIGHT)
"""Roles that connect to the stores that others run, all of them to the same addresses on the same ports.

So one check speaks for both API clusters: what NetworkPolicies let it reach is what they let these reach.
"""


def edges(roles: frozenset[Role]) -> tuple[Edge, ...]:
    """The edges of an installation that consists of `roles`."""
    return tuple(
        edge for edge in _EDGES if edge.target in roles and (isinstance(edge.source, Outside) or edge.source in roles)
    )


def into(role: Role, roles: frozenset[Role]) -> Iterator[Edge]:
    """The edges that end at `role`."""
    return (edge for edge in edges(roles) if edge.target is role)


def out_of(role: Role, roles: frozenset[Role]) -> Iterator[Edge]:
    """The edges that begin at `role`."""
    return (edge for edge in edges(roles) if edge.source is role)


def resolves_names(role: Role) -> bool:
    """Whether pods of `role` connect to others by name, and so need DNS."""
    return role in USERS_OF_OTHERS_STORES or any(edge.source is role for edge in _EDGES)
