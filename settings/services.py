"""Tracardi's further services (`tracardi:services` in a stack file): which run, and how."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from model.service import Audience, Service, Usual
from model.services import catalogue, services_of
from settings.base import Section
from settings.environment import Environment
from settings.installation import InstallationSettings, Profile
from settings.network import EgressSettings
from settings.platform import ImageSettings
from settings.types import CronSchedule


class ServiceSettings(Section):
    """One of Tracardi's further services."""

    enabled: bool | None = None
    """Whether it runs; left out: the usual (apm in production; in the commercial edition also what it needs)."""
    replicas: int | None = Field(default=None, ge=1, le=50)
    """Instances, of a service that may have several."""
    schedule: CronSchedule | None = None
    """When it runs, as cron says it (UTC): a CronJob takes the place of pods that always run."""
    environment: Environment = {}
    """Extra environment variables."""
    egress: EgressSettings = EgressSettings()
    """What it may reach outside the installation."""
    image: ImageSettings = ImageSettings()
    """Replaces parts of its image's reference."""


_DEPLOYED = tuple(dict.fromkeys(row.name for row in catalogue() if row.audience is Audience.NOBODY))
"""Those that others connect to are for several tenants, and installations here have one."""

ServicesSettings = Annotated[
    dict[str, ServiceSettings],
    Field(
        description="Tracardi's further services, each under its name.",
        # For editors; which of them a release has, a check tells.
        json_schema_extra={"propertyNames": {"enum": list(_DEPLOYED)}},
    ),
]


def selected(installation: InstallationSettings, services: Mapping[str, ServiceSettings]) -> dict[str, Service]:
    """The services that run, by their names."""
    rows = services_of(installation.edition, installation.release)
    return {name: row for name, row in rows.items() if runs(row, services.get(name), installation)}


def runs(row: Service, settings: ServiceSettings | None, installation: InstallationSettings) -> bool:
    """Whether a service runs: as the stack says, or as is usual."""
    if settings is not None and settings.enabled is not None:
        return settings.enabled
    production = installation.profile is Profile.PRODUCTION
    return row.usual is Usual.ALWAYS or (row.usual is Usual.PRODUCTION and production)
