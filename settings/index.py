"""The shape of the indices (`tracardi:index` in a stack file)."""

from enum import StrEnum

from pydantic import Field

from settings.base import Section


class Partitioning(StrEnum):
    """How much time one index of a kind covers."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def days(self) -> int:
        """The most days that it covers."""
        return {Partitioning.MONTH: 31, Partitioning.QUARTER: 92, Partitioning.YEAR: 366}[self]


class IndexSettings(Section):
    """The shape of the indices: equal in every pod, and fixed once Tracardi is installed."""

    shards: int = Field(default=3, ge=1, le=30)
    """Primary shards of a data index."""
    replicas: int = Field(default=1, ge=0, le=5)
    """Copies of each shard; Tracardi lowers them to 0 by itself when Elasticsearch has a single node."""
    conf_shards: int = Field(default=1, ge=1, le=30)
    """Primary shards of an index that holds configuration."""
    event_partitioning: Partitioning = Partitioning.MONTH
    """Time that an event index covers."""
    profile_partitioning: Partitioning = Partitioning.QUARTER
    """Time that a profile index covers."""
    session_partitioning: Partitioning = Partitioning.QUARTER
    """Time that a session index covers."""
    item_partitioning: Partitioning = Partitioning.YEAR
    """Time that an item index covers."""
    log_partitioning: Partitioning = Partitioning.MONTH
    """Time that a log index covers."""
    dispatch_log_partitioning: Partitioning = Partitioning.MONTH
    """Time that an index of dispatched messages covers."""
    console_log_partitioning: Partitioning = Partitioning.MONTH
    """Time that an index of workflow messages covers."""
    field_change_log_partitioning: Partitioning = Partitioning.MONTH
    """Time that an index of changed fields covers."""
    user_log_partitioning: Partitioning = Partitioning.YEAR
    """Time that an index of users' actions covers."""
    tenant_name: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9]{2,29}$")
    """Part of every index name; left out: the release's own."""
