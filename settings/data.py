"""The data services and the shape of the indices (`tracardi:data`, `tracardi:index` in a stack file)."""

from enum import StrEnum

from pydantic import Field

from model.limits import MIN_ELASTICSEARCH_NODES
from settings.base import Refusal, Refusals, Section
from settings.types import Quantity, amount


class ElasticsearchSettings(Section):
    """Elasticsearch in the cluster, with TLS and authentication."""

    nodes: int = Field(default=MIN_ELASTICSEARCH_NODES, ge=1, le=30)
    """Nodes; all of them hold data and vote."""
    storage: Quantity = "50Gi"
    """Volume of each node."""
    memory: Quantity = "4Gi"
    """Memory of each node; half of it is heap."""
    cpu: Quantity = "1"
    """CPU that each node requests, in cores."""


class StoreSettings(Section):
    """A single-instance store: a single point of failure of event collection."""

    storage: Quantity = "10Gi"
    """Volume of the instance."""
    memory: Quantity = "1Gi"
    """Memory of the instance."""


class DataSettings(Section):
    """The data services that run in the cluster."""

    elasticsearch: ElasticsearchSettings = ElasticsearchSettings()
    """Events, profiles and sessions."""
    redis: StoreSettings = StoreSettings()
    """Locks, tokens and caches. Tracardi speaks to Redis without TLS."""
    mysql: StoreSettings | None = None
    """Metadata and users, for releases from 0.9 on; None takes the defaults there."""

    def refusals(self) -> Refusals:
        """What is wrong between the keys of this section."""
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


class Partitioning(StrEnum):
    """How much time one index of a kind covers."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class IndexSettings(Section):
    """The shape of the indices: equal in every pod, and fixed once Tracardi is installed."""

    shards: int = Field(default=3, ge=1, le=30)
    """Primary shards of a data index."""
    replicas: int = Field(default=1, ge=0, le=5)
    """Copies of each shard; Tracardi lowers them to 0 by itself when Elasticsearch has a single node."""
    event_partitioning: Partitioning = Partitioning.MONTH
    """Time that an event index covers."""
    profile_partitioning: Partitioning = Partitioning.QUARTER
    """Time that a profile index covers."""
    session_partitioning: Partitioning = Partitioning.QUARTER
    """Time that a session index covers."""
    tenant_name: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9]{2,29}$")
    """Part of every index name; None takes the release's own."""
