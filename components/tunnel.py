"""Tunnels: sidecars of the API pods that carry connections to Redis and MySQL through TLS.

Tracardi itself speaks to both in plain text; what is plain stays on the pod's own loopback address
(docs/decisions/0006-tunnels.md).
"""

from collections.abc import Iterator

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.endpoints import DataEndpoints, Tunnel
from components.kubernetes import digest
from components.pods import Check, Container, Mount, Resources, config_volume, scratch
from components.rendering import render
from model.images import Software
from model.lifecycle import LIVENESS, READINESS, Probe
from model.ports import Port

LOOPBACK = "127.0.0.1"
"""Where API pods find the near end of every tunnel."""

TUNNELS = "tunnels"
"""ConfigMap with what the sidecars read."""

_FOLDER = "/etc/tunnels"
_HAPROXY_FILE = "haproxy.cfg"
_ROUTER_FILE = "mysqlrouter.conf"
_ROUTER_STATE = "/var/lib/mysqlrouter"
_ROUTER_VOLUME = "mysql-tunnel"
_PUBLIC_AUTHORITIES = "/etc/pki/tls/certs/ca-bundle.crt"
"""In MySQL Router's image, which is made from Oracle Linux."""
_CONNECTIONS = 256
"""Connections of one API pod at a time: its pools hold 20 to Redis and 10 to MySQL."""
_START = Probe(period=1, timeout=2, failures=60)


def tunnel_files(data: DataEndpoints) -> dict[str, pulumi.Input[str]]:
    """The keys of the ConfigMap `TUNNELS`; none where no store is reached through a tunnel."""
    redis, mysql = _redis(data), _mysql(data)
    files: dict[str, pulumi.Input[str]] = {}
    if redis is not None:
        files[_HAPROXY_FILE] = render(
            "tunnel-redis.cfg.j2",
            loopback=LOOPBACK,
            port=int(Port.REDIS),
            health_port=int(Port.TUNNEL_HEALTH),
            host=redis.host,
            store_port=int(redis.port),
            authority=f"{_FOLDER}/{_authority_file('redis')}" if redis.authority is not None else "@system-ca",
            connections=_CONNECTIONS,
        )
    if mysql is not None:
        files[_ROUTER_FILE] = render(
            "tunnel-mysql.conf.j2",
            loopback=LOOPBACK,
            port=int(Port.MYSQL),
            host=mysql.host,
            store_port=int(mysql.port),
            authority=f"{_FOLDER}/{_authority_file('mysql')}" if mysql.authority is not None else _PUBLIC_AUTHORITIES,
            state=_ROUTER_STATE,
            connections=_CONNECTIONS,
        )
    for store, tunnel in (("redis", redis), ("mysql", mysql)):
        if tunnel is not None and tunnel.authority is not None:
            files[_authority_file(store)] = tunnel.authority
    return files


def tunnel_sidecars(context: Context, data: DataEndpoints) -> tuple[Container, ...]:
    """A sidecar for each tunnel; each is up before Tracardi starts, and stops after it."""
    return tuple(_sidecars(context, data))


def tunnel_volumes(data: DataEndpoints) -> tuple[k8s.core.v1.VolumeArgs, ...]:
    """The volumes that the sidecars mount."""
    tunnels = (config_volume(TUNNELS, TUNNELS),) if _redis(data) or _mysql(data) else ()
    return (*tunnels, *((scratch(_ROUTER_VOLUME, "16Mi"),) if _mysql(data) else ()))


def tunnel_checksum(data: DataEndpoints) -> dict[str, pulumi.Input[str]]:
    """Digest of what the sidecars read at their start only: configurations, and certificates, which are public."""
    files = tunnel_files(data)
    if not files:
        return {}
    texts = [text for text in files.values() if isinstance(text, str)]
    if len(texts) == len(files):
        return {TUNNELS: digest(*texts)}
    return {TUNNELS: pulumi.Output.all(*files.values()).apply(lambda found: digest(*found))}


def _sidecars(context: Context, data: DataEndpoints) -> Iterator[Container]:
    if _redis(data) is not None:
        # Answers whatever Redis does: a store that is down must not restart what leads to it.
        health = Check(path="/healthz", port=Port.TUNNEL_HEALTH)
        yield Container(
            name="redis-tunnel",
            image=context.image(Software.HAPROXY),
            resources=Resources(cpu="50m", memory="48Mi", memory_limit="96Mi"),
            command=("haproxy", "-db", "-f", f"{_FOLDER}/{_HAPROXY_FILE}"),
            ports={"tunnel-health": Port.TUNNEL_HEALTH},
            mounts=(Mount(TUNNELS, _FOLDER),),
            startup=health.probe(_START),
            readiness=health.probe(READINESS),
            liveness=health.probe(LIVENESS),
        )
    if _mysql(data) is not None:
        yield Container(
            name=_ROUTER_VOLUME,
            image=context.image(Software.MYSQL_ROUTER),
            resources=Resources(cpu="50m", memory="64Mi", memory_limit="128Mi"),
            # The image's own entry point asks a cluster for its members; there is one server, and it is known.
            command=("mysqlrouter", "--config", f"{_FOLDER}/{_ROUTER_FILE}"),
            environment={"HOME": _ROUTER_STATE},
            mounts=(Mount(TUNNELS, _FOLDER), Mount(_ROUTER_VOLUME, _ROUTER_STATE, read_only=False)),
            # Asks the kernel who listens: a connection that ends before MySQL's handshake does counts as an attack, and
            # enough of them block the pod. Only at the start: while MySQL is away, Router stops listening by design.
            startup=Check(command=("grep", "-q", _listening(Port.MYSQL), "/proc/net/tcp")).probe(_START),
        )


def _listening(port: int) -> str:
    """How the kernel's table of sockets shows a listener on loopback and `port`."""
    return f": 0100007F:{int(port):04X} 00000000:0000 0A "


def _authority_file(store: str) -> str:
    return f"{store}-ca.crt"


def _redis(data: DataEndpoints) -> Tunnel | None:
    return data.redis.tunnel


def _mysql(data: DataEndpoints) -> Tunnel | None:
    return data.mysql.tunnel if data.mysql is not None else None
