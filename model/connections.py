"""How many connections API instances and services open to each store, and how many a store accepts."""

from dataclasses import dataclass

from model.evidence import Evidence
from model.lifecycle import SURGE

REDIS_PER_INSTANCE = 20
"""Size of a process's pool (Tracardi/tracardi, the Redis client's `max_connections`), which workers use as well."""

MYSQL_PER_INSTANCE = 10
"""Two engines of a process, each with a pool of 3 and 2 more while these are busy: known of 0.9, assumed later."""

ELASTICSEARCH_PER_HOST = 25
"""Size of a process's pool for each address that it is given (`ELASTIC_MAX_CONN`, which is left at its default)."""

MYSQL_LIMIT = 151
"""MySQL's own default of `max_connections`; one more is kept for an administrator."""

REDIS_LIMIT = 10_000
"""Redis' own default of `maxclients`, which redis.conf leaves."""


@dataclass(frozen=True)
class StoreConnections:
    """A store that every API instance keeps connections to, and Tracardi's further services."""

    name: str
    per_instance: int
    evidence: Evidence
    gui_api: int
    """Instances of the GUI API."""
    limit: int | None = None
    """Connections that it accepts; None where that is not known: others run it, or it sets no limit."""
    services: int = 0
    """Connections of all services at the most, the extra pods of their rolling updates included."""

    def needed(self, track: int) -> int:
        """Connections at the most, with so many collectors and the extra pods of a rolling update in both clusters."""
        return (track + self.gui_api + 2 * SURGE) * self.per_instance + self.services

    @property
    def most_track_instances(self) -> int | None:
        """Collectors that find all their connections; None where no limit is known."""
        if self.limit is None:
            return None
        return max(0, (self.limit - self.services) // self.per_instance - self.gui_api - 2 * SURGE)
