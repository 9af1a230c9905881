"""DataServices: the stores that both API clusters share, in the cluster or run by others."""

from dataclasses import dataclass

import pulumi

from components.context import Context
from components.elasticsearch import ElasticsearchCluster, ElasticsearchClusterArgs
from components.endpoints import (
    DataEndpoints,
    ElasticsearchEndpoint,
    MysqlEndpoint,
    PulsarEndpoint,
    PulsarTunnels,
    RedisEndpoint,
    Tunnel,
)
from components.keeping import Keeping
from components.mysql import DATABASE, USERNAME, MysqlStore, MysqlStoreArgs
from components.pulsar import CLUSTER, TENANT, PulsarStore, PulsarStoreArgs
from components.redis import RedisStore, RedisStoreArgs
from components.tunnel import LOOPBACK
from model.ports import Port
from model.roles import Role
from settings.data import DataSettings, MysqlSettings
from settings.pulsar import ExternalPulsar, PulsarSettings


@dataclass(frozen=True)
class DataServicesArgs:
    """The stores as `settings` describe them."""

    context: Context
    settings: DataSettings
    keeping: Keeping


class DataServices(pulumi.ComponentResource):
    """Elasticsearch and Redis, MySQL where the release uses it, and Pulsar where the edition does.

    What others run is only addressed.
    """

    endpoints: DataEndpoints
    """Where API pods find each store."""

    def __init__(self, name: str, args: DataServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:DataServices", name, opts=opts)
        child = pulumi.ResourceOptions(parent=self)
        self.endpoints = DataEndpoints(
            elasticsearch=_elasticsearch(f"{name}-elasticsearch", args, child),
            redis=_redis(f"{name}-redis", args, child),
            mysql=_mysql(f"{name}-mysql", args, child) if args.context.release.uses_mysql else None,
            pulsar=_pulsar(f"{name}-pulsar", args, child) if args.context.release.licensed else None,
        )
        self.register_outputs({})


def _elasticsearch(name: str, args: DataServicesArgs, opts: pulumi.ResourceOptions) -> ElasticsearchEndpoint:
    context, settings = args.context, args.settings.elasticsearch
    if settings.external is not None:
        external = settings.external
        return ElasticsearchEndpoint(tuple(external.urls), external.username, external.certificate_authority)
    cluster = ElasticsearchCluster(name, ElasticsearchClusterArgs(context, settings, args.keeping), opts)
    url = f"https://{context.host(Role.ELASTICSEARCH)}:{int(Port.ELASTICSEARCH)}"
    return ElasticsearchEndpoint((url,), "elastic", cluster.authority)


def _redis(name: str, args: DataServicesArgs, opts: pulumi.ResourceOptions) -> RedisEndpoint:
    context, settings = args.context, args.settings.redis
    if settings.external is not None:
        external = settings.external
        there = Tunnel(external.host, external.port or Port.REDIS, external.certificate_authority)
    else:
        store = RedisStore(name, RedisStoreArgs(context, settings, args.keeping), opts)
        there = Tunnel(context.host(Role.REDIS), Port.REDIS, store.authority)
    if settings.tunnel:
        return RedisEndpoint(LOOPBACK, Port.REDIS, there)
    return RedisEndpoint(there.host, there.port)


def _mysql(name: str, args: DataServicesArgs, opts: pulumi.ResourceOptions) -> MysqlEndpoint:
    context, settings = args.context, args.settings.mysql or MysqlSettings()
    username, database = USERNAME, DATABASE
    if settings.external is not None:
        external = settings.external
        username, database = external.username, external.database
        there = Tunnel(external.host, external.port or Port.MYSQL, external.certificate_authority)
    else:
        store = MysqlStore(name, MysqlStoreArgs(context, settings, args.keeping), opts)
        there = Tunnel(context.host(Role.MYSQL), Port.MYSQL, store.authority)
    if settings.tunnel:
        return MysqlEndpoint(LOOPBACK, Port.MYSQL, username, database, there)
    return MysqlEndpoint(there.host, there.port, username, database)


def _pulsar(name: str, args: DataServicesArgs, opts: pulumi.ResourceOptions) -> PulsarEndpoint:
    context, settings = args.context, args.settings.pulsar or PulsarSettings()
    if settings.external is not None:
        return _external_pulsar(settings.external)
    PulsarStore(name, PulsarStoreArgs(context, settings, args.keeping), opts)
    host = context.host(Role.PULSAR)
    return PulsarEndpoint(
        f"pulsar://{host}:{int(Port.PULSAR)}", f"http://{host}:{int(Port.PULSAR_API)}", CLUSTER, TENANT
    )


def _external_pulsar(external: ExternalPulsar) -> PulsarEndpoint:
    if not external.tls:
        queue, api = f"pulsar://{external.host}:{external.port}", f"http://{external.api_host}:{external.api_port}"
        return PulsarEndpoint(queue, api, external.cluster, external.tenant)
    authority = external.certificate_authority
    return PulsarEndpoint(
        f"pulsar://{LOOPBACK}:{int(Port.PULSAR)}",
        f"http://{LOOPBACK}:{int(Port.PULSAR_TUNNEL_API)}",
        external.cluster,
        external.tenant,
        PulsarTunnels(
            Tunnel(external.host, external.port, authority), Tunnel(external.api_host, external.api_port, authority)
        ),
    )
