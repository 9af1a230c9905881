"""Names of indices, aliases and templates.

`tracardi/service/storage/indices` of Tracardi/tracardi, branch 0.8.2.1: an alias carries no database version.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from .environment import Configuration

Context = Literal["staging", "production"]
_PREFIXES = {"staging": "", "production": "prod-"}


@dataclass(frozen=True)
class Kind:
    """A type of records."""

    name: str
    partitioned: bool = False
    static: bool = False
    """Whether both contexts share it."""


EVENT, PROFILE, SESSION, LOG = (Kind(name, partitioned=True) for name in ("event", "profile", "session", "log"))
USER, EVENT_SOURCE, BRIDGE = Kind("user"), Kind("event-source"), Kind("bridge")
REDIRECT, CONSENT_TYPE, SETTING = Kind("event-redirect"), Kind("consent-type"), Kind("setting")
PLUGIN, VERSION = Kind("plugin", static=True), Kind("version", static=True)

_ALL = (EVENT, PROFILE, SESSION, LOG, REDIRECT, CONSENT_TYPE, SETTING, USER, EVENT_SOURCE, BRIDGE, PLUGIN, VERSION)
_IN_MYSQL = (USER, EVENT_SOURCE, BRIDGE)


@dataclass(frozen=True)
class Names:
    """The names of one installation in one context."""

    configuration: Configuration
    context: Context

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What Elasticsearch holds for this context; what both share is made with the staging context."""
        return tuple(
            kind
            for kind in _ALL
            if not (kind.static and self.context == "production")
            and not (kind in _IN_MYSQL and self.configuration.mysql is not None)
        )

    def alias(self, kind: Kind) -> str:
        """What is searched, and where single indices are written to."""
        return f"{self._prefix(kind)}{self._base(kind)}"

    def index(self, kind: Kind, at: datetime | None = None) -> str:
        """What is written to at a time; now without one."""
        name = f"{self._prefix(kind)}{self.configuration.database_version}.{self._base(kind)}"
        return f"{name}-{self._partition(kind, at or datetime.now(UTC))}" if kind.partitioned else name

    def template(self, kind: Kind) -> str:
        """What future partitions are made from."""
        return f"{self._prefix(kind)}template.{self.configuration.database_version}.{self._base(kind)}"

    def pattern(self, kind: Kind) -> str:
        """The indices that a template is for."""
        return f"{self._prefix(kind)}{self.configuration.database_version}.{self._base(kind)}-*-*"

    def _prefix(self, kind: Kind) -> str:
        return "static-" if kind.static else _PREFIXES[self.context]

    def _base(self, kind: Kind) -> str:
        return f"{self.configuration.tenant}.tracardi-{kind.name}"

    def _partition(self, kind: Kind, at: datetime) -> str:
        match self.configuration.shape.partitioning[kind.name]:
            case "month":
                return f"{at.year}-{at.month}"
            case "quarter":
                return f"{at.year}-q{(at.month - 1) // 3 + 1}"
            case "year":
                return f"{at.year}-year"
            case other:
                raise ValueError(f"Unknown partitioning {other}")
