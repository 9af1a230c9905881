"""Namespaces: one for each tier, closed in both directions but for what NetworkPolicies of its pods allow."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.keeping import Keeping
from model.roles import Tier

_TAKES_OVER = {"pulumi.com/patchForce": "true"}
"""A namespace that an earlier stack kept has fields of that stack's; this one takes them over."""


@dataclass(frozen=True)
class NamespacesArgs:
    """The installation, and what becomes of its data when the stack goes."""

    context: Context
    keeping: Keeping


class Namespaces(pulumi.ComponentResource):
    """The installation's namespaces, in which nobody may connect to anybody yet. All else depends on this."""

    names: dict[str, str]
    """Name of each tier's namespace."""

    def __init__(self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:Namespaces", name, opts=opts)
        context = args.context
        for tier in Tier:
            namespace = _namespace(name, args, tier, pulumi.ResourceOptions(parent=self))
            inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
            _deny_everything(name, context, tier, inside)
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
