"""From a declared load to the numbers that a stack does not say itself."""

from collections.abc import Iterator
from fractions import Fraction

from model.capacity import Site, sizes
from model.connections import (
    ELASTICSEARCH_PER_HOST,
    MYSQL_PER_INSTANCE,
    REDIS_LIMIT,
    REDIS_PER_INSTANCE,
    StoreConnections,
)
from model.encryption import Encryption
from model.evidence import Evidence
from model.lifecycle import SURGE
from model.limits import MIN_TRACK_INSTANCES, MIN_TRACK_INSTANCES_SMALL
from model.service import Need, Service
from settings.balancer import Mode
from settings.capacity import CapacitySettings
from settings.certificates import CertificateSettings
from settings.clusters import GuiApiSettings, ReplicaRange, TrackSettings
from settings.data import DataSettings, ElasticsearchSettings, MysqlSettings
from settings.index import IndexSettings
from settings.installation import InstallationSettings, Profile
from settings.services import ServiceSettings, ServicesSettings, selected
from settings.types import amount


def site_of(
    installation: InstallationSettings,
    track: TrackSettings,
    gui_api: GuiApiSettings,
    services: ServicesSettings,
    data: DataSettings,
    index: IndexSettings,
    certificates: CertificateSettings,
) -> Site:
    """What carries the load besides collectors and balancers."""
    search = data.elasticsearch
    inside = search.external is None
    return Site(
        least_instances=_least(installation),
        encryption=certificates.encryption,
        gateway=track.balancer.mode is Mode.GATEWAY,
        elasticsearch_nodes=search.nodes if inside else None,
        elasticsearch_cores=cores_of(search),
        elasticsearch_storage=storage_of(search),
        copies=copies_of(search, index),
        stores=stores_of(installation, gui_api, services, data),
    )


def cores_of(search: ElasticsearchSettings) -> Fraction:
    """CPU that the nodes in the cluster request together."""
    return Fraction(0) if search.external is not None else search.nodes * Fraction(str(amount(search.cpu)))


def storage_of(search: ElasticsearchSettings) -> Fraction:
    """Bytes of the volumes of all nodes in the cluster together."""
    return Fraction(0) if search.external is not None else search.nodes * Fraction(str(amount(search.storage)))


def copies_of(search: ElasticsearchSettings, index: IndexSettings) -> int:
    """Copies of each shard, the primary included: Tracardi makes no others on a single node."""
    return 1 if search.external is None and search.nodes == 1 else 1 + index.replicas


def stores_of(
    installation: InstallationSettings, gui_api: GuiApiSettings, services: ServicesSettings, data: DataSettings
) -> tuple[StoreConnections, ...]:
    """The stores that API instances and services keep connections to, with the limits that are known."""
    mysql, hosts = data.mysql or MysqlSettings(), data.elasticsearch.external
    running = tuple(_running(installation, services))
    per_elasticsearch = ELASTICSEARCH_PER_HOST * (1 if hosts is None else len(hosts.urls))
    redis = StoreConnections(
        "Redis",
        REDIS_PER_INSTANCE,
        Evidence.OBSERVED,
        gui_api.replicas,
        REDIS_LIMIT if data.redis.external is None else None,
        sum(pods * REDIS_PER_INSTANCE for row, pods in running if Need.REDIS in row.needs),
    )
    elasticsearch = StoreConnections(
        "Elasticsearch",
        per_elasticsearch,
        Evidence.OBSERVED,
        gui_api.replicas,
        services=sum(pods * per_elasticsearch for row, pods in running if Need.ELASTICSEARCH in row.needs),
    )
    if not installation.facts.uses_mysql:
        return redis, elasticsearch
    limit = mysql.max_connections if mysql.external is None else None
    asked = sum(pods * row.mysql_connections for row, pods in running if Need.MYSQL in row.needs)
    return (
        StoreConnections("MySQL", MYSQL_PER_INSTANCE, Evidence.ASSUMED, gui_api.replicas, limit, asked),
        redis,
        elasticsearch,
    )


def _running(installation: InstallationSettings, services: ServicesSettings) -> Iterator[tuple[Service, int]]:
    """The services that run, each with its pods at the most: a rolling update starts one more, a CronJob never."""
    for name, row in selected(installation, services).items():
        settings = services.get(name, ServiceSettings())
        always = (settings.schedule or row.schedule) is None
        yield row, (settings.replicas or row.replicas) + SURGE if always else 1


def sized(
    capacity: CapacitySettings,
    track: TrackSettings,
    installation: InstallationSettings | None,
    certificates: CertificateSettings | None,
) -> TrackSettings:
    """`track` with numbers that carry the declared load in place of those that the stack does not say.

    A section that is None, because it is wrong in itself, is taken to ask for as much as it can.
    """
    site = Site(
        least_instances=_least(installation) if installation else MIN_TRACK_INSTANCES,
        encryption=certificates.encryption if certificates else Encryption.FULL,
        gateway=track.balancer.mode is Mode.GATEWAY,
    )
    reckoned = sizes(capacity.load, capacity.model, site)
    said = track.replicas.model_fields_set
    most = track.replicas.max if "max" in said else reckoned.ceiling
    least = track.replicas.min if "min" in said else min(reckoned.floor, max(most, site.least_instances))
    balancer = track.balancer
    if "replicas" not in balancer.model_fields_set:
        balancer = balancer.model_copy(update={"replicas": reckoned.balancers})
    replicas = ReplicaRange.model_construct(min=least, max=most if "max" in said else max(most, least))
    return track.model_copy(update={"replicas": replicas, "balancer": balancer})


def _least(installation: InstallationSettings) -> int:
    return MIN_TRACK_INSTANCES if installation.profile is Profile.PRODUCTION else MIN_TRACK_INSTANCES_SMALL
