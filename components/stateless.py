"""StatelessWorkload: interchangeable pods of one role, and what keeps them reachable while some of them are lost."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.kubernetes import SKIP_AWAIT, metadata
from components.pods import Pod, pod_template
from model.lifecycle import SURGE

START_TIMEOUT = "10m"
"""Longest wait for a rollout: images are pulled, and a release from 0.9 on may wait 4 minutes for its stores."""


SCALE_DOWN_SECONDS = 30
"""The autoscaler takes away one instance in this time; each drains first."""

FIXED_NUMBER = {"pulumi.com/patchForce": "true"}
"""For a Deployment whose number the stack decides: an autoscaler that was there before still owns it. Without force the
API server refuses to give it back, and while the number in the stack stays the same, nobody would even ask."""


@dataclass(frozen=True)
class Autoscaling:
    """An autoscaler's upper bound, and the CPU use in percent of the request that it aims at."""

    most: int
    cpu_percent: int


@dataclass(frozen=True)
class StatelessWorkloadArgs:
    """`pod.instances` pods of `pod.role`, more where an autoscaler decides so, found on `port` if anybody looks."""

    context: Context
    pod: Pod
    port: int | None = None
    autoscaling: Autoscaling | None = None
    account: k8s.core.v1.ServiceAccount | None = None
    """The role's account, where something else than these pods may use it as well."""


class StatelessWorkload(pulumi.ComponentResource):
    """A Deployment with its ServiceAccount, headless Service, disruption budget and autoscaler."""

    service: pulumi.Output[str] | None
    """Name of the headless Service, whose DNS name lists the ready pods; None where nobody connects to them."""

    def __init__(self, name: str, args: StatelessWorkloadArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:StatelessWorkload", name, opts=opts)
        context, pod = args.context, args.pod
        selector = k8s.meta.v1.LabelSelectorArgs(match_labels=context.selector(pod.role))
        child = pulumi.ResourceOptions(parent=self)
        account = args.account or service_account(name, context, pod, child)
        deployment = k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=metadata(context, pod.role, annotations=None if args.autoscaling else FIXED_NUMBER),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=pod.instances,
                selector=selector,
                strategy=k8s.apps.v1.DeploymentStrategyArgs(
                    type="RollingUpdate",
                    # Never fewer than required; a surge of one fits even where nodes equal instances.
                    rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(max_surge=SURGE, max_unavailable=0),
                ),
                template=pod_template(context, pod),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[account],
                # The autoscaler owns the number; leaving it out of the manifest would start the cluster at one.
                ignore_changes=["spec.replicas"] if args.autoscaling else None,
                custom_timeouts=pulumi.CustomTimeouts(create=START_TIMEOUT, update=START_TIMEOUT),
            ),
        )
        if pod.instances > 1:
            disruption_budget(name, context, pod, child)
        if args.autoscaling:
            k8s.autoscaling.v2.HorizontalPodAutoscaler(
                f"{name}-autoscaler",
                metadata=metadata(context, pod.role),
                spec=_autoscaler(pod, args.autoscaling),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[deployment]),
            )
        self.service = None
        if args.port is not None:
            service = headless_service(name, context, pod, args.port, child)
            self.service = service.metadata.apply(lambda found: found.name or "")
        self.register_outputs({"service": self.service})


def service_account(name: str, context: Context, pod: Pod, opts: pulumi.ResourceOptions) -> k8s.core.v1.ServiceAccount:
    """An account of the role's own, which gives its pods no token."""
    return k8s.core.v1.ServiceAccount(
        f"{name}-account",
        metadata=metadata(context, pod.role),
        automount_service_account_token=False,
        opts=opts,
    )


def headless_service(
    name: str, context: Context, pod: Pod, port: int, opts: pulumi.ResourceOptions
) -> k8s.core.v1.Service:
    """The Service whose DNS name lists the pods; balancers choose among them by themselves."""
    return k8s.core.v1.Service(
        f"{name}-service",
        metadata=metadata(context, pod.role, annotations=SKIP_AWAIT),
        spec=k8s.core.v1.ServiceSpecArgs(
            cluster_ip="None",
            selector=context.selector(pod.role),
            ports=[k8s.core.v1.ServicePortArgs(name=_port_name(pod, port), port=port, target_port=port)],
        ),
        opts=opts,
    )


def disruption_budget(name: str, context: Context, pod: Pod, opts: pulumi.ResourceOptions) -> None:
    """Lets a drain go on, one pod at a time; pods that are broken anyway do not stop it."""
    k8s.policy.v1.PodDisruptionBudget(
        f"{name}-budget",
        metadata=metadata(context, pod.role),
        spec=k8s.policy.v1.PodDisruptionBudgetSpecArgs(
            max_unavailable=1,
            unhealthy_pod_eviction_policy="AlwaysAllow" if pod.stateless else None,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=context.selector(pod.role)),
        ),
        opts=opts,
    )


def _port_name(pod: Pod, port: int) -> str:
    return next(name for container in pod.containers for name, number in container.ports.items() if number == port)


def _autoscaler(pod: Pod, autoscaling: Autoscaling) -> k8s.autoscaling.v2.HorizontalPodAutoscalerSpecArgs:
    return k8s.autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
        scale_target_ref=k8s.autoscaling.v2.CrossVersionObjectReferenceArgs(
            api_version="apps/v1", kind="Deployment", name=pod.role.value
        ),
        min_replicas=pod.instances,
        max_replicas=autoscaling.most,
        behavior=k8s.autoscaling.v2.HorizontalPodAutoscalerBehaviorArgs(
            scale_down=k8s.autoscaling.v2.HPAScalingRulesArgs(
                # Several at once are taken from the nodes that hold most at that moment, which may leave the required
                # instances on fewer nodes than there are instances. One at a time, the fullest node loses each.
                policies=[
                    k8s.autoscaling.v2.HPAScalingPolicyArgs(type="Pods", value=1, period_seconds=SCALE_DOWN_SECONDS)
                ],
            )
        ),
        metrics=[
            k8s.autoscaling.v2.MetricSpecArgs(
                type="Resource",
                resource=k8s.autoscaling.v2.ResourceMetricSourceArgs(
                    name="cpu",
                    target=k8s.autoscaling.v2.MetricTargetArgs(
                        type="Utilization", average_utilization=autoscaling.cpu_percent
                    ),
                ),
            )
        ],
    )
