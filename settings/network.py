"""The networks around the installation (`tracardi:network` in a stack file), and what pods may reach in them."""

from pydantic import Field

from settings.base import Section
from settings.types import Cidr, DnsName, HostName, IpAddress, LabelKey, LabelValue


class PodsElsewhere(Section):
    """Pods of the cluster that do not belong to the installation."""

    namespace: DnsName
    """Their namespace."""
    labels: dict[LabelKey, LabelValue] = {}
    """Their labels; without any, every pod of the namespace is meant."""


class NetworkSettings(Section):
    """The networks around the installation."""

    trusted: tuple[Cidr, ...] = Field(min_length=1)
    """Networks whose users may reach the GUI and the GUI API, and nobody else."""
    cluster_domain: HostName = "cluster.local"
    """The cluster's DNS domain."""
    node_local_dns: IpAddress | None = None
    """Address of the node-local DNS cache, where there is one."""
    scrapers: tuple[PodsElsewhere, ...] = ()
    """Pods that may read the balancers' Prometheus metrics."""


class Destination(Section):
    """Addresses outside the installation that pods may connect to."""

    cidr: Cidr
    """A network."""
    port: int = Field(ge=1, le=65535)
    """TCP port."""


class EgressSettings(Section):
    """What pods may reach besides the data services and DNS. Closed by default."""

    allow: tuple[Destination, ...] = ()
    """Destinations; workflow plugins and event destinations of Tracardi run in the API and need them."""
