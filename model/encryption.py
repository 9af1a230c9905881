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
    """A store that Tracardi itself speaks to in plain text only."""

    REDIS = "redis"
    MYSQL = "mysql"


@dataclass(frozen=True)
class PlainConnection:
    """A connection in plain text, why, and what closes it to others."""

    connection: str
    reason: str


def exceptions(
    encryption: Encryption, roles: frozenset[Role], stores: frozenset[Store], *, tunnels: bool = False
) -> tuple[PlainConnection, ...]:
    """Connections in plain text, in an installation of `roles` that reaches `stores` without a tunnel.

    `tunnels` is whether there is a sidecar that tells the kubelet that it lives.
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
    unencrypted = [
        PlainConnection(
            f"API to {store}",
            f"Tracardi cannot use TLS with it; only NetworkPolicy closes it, or tracardi:data.{store}.tunnel",
        )
        for store in Store
        if store in stores
    ]
    redirects = PlainConnection("port 80 of each balancer", "answers every request with a redirect to https")
    metrics = PlainConnection(
        "metrics port of each balancer", "closed to all but tracardi:network.scrapers and the kubelet"
    )
    health = PlainConnection("health page of each Redis tunnel", "says that it listens, and nothing else")
    edge = encryption is Encryption.EDGE
    return (*inside, *unencrypted, redirects, *([metrics] if edge else []), *([health] if tunnels else []))
