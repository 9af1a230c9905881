"""The data services (`tracardi:data` in a stack file): each in the cluster, or run by others."""

from typing import ClassVar

from pydantic import Field

from model.connections import MYSQL_LIMIT
from model.limits import MIN_ELASTICSEARCH_NODES
from settings.base import Refusal, Refusals, Section
from settings.pulsar import PulsarSettings
from settings.types import Cidr, HostName, HttpsUrl, MysqlName, Pem, Quantity, amount, is_address


class ExternalElasticsearch(Section):
    """Elasticsearch that somebody else runs. Its password is tracardi:credentials.elasticsearch."""

    urls: tuple[HttpsUrl, ...] = Field(min_length=1)
    """Addresses of its nodes, or of what balances over them."""
    username: str = Field(default="elastic", min_length=1, max_length=128, pattern=r"^[^\s:]+$")
    """User, with all rights on `*tracardi*` indices and the right to manage templates and read cluster health."""
    certificate_authority: Pem | None = None
    """PEM of the authority that signed its certificate; left out: the public ones."""
    networks: tuple[Cidr, ...] = Field(min_length=1)
    """Networks that its addresses are in: NetworkPolicies know addresses, not names."""


class ExternalStore(Section):
    """A store that somebody else runs. Its password stands in tracardi:credentials."""

    host: HostName
    """Host name or IPv4 address."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Port; left out: the protocol's own."""
    certificate_authority: Pem | None = None
    """PEM of the authority that signed its certificate, for the tunnel; left out: the public ones."""
    networks: tuple[Cidr, ...] = Field(min_length=1)
    """Networks that its addresses are in: NetworkPolicies know addresses, not names."""


class ExternalMysql(ExternalStore):
    """MySQL that somebody else runs. Its password is tracardi:credentials.mysql."""

    username: MysqlName = "tracardi"
    """User with all rights on the database, authenticated by mysql_native_password."""
    database: MysqlName = "tracardi"
    """Database; it is created where the user may do that."""


class ElasticsearchSettings(Section):
    """Elasticsearch in the cluster, with TLS and authentication, or run by others."""

    INSIDE: ClassVar[tuple[str, ...]] = ("nodes", "storage", "memory", "cpu", "allow_mmap")

    nodes: int = Field(default=MIN_ELASTICSEARCH_NODES, ge=1, le=30)
    """Nodes; all of them hold data and vote."""
    storage: Quantity = "50Gi"
    """Volume of each node."""
    memory: Quantity = "4Gi"
    """Memory of each node; half of it is heap."""
    cpu: Quantity = "1"
    """CPU that each node requests, in cores."""
    allow_mmap: bool = False
    """Memory maps are faster, and need vm.max_map_count of 262144 or more on every node of the cluster."""
    external: ExternalElasticsearch | None = None
    """Elasticsearch outside; then none runs in the cluster."""


class StoreSettings(Section):
    """A single instance in the cluster, or a service run by others."""

    INSIDE: ClassVar[tuple[str, ...]] = ("storage", "memory")

    storage: Quantity = "10Gi"
    """Volume of the instance."""
    memory: Quantity = "1Gi"
    """Memory of the instance."""
    tunnel: bool = False
    """Carries connections through TLS, which Tracardi cannot do by itself, with a sidecar in each API pod."""


class RedisSettings(StoreSettings):
    """Redis in the cluster, a single instance, or run by others."""

    external: ExternalStore | None = None
    """Redis outside; then none runs in the cluster."""


class MysqlSettings(StoreSettings):
    """MySQL in the cluster, a single instance, or run by others."""

    INSIDE: ClassVar[tuple[str, ...]] = (*StoreSettings.INSIDE, "max_connections")

    max_connections: int = Field(default=MYSQL_LIMIT, ge=10, le=100_000)
    """Connections that it accepts, 10 for each API instance and some for services; they take memory, so raise that with
    them."""
    external: ExternalMysql | None = None
    """MySQL outside; then none runs in the cluster."""


class DataSettings(Section):
    """The data services."""

    keep: bool | None = None
    """Keeps namespace, volumes and credentials when the stack goes; left out: in production."""
    preflight: bool = True
    """Checks the stores that others run before anything relies on them; off, where a finding is known to do no harm."""
    elasticsearch: ElasticsearchSettings = ElasticsearchSettings()
    """Events, profiles and sessions."""
    redis: RedisSettings = RedisSettings()
    """Locks, tokens and caches."""
    mysql: MysqlSettings | None = None
    """Metadata and users, for releases from 0.9 on; left out: the defaults there."""
    pulsar: PulsarSettings | None = None
    """The queue of the commercial edition; left out: the defaults there."""

    def refusals(self) -> Refusals:
        """What is wrong between the keys of this section."""
        stores = {
            "elasticsearch": self.elasticsearch,
            "redis": self.redis,
            "mysql": self.mysql,
            "pulsar": self.pulsar,
        }
        for name, store in stores.items():
            if store is not None and store.external is not None:
                yield from _unused(name, store)
        if not self.preflight and all(store is None or store.external is None for store in stores.values()):
            yield Refusal(
                ("data", "preflight"),
                self.preflight,
                "unused: it is about stores that others run, and this stack has none",
                "Remove it.",
            )
        if self.elasticsearch.external is None:
            yield from self._elasticsearch_inside()
        for name, tunnelled in (("redis", self.redis), ("mysql", self.mysql)):
            if tunnelled is not None and tunnelled.external is not None:
                yield from _tunnel(("data", name, "external"), tunnelled.external, tunnel=tunnelled.tunnel)
        if self.pulsar is not None:
            yield from self.pulsar.refusals(("data", "pulsar"))

    def _elasticsearch_inside(self) -> Refusals:
        if self.elasticsearch.nodes == 2:  # noqa: PLR2004 - two is the number this rule is about
            yield Refusal(
                ("data", "elasticsearch", "nodes"),
                2,
                "two nodes lose their quorum as soon as either fails",
                "Use 1 (no failover) or 3 and more.",
            )
        smallest = "1Gi"
        if amount(self.elasticsearch.memory) < amount(smallest):
            yield Refusal(
                ("data", "elasticsearch", "memory"),
                self.elasticsearch.memory,
                f"at least {smallest}; half of it is heap, and Elasticsearch does not start with less than 512 MiB",
                "Raise it.",
            )


def _tunnel(path: tuple[str, ...], external: ExternalStore, *, tunnel: bool) -> Refusals:
    if external.certificate_authority is not None and not tunnel:
        yield Refusal(
            (*path, "certificateAuthority"),
            "a certificate",
            "unused without tunnel: Tracardi itself speaks to this store in plain text",
            "Set tunnel: true, or remove it.",
        )
    if tunnel and is_address(external.host):
        yield Refusal(
            (*path, "host"),
            external.host,
            "a name, with tunnel: true: the tunnel verifies the name in the store's certificate, not an address",
            "Write the name that the certificate carries.",
        )


def _unused(name: str, store: ElasticsearchSettings | RedisSettings | MysqlSettings | PulsarSettings) -> Refusals:
    for field in store.INSIDE:
        if field in store.model_fields_set:
            key = type(store).model_fields[field].alias or field
            yield Refusal(
                ("data", name, key),
                getattr(store, field),
                f"unused: tracardi:data.{name}.external is set, so none runs in the cluster",
                "Remove one of the two.",
            )
