"""Where API pods find the data services: the same for a store in the cluster and for one that others run."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class ElasticsearchEndpoint:
    """Elasticsearch, always over TLS."""

    urls: tuple[str, ...]
    username: str
    authority: pulumi.Input[str] | None
    """PEM to verify it with; None takes the public authorities that the API image knows."""


@dataclass(frozen=True)
class Tunnel:
    """A connection that a sidecar of the API pods carries through TLS, verifying `host`."""

    host: str
    port: int
    authority: pulumi.Input[str] | None
    """PEM to verify it with; None takes the public authorities that the sidecar's image knows."""


@dataclass(frozen=True)
class RedisEndpoint:
    """Redis, as an API pod addresses it: on loopback where there is a tunnel."""

    host: str
    port: int
    tunnel: Tunnel | None = None


@dataclass(frozen=True)
class MysqlEndpoint:
    """MySQL, as an API pod addresses it: on loopback where there is a tunnel."""

    host: str
    port: int
    username: str
    database: str
    tunnel: Tunnel | None = None


@dataclass(frozen=True)
class PulsarTunnels:
    """The connections that a sidecar carries to Pulsar through TLS."""

    queue: Tunnel
    api: Tunnel


@dataclass(frozen=True)
class PulsarEndpoint:
    """Pulsar, as Tracardi addresses it: on loopback where there are tunnels."""

    url: str
    api: str
    cluster: str
    tenant: str
    tunnels: PulsarTunnels | None = None


@dataclass(frozen=True)
class DataEndpoints:
    """Every data service of an installation."""

    elasticsearch: ElasticsearchEndpoint
    redis: RedisEndpoint
    mysql: MysqlEndpoint | None
    """None for releases that need none."""
    pulsar: PulsarEndpoint | None = None
    """None for the open-source edition."""
