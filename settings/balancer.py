"""The load balancer in front of a cluster (`balancer` below `track`, `guiApi` and `gui`)."""

from enum import StrEnum

from pydantic import Field

from model.limits import MIN_BALANCERS
from settings.base import Refusal, Refusals, Section
from settings.types import LabelKey


class ServiceType(StrEnum):
    """How a balancer is reached from outside the cluster."""

    LOAD_BALANCER = "LoadBalancer"
    NODE_PORT = "NodePort"
    CLUSTER_IP = "ClusterIP"


class TrafficPolicy(StrEnum):
    """Whether client addresses reach the balancer (Local) or are lost on the way (Cluster)."""

    LOCAL = "Local"
    CLUSTER = "Cluster"


class ServiceSettings(Section):
    """The Service in front of the balancer pods."""

    type: ServiceType = ServiceType.LOAD_BALANCER
    """LoadBalancer, NodePort, or ClusterIP for an entry of your own in front."""
    load_balancer_class: str | None = Field(default=None, min_length=1)
    """Which load balancer implementation serves this Service; None leaves it to the cluster's default."""
    annotations: dict[LabelKey, str] = {}
    """What the cloud needs to be told, such as that the balancer is an internal one."""
    external_traffic_policy: TrafficPolicy = TrafficPolicy.LOCAL
    """Local keeps client addresses, which source allow lists and rate limits judge by."""
    allocate_load_balancer_node_ports: bool = False
    """Opens a port of every node as well, past the balancer's source ranges; some clouds cannot do without."""


class BalancerSettings(Section):
    """The balancer pods of one cluster."""

    replicas: int = Field(default=MIN_BALANCERS, ge=1, le=20)
    """Balancer pods, each on a node of its own."""
    service: ServiceSettings = ServiceSettings()
    """How the balancer is reached."""
    max_body_bytes: int = Field(default=1_048_576, ge=1024, le=104_857_600)
    """Largest request body in bytes; larger ones are answered 413."""
    requests_per_second: int = Field(default=200, ge=1, le=100_000)
    """Requests that one client address may send each second, over 10 seconds; more are answered 429."""

    def refusals(self, path: tuple[str, ...]) -> Refusals:
        """What is wrong between the keys of this section, which stands at `path`."""
        if self.service.load_balancer_class and self.service.type is not ServiceType.LOAD_BALANCER:
            yield Refusal(
                (*path, "service", "loadBalancerClass"),
                self.service.load_balancer_class,
                f"only a Service of type LoadBalancer has a class; this one is a {self.service.type}",
                "Remove it, or set type: LoadBalancer.",
            )
