"""The load balancer in front of a cluster (`balancer` below `track`, `guiApi` and `gui`)."""

from enum import StrEnum

from pydantic import Field

from model.limits import MAX_BALANCERS, MIN_BALANCERS
from settings.base import Refusal, Refusals, Section
from settings.network import PodsElsewhere
from settings.types import Cidr, DnsName, LabelKey


class Mode(StrEnum):
    """What stands between the outside and the balancer pods."""

    HAPROXY = "haproxy"
    """A Service."""
    GATEWAY = "gateway"
    """A Gateway of the Gateway API; every list and limit stays in the balancer pods behind it."""


class ServiceType(StrEnum):
    """How a balancer is reached from outside the cluster."""

    LOAD_BALANCER = "LoadBalancer"
    NODE_PORT = "NodePort"
    CLUSTER_IP = "ClusterIP"


class TrafficPolicy(StrEnum):
    """Whether client addresses reach the balancer (Local) or are lost on the way (Cluster)."""

    LOCAL = "Local"
    CLUSTER = "Cluster"


class IpFamilyPolicy(StrEnum):
    """Whether clients reach the Service by IPv4 and IPv6."""

    SINGLE_STACK = "SingleStack"
    PREFER_DUAL_STACK = "PreferDualStack"
    REQUIRE_DUAL_STACK = "RequireDualStack"


class ServiceSettings(Section):
    """The Service in front of the balancer pods."""

    type: ServiceType = ServiceType.LOAD_BALANCER
    """LoadBalancer, NodePort, or ClusterIP for an entry of your own in front."""
    load_balancer_class: str | None = Field(default=None, min_length=1)
    """Which load balancer implementation serves this Service; left out: the cluster's default."""
    annotations: dict[LabelKey, str] = {}
    """What the cloud needs to be told, such as that the balancer is an internal one."""
    external_traffic_policy: TrafficPolicy = TrafficPolicy.LOCAL
    """Local keeps client addresses, which source allow lists and rate limits judge by."""
    allocate_load_balancer_node_ports: bool = False
    """Opens a port of every node as well, past the balancer's source ranges; some clouds cannot do without."""
    ip_family_policy: IpFamilyPolicy = IpFamilyPolicy.SINGLE_STACK
    """PreferDualStack or RequireDualStack for clients with IPv6 in a dual-stack cluster."""
    proxy_protocol: tuple[Cidr, ...] = ()
    """Addresses of the cloud's balancer, for one that hides client addresses and tells them by the PROXY protocol."""

    @property
    def shows_clients(self) -> bool:
        """Whether the balancer pods learn the address of each client."""
        return self.external_traffic_policy is TrafficPolicy.LOCAL or bool(self.proxy_protocol)

    @property
    def mistakes_node_ports(self) -> bool:
        """Whether a connection through a node port could pass for one of the cloud's balancer."""
        node_ports = self.type is ServiceType.NODE_PORT or self.allocate_load_balancer_node_ports
        return node_ports and bool(self.proxy_protocol) and self.external_traffic_policy is TrafficPolicy.CLUSTER


class GatewaySettings(Section):
    """A Gateway in place of the Service. Its implementation, and its GatewayClass, are the cluster's."""

    class_name: DnsName
    """GatewayClass that serves it."""
    proxies: PodsElsewhere
    """The pods that the implementation proxies with; nobody else may then reach the balancer pods."""
    trusted_hops: int = Field(default=1, ge=1, le=5)
    """Proxies in front of the balancer pods, each of which appends the address it saw to X-Forwarded-For."""
    annotations: dict[LabelKey, str] = {}
    """Annotations of the Gateway, for the implementation."""


class BalancerSettings(Section):
    """The balancer pods of one cluster."""

    mode: Mode = Mode.HAPROXY
    """haproxy: a Service leads to the balancer pods. gateway: a Gateway does."""
    replicas: int = Field(default=MIN_BALANCERS, ge=1, le=MAX_BALANCERS)
    """Balancer pods, each on a node of its own. For track, left out: as many as tracardi:capacity needs, if given."""
    service: ServiceSettings = ServiceSettings()
    """How the balancer is reached, in mode haproxy."""
    gateway: GatewaySettings | None = None
    """How the balancer is reached, in mode gateway."""
    max_body_bytes: int = Field(default=1_048_576, ge=1024, le=104_857_600)
    """Largest request body in bytes; larger ones are answered 413."""
    requests_per_second: int = Field(default=200, ge=1, le=100_000)
    """Requests that one client address may send each second, over 10 seconds; more are answered 429."""

    @property
    def shows_clients(self) -> bool:
        """Whether the balancer pods learn the address of each client."""
        return self.gateway is not None or self.service.shows_clients

    def refusals(self, path: tuple[str, ...]) -> Refusals:
        """What is wrong between the keys of this section, which stands at `path`."""
        if self.service.load_balancer_class and self.service.type is not ServiceType.LOAD_BALANCER:
            yield Refusal(
                (*path, "service", "loadBalancerClass"),
                self.service.load_balancer_class,
                f"only a Service of type LoadBalancer has a class; this one is a {self.service.type}",
                "Remove it, or set type: LoadBalancer.",
            )
        if self.mode is Mode.GATEWAY and self.gateway is None:
            yield Refusal((*path, "gateway"), None, "needed with mode: gateway", "Name a GatewayClass of the cluster.")
        if self.mode is Mode.GATEWAY and "service" in self.model_fields_set:
            yield Refusal(
                (*path, "service"), "present", "unused with mode: gateway", "Remove it, or set mode: haproxy."
            )
        if self.mode is Mode.HAPROXY and self.gateway is not None:
            yield Refusal(
                (*path, "gateway"), self.gateway.class_name, "unused with mode: haproxy", "Set mode: gateway."
            )
