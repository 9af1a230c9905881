"""Namespaces: one for each tier, closed in both directions but for the edges of the service graph."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.keeping import Keeping
from components.kubernetes import metadata
from model.graph import Destination, Edge, Outside, into, out_of, resolves_names
from model.ports import Port
from model.roles import Role, Tier
from settings.balancer import BalancerSettings
from settings.network import NetworkSettings, PodsElsewhere

EVERYWHERE = ("0.0.0.0/0", "::/0")

_NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""Label that Kubernetes itself gives every namespace, and that nobody else can."""

_TAKES_OVER = {"pulumi.com/patchForce": "true"}
"""A namespace that an earlier stack kept has fields of that stack's; this one takes them over."""


@dataclass(frozen=True)
class NamespacesArgs:
    """The installation, the networks around it, and how each of its balancers is reached.

    `egress` lists destinations outside the installation that pods of a role may connect to.
    """

    context: Context
    network: NetworkSettings
    entries: Mapping[Role, BalancerSettings]
    egress: Mapping[Role, tuple[Destination, ...]]
    keeping: Keeping


class Namespaces(pulumi.ComponentResource):
    """The installation's namespaces with their NetworkPolicies. Whatever runs in them depends on this."""

    names: dict[str, str]
    """Name of each tier's namespace."""

    def __init__(self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:Namespaces", name, opts=opts)
        context = args.context
        for tier in Tier:
            namespace = _namespace(name, args, tier, pulumi.ResourceOptions(parent=self))
            inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
            _deny_everything(name, context, tier, inside)
            for role in sorted(context.roles):
                if role.tier is tier:
                    _allow_edges(name, args, role, inside)
        self.names = {tier.value: context.namespace(tier) for tier in Tier}
        self.register_outputs({"names": self.names})


def _namespace(name: str, args: NamespacesArgs, tier: Tier, opts: pulumi.ResourceOptions) -> k8s.core.v1.Namespace:
    context, keeping = args.context, args.keeping
    holds_data = tier is Tier.DATA
    return k8s.core.v1.Namespace(
        f"{name}-{tier}",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=context.namespace(tier),
            labels={
                **context.common_labels(),
                # Without a version: the level means what the cluster's own version takes it for.
                **{f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")},
            },
            annotations=_TAKES_OVER if holds_data and keeping.keep else None,
        ),
        opts=keeping.retained(opts) if holds_data else opts,
    )


def _deny_everything(name: str, context: Context, tier: Tier, opts: pulumi.ResourceOptions) -> None:
    k8s.networking.v1.NetworkPolicy(
        f"{name}-{tier}-deny",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name="default-deny", namespace=context.namespace(tier), labels=context.common_labels()
        ),
        spec=k8s.networking.v1.NetworkPolicySpecArgs(
            pod_selector=k8s.meta.v1.LabelSelectorArgs(), policy_types=["Ingress", "Egress"]
        ),
        opts=opts,
    )


def _allow_edges(name: str, args: NamespacesArgs, role: Role, opts: pulumi.ResourceOptions) -> None:
    context = args.context
    ingress = [rule for edge in into(role, context.roles) for rule in _ingress(args, edge)]
    egress = [
        k8s.networking.v1.NetworkPolicyEgressRuleArgs(to=[_pods(context, edge.target)], ports=_tcp(edge.ports))
        for edge in out_of(role, context.roles)
    ]
    egress += [
        k8s.networking.v1.NetworkPolicyEgressRuleArgs(
            to=[_network(str(destination.network))], ports=_tcp([destination.port])
        )
        for destination in dict.fromkeys(args.egress.get(role, ()))
    ]
    if resolves_names(role):
        egress.append(_dns(args.network))
    k8s.networking.v1.NetworkPolicy(
        f"{name}-{role}-allow",
        metadata=metadata(context, role),
        spec=k8s.networking.v1.NetworkPolicySpecArgs(
            pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=context.selector(role)),
            policy_types=["Ingress", "Egress"],
            ingress=ingress or None,
            egress=egress or None,
        ),
        opts=opts,
    )


def _ingress(args: NamespacesArgs, edge: Edge) -> Iterator[k8s.networking.v1.NetworkPolicyIngressRuleArgs]:
    """The rule that lets `edge` in; none where nobody is at its other end, because a rule without peers means all."""
    peers, ports = _sources(args, edge), edge.ports
    if _gateway(args, edge) is not None:
        # A Gateway redirects plain requests by itself.
        ports = tuple(port for port in ports if port is Port.BALANCER_HTTPS)
    if peers:
        yield k8s.networking.v1.NetworkPolicyIngressRuleArgs(from_=peers, ports=_tcp(ports))


def _sources(args: NamespacesArgs, edge: Edge) -> list[k8s.networking.v1.NetworkPolicyPeerArgs]:
    if isinstance(edge.source, Role):
        return [_pods(args.context, edge.source)]
    if edge.source is Outside.SCRAPERS:
        return [_elsewhere(pods) for pods in args.network.scrapers]
    proxies = _gateway(args, edge)
    if proxies is not None:
        return [_elsewhere(proxies)]
    # Behind a balancer that hides client addresses, its own are the only ones that arrive here.
    networks = tuple(map(str, args.entries[edge.target].service.proxy_protocol))
    if not networks:
        networks = EVERYWHERE if edge.source is Outside.INTERNET else tuple(map(str, args.network.trusted))
    return [_network(cidr) for cidr in networks]


def _gateway(args: NamespacesArgs, edge: Edge) -> PodsElsewhere | None:
    """The pods of the Gateway through which clients come along `edge`; None where they come by themselves."""
    if edge.source not in {Outside.INTERNET, Outside.TRUSTED}:
        return None
    gateway = args.entries[edge.target].gateway
    return gateway.proxies if gateway else None


def _pods(context: Context, role: Role) -> k8s.networking.v1.NetworkPolicyPeerArgs:
    return k8s.networking.v1.NetworkPolicyPeerArgs(
        namespace_selector=k8s.meta.v1.LabelSelectorArgs(match_labels={_NAMESPACE_NAME: context.namespace(role.tier)}),
        pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=context.selector(role)),
    )


def _elsewhere(pods: PodsElsewhere) -> k8s.networking.v1.NetworkPolicyPeerArgs:
    return k8s.networking.v1.NetworkPolicyPeerArgs(
        namespace_selector=k8s.meta.v1.LabelSelectorArgs(match_labels={_NAMESPACE_NAME: pods.namespace}),
        pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=pods.labels) if pods.labels else None,
    )


def _network(cidr: str) -> k8s.networking.v1.NetworkPolicyPeerArgs:
    return k8s.networking.v1.NetworkPolicyPeerArgs(ip_block=k8s.networking.v1.IPBlockArgs(cidr=cidr))


def _tcp(ports: Iterable[int]) -> list[k8s.networking.v1.NetworkPolicyPortArgs]:
    return [k8s.networking.v1.NetworkPolicyPortArgs(protocol="TCP", port=int(port)) for port in ports]


def _dns(network: NetworkSettings) -> k8s.networking.v1.NetworkPolicyEgressRuleArgs:
    peers = [
        k8s.networking.v1.NetworkPolicyPeerArgs(
            namespace_selector=k8s.meta.v1.LabelSelectorArgs(match_labels={_NAMESPACE_NAME: "kube-system"}),
            pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels={"k8s-app": "kube-dns"}),
        )
    ]
    if network.node_local_dns is not None:
        address = network.node_local_dns
        peers.append(_network(f"{address}/{address.max_prefixlen}"))
    return k8s.networking.v1.NetworkPolicyEgressRuleArgs(
        to=peers,
        ports=[
            k8s.networking.v1.NetworkPolicyPortArgs(protocol=protocol, port=int(Port.DNS))
            for protocol in ("UDP", "TCP")
        ],
    )
