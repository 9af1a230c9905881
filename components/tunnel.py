"""Tunnels: sidecars of the API pods that carry connections to Redis, MySQL and Pulsar through TLS.

Tracardi itself speaks to them in plain text; what is plain stays on the pod's own loopback address
(docs/decisions/0006-tunnels.md).
"""

from collections.abc import Iterator, Mapping

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.endpoints import DataEndpoints, PulsarTunnels, Tunnel
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

TUNNEL_FOLDER = "/etc/tunnels"
"""Where that is mounted."""

_HAPROXY_FILE = "haproxy.cfg"
_PULSAR_FILE = "pulsar.cfg"
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
    redis, mysql, pulsar = _redis(data), _mysql(data), _pulsar(data)
    files: dict[str, pulumi.Input[str]] = {}
    if redis is not None:
        files[_HAPROXY_FILE] = render(
            "tunnel-redis.cfg.j2",
            loopback=LOOPBACK,
            port=int(Port.REDIS),
            health_port=int(Port.TUNNEL_HEALTH),
            host=redis.host,
            store_port=int(redis.port),
            authority=_authority("redis", redis),
            connections=_CONNECTIONS,
        )
    if mysql is not None:
        files[_ROUTER_FILE] = render(
            "tunnel-mysql.conf.j2",
            loopback=LOOPBACK,
            port=int(Port.MYSQL),
            host=mysql.host,
            store_port=int(mysql.port),
            authority=authority_file("mysql") if mysql.authority is not None else _PUBLIC_AUTHORITIES,
            state=_ROUTER_STATE,
            connections=_CONNECTIONS,
        )
    if pulsar is not None:
        files[_PULSAR_FILE] = render(
            "tunnel-pulsar.cfg.j2",
            loopback=LOOPBACK,
            port=int(Port.PULSAR),
            api_port=int(Port.PULSAR_TUNNEL_API),
            health_port=int(Port.PULSAR_TUNNEL_HEALTH),
            queue=pulsar.queue,
            api=pulsar.api,
            authority=_authority("pulsar", pulsar.queue),
            connections=_CONNECTIONS,
        )
    for store, tunnel in (("redis", redis), ("mysql", mysql), ("pulsar", pulsar.queue if pulsar else None)):
        if tunnel is not None and tunnel.authority is not None:
            files[_authority_key(store)] = tunnel.authority
    return files


def authority_file(store: str) -> str:
    """The file with the authority that the tunnel to `store` verifies it with, where one is given."""
    return f"{TUNNEL_FOLDER}/{_authority_key(store)}"


def tunnel_sidecars(context: Context, data: DataEndpoints) -> tuple[Container, ...]:
    """A sidecar for each tunnel; each is up before Tracardi starts, and stops after it."""
    return tuple(_sidecars(context, data))


def tunnel_volumes(data: DataEndpoints, config_map: str = TUNNELS) -> tuple[k8s.core.v1.VolumeArgs, ...]:
    """The volumes that the sidecars mount; `config_map` has their files."""
    tunnels = (config_volume(TUNNELS, config_map),) if _redis(data) or _mysql(data) or _pulsar(data) else ()
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
        yield _haproxy(context, "redis", _HAPROXY_FILE, {"tunnel-health": Port.TUNNEL_HEALTH})
    if _pulsar(data) is not None:
        yield _haproxy(context, "pulsar", _PULSAR_FILE, {"pulsar-health": Port.PULSAR_TUNNEL_HEALTH})
    if _mysql(data) is not None:
        yield Container(
            name=_ROUTER_VOLUME,
            image=context.image(Software.MYSQL_ROUTER),
            resources=Resources(cpu="50m", memory="64Mi", memory_limit="128Mi"),
            # The image's own entry point asks a cluster for its members; there is one server, and it is known.
            command=("mysqlrouter", "--config", f"{TUNNEL_FOLDER}/{_ROUTER_FILE}"),
            environment={"HOME": _ROUTER_STATE},
            mounts=(Mount(TUNNELS, TUNNEL_FOLDER), Mount(_ROUTER_VOLUME, _ROUTER_STATE, read_only=False)),
            # Asks the kernel who listens: a connection that ends before MySQL's handshake does counts as an attack, and
            # enough of them block the pod. Only at the start: while MySQL is away, Router stops listening by design.
            startup=Check(command=("grep", "-q", _listening(Port.MYSQL), "/proc/net/tcp")).probe(_START),
        )


def _haproxy(context: Context, store: str, file: str, ports: Mapping[str, Port]) -> Container:
    (health_port,) = ports.values()
    # Answers whatever the store does: one that is down must not restart what leads to it.
    health = Check(path="/healthz", port=health_port)
    return Container(
        name=f"{store}-tunnel",
        image=context.image(Software.HAPROXY),
        resources=Resources(cpu="50m", memory="48Mi", memory_limit="96Mi"),
        command=("haproxy", "-db", "-f", f"{TUNNEL_FOLDER}/{file}"),
        ports=ports,
        mounts=(Mount(TUNNELS, TUNNEL_FOLDER),),
        startup=health.probe(_START),
        readiness=health.probe(READINESS),
        liveness=health.probe(LIVENESS),
    )


def _listening(port: int) -> str:
    """How the kernel's table of sockets shows a listener on loopback and `port`."""
    return f": 0100007F:{int(port):04X} 00000000:0000 0A "


def _authority(store: str, tunnel: Tunnel) -> str:
    """What HAProxy verifies a store with."""
    return authority_file(store) if tunnel.authority is not None else "@system-ca"


def _authority_key(store: str) -> str:
    return f"{store}-ca.crt"


def _redis(data: DataEndpoints) -> Tunnel | None:
    return data.redis.tunnel


def _mysql(data: DataEndpoints) -> Tunnel | None:
    return data.mysql.tunnel if data.mysql is not None else None


def _pulsar(data: DataEndpoints) -> PulsarTunnels | None:
    return data.pulsar.tunnels if data.pulsar is not None else None
