"""NetworkPolicies: what pods of each role may connect to and be reached from, which is what the service graph says."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.kubernetes import metadata
from model.graph import Destination, Edge, Outside, into, out_of, resolves_names
from model.ports import Port
from model.roles import Role
from settings.balancer import BalancerSettings
from settings.network import NetworkSettings, PodsElsewhere

EVERYWHERE = ("0.0.0.0/0", "::/0")

_NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""Label that Kubernetes itself gives every namespace, and that nobody else can."""


@dataclass(frozen=True)
class NetworkPoliciesArgs:
    """The installation, the networks around it, and how each of its balancers is reached.

    `egress` lists destinations outside the installation that pods of a role may connect to.
    """

    context: Context
    network: NetworkSettings
    entries: Mapping[Role, BalancerSettings]
    egress: Mapping[Role, tuple[Destination, ...]]
    roles: frozenset[Role]
    """Whose pods are allowed to do anything by these."""
    without_names: frozenset[Role]
    """Of them, those that ask DNS nothing, whatever the graph says."""
    prefix: str
    """What the resources' names begin with."""
    formerly: pulumi.Resource
    """The component that the policies were part of in earlier versions of this program."""


class NetworkPolicies(pulumi.ComponentResource):
    """The edges of the service graph, at the ends that have certain roles. Their pods depend on this."""

    def __init__(self, name: str, args: NetworkPoliciesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:NetworkPolicies", name, opts=opts)
        for role in sorted(args.roles):
            _allow_edges(args, role, pulumi.ResourceOptions(parent=self, aliases=[pulumi.Alias(parent=args.formerly)]))
        self.register_outputs({})


def _allow_edges(args: NetworkPoliciesArgs, role: Role, opts: pulumi.ResourceOptions) -> None:
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
    if resolves_names(role) and role not in args.without_names:
        egress.append(_dns(args.network))
    k8s.networking.v1.NetworkPolicy(
        f"{args.prefix}-{role}-allow",
        metadata=metadata(context, role),
        spec=k8s.networking.v1.NetworkPolicySpecArgs(
            pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=context.selector(role)),
            policy_types=["Ingress", "Egress"],
            ingress=ingress or None,
            egress=egress or None,
        ),
        opts=opts,
    )


def _ingress(args: NetworkPoliciesArgs, edge: Edge) -> Iterator[k8s.networking.v1.NetworkPolicyIngressRuleArgs]:
    """The rule that lets `edge` in; none where nobody is at its other end, because a rule without peers means all."""
    peers, ports = _sources(args, edge), edge.ports
    if _gateway(args, edge) is not None:
        # A Gateway redirects plain requests by itself.
        ports = tuple(port for port in ports if port is Port.BALANCER_HTTPS)
    if peers:
        yield k8s.networking.v1.NetworkPolicyIngressRuleArgs(from_=peers, ports=_tcp(ports))


def _sources(args: NetworkPoliciesArgs, edge: Edge) -> list[k8s.networking.v1.NetworkPolicyPeerArgs]:
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


def _gateway(args: NetworkPoliciesArgs, edge: Edge) -> PodsElsewhere | None:
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
