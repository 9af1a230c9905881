"""Namespaces: one for each tier, closed in both directions but for the edges of the service graph."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.kubernetes import metadata
from model.graph import Edge, Outside, into, out_of, resolves_names
from model.ports import Port
from model.roles import Role, Tier
from settings.surroundings import NetworkSettings

EVERYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True)
class NamespacesArgs:
    """The installation and the networks around it."""

    context: Context
    network: NetworkSettings


class Namespaces(pulumi.ComponentResource):
    """The installation's namespaces with their NetworkPolicies. Whatever runs in them depends on this."""

    names: dict[str, str]
    """Name of each tier's namespace."""

    def __init__(self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:Namespaces", name, opts=opts)
        context = args.context
        for tier in Tier:
            namespace = k8s.core.v1.Namespace(
                f"{name}-{tier}",
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=context.namespace(tier),
                    labels={
                        **context.common_labels(),
                        **{f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")},
                    },
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
            inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
            _deny_everything(name, context, tier, inside)
            for role in sorted(context.roles):
                if role.tier is tier:
                    _allow_edges(name, args, role, inside)
        self.names = {tier.value: context.namespace(tier) for tier in Tier}
        self.register_outputs({"names": self.names})


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
    ingress = [
        k8s.networking.v1.NetworkPolicyIngressRuleArgs(from_=_sources(args, edge), ports=_tcp(edge.ports))
        for edge in into(role, context.roles)
    ]
    egress = [
        k8s.networking.v1.NetworkPolicyEgressRuleArgs(to=[_pods(context, edge.target)], ports=_tcp(edge.ports))
        for edge in out_of(role, context.roles)
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


def _sources(args: NamespacesArgs, edge: Edge) -> list[k8s.networking.v1.NetworkPolicyPeerArgs]:
    if isinstance(edge.source, Role):
        return [_pods(args.context, edge.source)]
    networks = EVERYWHERE if edge.source is Outside.INTERNET else tuple(map(str, args.network.trusted))
    return [_network(cidr) for cidr in networks]


def _pods(context: Context, role: Role) -> k8s.networking.v1.NetworkPolicyPeerArgs:
    return k8s.networking.v1.NetworkPolicyPeerArgs(
        namespace_selector=k8s.meta.v1.LabelSelectorArgs(
            match_labels={"kubernetes.io/metadata.name": context.namespace(role.tier)}
        ),
        pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=context.selector(role)),
    )


def _network(cidr: str) -> k8s.networking.v1.NetworkPolicyPeerArgs:
    return k8s.networking.v1.NetworkPolicyPeerArgs(ip_block=k8s.networking.v1.IPBlockArgs(cidr=cidr))


def _tcp(ports: tuple[Port, ...]) -> list[k8s.networking.v1.NetworkPolicyPortArgs]:
    return [k8s.networking.v1.NetworkPolicyPortArgs(protocol="TCP", port=int(port)) for port in ports]


def _dns(network: NetworkSettings) -> k8s.networking.v1.NetworkPolicyEgressRuleArgs:
    peers = [
        k8s.networking.v1.NetworkPolicyPeerArgs(
            namespace_selector=k8s.meta.v1.LabelSelectorArgs(
                match_labels={"kubernetes.io/metadata.name": "kube-system"}
            ),
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
