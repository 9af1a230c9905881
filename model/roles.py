"""The roles that pods play in an installation, and the namespace each lives in."""

from enum import StrEnum


class Tier(StrEnum):
    """A namespace of an installation; its value is the suffix of the namespace's name."""

    TRACK = "track"
    """Reachable from the internet."""
    CONSOLE = "console"
    """Reachable from trusted networks."""
    DATA = "data"
    """Reachable from the API only."""


class Role(StrEnum):
    """What a pod is for; its value is the pod's `app.kubernetes.io/component` label."""

    TRACK_BALANCER = "track-balancer"
    TRACK_API = "track-api"
    GUI_BALANCER = "gui-balancer"
    GUI = "gui"
    GUI_API_BALANCER = "gui-api-balancer"
    GUI_API = "gui-api"
    INSTALLATION = "installation"
    ELASTICSEARCH = "elasticsearch"
    REDIS = "redis"
    MYSQL = "mysql"

    @property
    def tier(self) -> Tier:
        """The namespace that pods of this role live in."""
        return _TIERS[self]


_TIERS = {
    Role.TRACK_BALANCER: Tier.TRACK,
    Role.TRACK_API: Tier.TRACK,
    Role.GUI_BALANCER: Tier.CONSOLE,
    Role.GUI: Tier.CONSOLE,
    Role.GUI_API_BALANCER: Tier.CONSOLE,
    Role.GUI_API: Tier.CONSOLE,
    Role.INSTALLATION: Tier.CONSOLE,
    Role.ELASTICSEARCH: Tier.DATA,
    Role.REDIS: Tier.DATA,
    Role.MYSQL: Tier.DATA,
}
