"""StatefulStore: pods that keep data on volumes of their own, and the two Services under which others find them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.keeping import Keeping
from components.kubernetes import SKIP_AWAIT, metadata
from components.pods import Pod, pod_template
from components.stateless import disruption_budget, service_account
from model.roles import Role

START_TIMEOUT = "15m"
"""Longest wait for a store: its image is pulled, its volumes are made, and its cluster forms."""

DATA = "data"
"""Name of the volume that a store's container mounts."""


@dataclass(frozen=True)
class StatefulStoreArgs:
    """`pod.instances` pods of `pod.role`, each with a volume of size `storage`; `ports` by name."""

    context: Context
    pod: Pod
    ports: Mapping[str, int]
    storage: str
    keeping: Keeping


class StatefulStore(pulumi.ComponentResource):
    """A StatefulSet, a Service that balances over its ready pods, and one that names each pod."""

    service: str
    """Name of the Service that clients use."""

    def __init__(self, name: str, args: StatefulStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:StatefulStore", name, opts=opts)
        context, pod = args.context, args.pod
        child = pulumi.ResourceOptions(parent=self)
        account = service_account(name, context, pod, child)
        ports = [
            k8s.core.v1.ServicePortArgs(name=port_name, port=number, target_port=number)
            for port_name, number in args.ports.items()
        ]
        k8s.core.v1.Service(
            f"{name}-service",
            metadata=metadata(context, pod.role, annotations=SKIP_AWAIT),
            spec=k8s.core.v1.ServiceSpecArgs(selector=context.selector(pod.role), ports=ports),
            opts=child,
        )
        k8s.core.v1.Service(
            f"{name}-nodes",
            metadata=metadata(context, pod.role, "nodes", annotations=SKIP_AWAIT),
            spec=k8s.core.v1.ServiceSpecArgs(
                cluster_ip="None",
                selector=context.selector(pod.role),
                ports=ports,
                # Nodes must find each other before any of them is ready, or the cluster never forms.
                publish_not_ready_addresses=True,
            ),
            opts=child,
        )
        if pod.instances > 1:
            disruption_budget(name, context, pod, child)
        k8s.apps.v1.StatefulSet(
            f"{name}-set",
            metadata=metadata(context, pod.role),
            spec=_stateful_set(args),
            opts=args.keeping.guarded(
                pulumi.ResourceOptions(
                    parent=self,
                    depends_on=[account],
                    # It cannot be changed, and in another set data would be at stake; `look_at_volumes` asks first.
                    ignore_changes=["spec.volumeClaimTemplates"],
                    custom_timeouts=pulumi.CustomTimeouts(create=START_TIMEOUT, update=START_TIMEOUT),
                )
            ),
        )
        self.service = pod.role.value
        self.register_outputs({"service": self.service})


def node_names(role: Role, count: int) -> tuple[str, ...]:
    """Names of the pods of a store."""
    return tuple(f"{role}-{ordinal}" for ordinal in range(count))


def node_hosts(context: Context, role: Role, count: int) -> tuple[str, ...]:
    """DNS names of the pods of a store."""
    domain = f"{role}-nodes.{context.namespace(role.tier)}.svc.{context.cluster_domain}"
    return tuple(f"{node}.{domain}" for node in node_names(role, count))


def _stateful_set(args: StatefulStoreArgs) -> k8s.apps.v1.StatefulSetSpecArgs:
    context, pod = args.context, args.pod
    return k8s.apps.v1.StatefulSetSpecArgs(
        service_name=f"{pod.role}-nodes",
        replicas=pod.instances,
        selector=k8s.meta.v1.LabelSelectorArgs(match_labels=context.selector(pod.role)),
        # One at a time, a node waits for a quorum that the next ones would make.
        pod_management_policy="Parallel",
        persistent_volume_claim_retention_policy=k8s.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicyArgs(
            when_deleted="Retain" if args.keeping.keep else "Delete", when_scaled="Retain"
        ),
        template=pod_template(context, pod),
        volume_claim_templates=[
            k8s.core.v1.PersistentVolumeClaimArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(name=DATA, labels=context.selector(pod.role)),
                spec=k8s.core.v1.PersistentVolumeClaimSpecArgs(
                    access_modes=["ReadWriteOnce"],
                    storage_class_name=context.platform.storage_class,
                    resources=k8s.core.v1.VolumeResourceRequirementsArgs(requests={"storage": args.storage}),
                ),
            )
        ],
    )
