"""The roles that pods play in an installation, and the namespace each lives in."""

from enum import StrEnum

from model.services import SERVICE_NAMES


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
    PREFLIGHT = "preflight"
    """Checks the stores that others run, before anything relies on them."""
    INSTALLATION = "installation"
    ELASTICSEARCH = "elasticsearch"
    REDIS = "redis"
    MYSQL = "mysql"
    PULSAR = "pulsar"
    # One for each service of the catalogue, so that it is the only table to name them: Role("apm").
    vars().update({name.upper().replace("-", "_"): name for name in SERVICE_NAMES})

    @property
    def tier(self) -> Tier:
        """The namespace that pods of this role live in."""
        return _TIERS[self]

    @property
    def is_service(self) -> bool:
        """Whether it is one of the catalogue's services, which an installation may do without."""
        return self.value in SERVICE_NAMES


_TIERS = {
    Role.TRACK_BALANCER: Tier.TRACK,
    Role.TRACK_API: Tier.TRACK,
    Role.GUI_BALANCER: Tier.CONSOLE,
    Role.GUI: Tier.CONSOLE,
    Role.GUI_API_BALANCER: Tier.CONSOLE,
    Role.GUI_API: Tier.CONSOLE,
    Role.PREFLIGHT: Tier.CONSOLE,
    Role.INSTALLATION: Tier.CONSOLE,
    Role.ELASTICSEARCH: Tier.DATA,
    Role.REDIS: Tier.DATA,
    Role.MYSQL: Tier.DATA,
    Role.PULSAR: Tier.DATA,
    # Never beside what strangers reach.
    **{Role(name): Tier.CONSOLE for name in SERVICE_NAMES},
}
