"""The ports that containers listen on. All are above 1023, because no container may bind a privileged one."""

from enum import IntEnum


class Port(IntEnum):
    """A container port; Services keep the number, except that a balancer's answers on 443 and 80."""

    HTTP = 8080
    """Tracardi's API and its GUI, each in pods of its own."""
    BALANCER_HTTPS = 8443
    BALANCER_HTTP = 8081
    BALANCER_METRICS = 8404
    TUNNEL_HEALTH = 8405
    """Where a tunnel's sidecar tells that it listens; the tunnel itself is on loopback only."""
    PULSAR_TUNNEL_HEALTH = 8406
    PULSAR_TUNNEL_API = 8407
    """On loopback: the near end of the tunnel to Pulsar's administration, whose own port is the API's."""
    ELASTICSEARCH = 9200
    ELASTICSEARCH_TRANSPORT = 9300
    REDIS = 6379
    MYSQL = 3306
    PULSAR = 6650
    PULSAR_API = 8080
    """Pulsar's administration, and its health; as HTTP, in other pods."""
    DNS = 53
    PUBLIC_HTTPS = 443
    PUBLIC_HTTP = 80
    PULSAR_TLS = 6651
