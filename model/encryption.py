"""How far TLS reaches, and the connections that stay in plain text whatever is asked for."""

from dataclasses import dataclass
from enum import StrEnum

from model.roles import Role


class Encryption(StrEnum):
    """Where TLS ends."""

    EDGE = "edge"
    """At the balancers; plain text inside the cluster, but for Elasticsearch."""
    FULL = "full"
    """At every API, console and Elasticsearch instance, which the balancers and the API verify, and at the metrics."""


class Store(StrEnum):
    """A store that Tracardi itself speaks to in plain text only.

    Of Pulsar it is assumed, by the next product of its authors, which refuses every address but pulsar://.
    """

    REDIS = "redis"
    MYSQL = "mysql"
    PULSAR = "pulsar"


_CLOSED_BY = {
    Store.REDIS: "tracardi:data.redis.tunnel",
    Store.MYSQL: "tracardi:data.mysql.tunnel",
    Store.PULSAR: "an address of tracardi:data.pulsar.external that begins with pulsar+ssl://",
}


@dataclass(frozen=True)
class PlainConnection:
    """A connection in plain text, why, and what closes it to others."""

    connection: str
    reason: str


def exceptions(
    encryption: Encryption,
    roles: frozenset[Role],
    stores: frozenset[Store],
    *,
    tunnels: frozenset[Store] = frozenset(),
) -> tuple[PlainConnection, ...]:
    """Connections in plain text, in an installation of `roles` that reaches `stores` without a tunnel.

    `tunnels` are the stores that a sidecar leads to which tells the kubelet that it lives.
    """
    inside = [
        PlainConnection(f"{balancer} to {target}", "TLS ends at the balancers (tracardi:certificates.encryption: edge)")
        for balancer, target in (
            (Role.TRACK_BALANCER, Role.TRACK_API),
            (Role.GUI_API_BALANCER, Role.GUI_API),
            (Role.GUI_BALANCER, Role.GUI),
            (Role.INSTALLATION, Role.GUI_API),
        )
        if encryption is Encryption.EDGE and target in roles
    ]
    users = "API and services" if any(role.is_service for role in roles) else "API"
    unencrypted = [
        PlainConnection(
            f"{users} to {store}",
            f"Tracardi cannot use TLS with it; only NetworkPolicy closes it, or {_CLOSED_BY[store]}",
        )
        for store in Store
        if store in stores
    ]
    redirects = PlainConnection("port 80 of each balancer", "answers every request with a redirect to https")
    metrics = PlainConnection(
        "metrics port of each balancer", "closed to all but tracardi:network.scrapers and the kubelet"
    )
    health = [
        PlainConnection(f"health page of each {store.capitalize()} tunnel", "says that it listens, and nothing else")
        for store in Store
        if store in tunnels
    ]
    edge = encryption is Encryption.EDGE
    return (*inside, *unencrypted, redirects, *([metrics] if edge else []), *health)
