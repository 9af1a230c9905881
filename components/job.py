"""Jobs that `pulumi up` waits for."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.kubernetes import metadata
from components.pods import Pod, pod_template

_REPLACED_UNLESS_DONE = {"pulumi.com/replaceUnready": "true"}
"""For a Job that failed, such as for a store that was down for too long: it runs again at the next `pulumi up`."""
_LATE_SECONDS = 60
"""Between Kubernetes' end of a Job and the end of Pulumi's patience, for its last words to be read."""


@dataclass(frozen=True)
class AwaitedJobArgs:
    """A Job that does its work once for each set of inputs."""

    context: Context
    pod: Pod
    inputs: str
    """Digest of what it is told. It names Job and resource, so another one leads to another Job."""
    deadline_seconds: int
    tries: int = 1
    """How often it may fail: once where its program tries again by itself, so that `pulumi up` tells it."""


def awaited_job(name: str, args: AwaitedJobArgs, opts: pulumi.ResourceOptions) -> str:
    """Declare it; returns its name.

    Pulumi's provider ends its wait for a Job that failed by `BackoffLimitExceeded` or `DeadlineExceeded`, and for no
    other reason: one that a pod failure policy ends (`FailJob`) it waits for as long as it may. A pod that had to leave
    its node (a drain, an eviction, a preemption) has not failed, and another one takes its place.
    """
    context, role = args.context, args.pod.role
    limits = pulumi.CustomTimeouts(create=f"{args.deadline_seconds + _LATE_SECONDS}s")
    k8s.batch.v1.Job(
        # A resource of its own for each set of inputs: what options ignore must not be taken over by the next one.
        f"{name}-job-{args.inputs}",
        metadata=metadata(context, role, args.inputs, annotations=_REPLACED_UNLESS_DONE),
        spec=k8s.batch.v1.JobSpecArgs(
            backoff_limit=args.tries - 1,
            active_deadline_seconds=args.deadline_seconds,
            pod_failure_policy=k8s.batch.v1.PodFailurePolicyArgs(
                rules=[
                    k8s.batch.v1.PodFailurePolicyRuleArgs(
                        action="Ignore",
                        on_pod_conditions=[
                            k8s.batch.v1.PodFailurePolicyOnPodConditionsPatternArgs(
                                type="DisruptionTarget", status="True"
                            )
                        ],
                    )
                ]
            ),
            template=pod_template(context, args.pod),
        ),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(custom_timeouts=limits)),
    )
    return f"{role}-{args.inputs}"
