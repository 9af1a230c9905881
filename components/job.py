"""Jobs that `pulumi up` waits for."""

import pulumi_kubernetes as k8s

from components.context import Context
from components.pods import Pod, pod_template

REPLACED_UNLESS_DONE = {"pulumi.com/replaceUnready": "true"}
"""For a Job that failed, such as for a store that was down for too long: it runs again at the next `pulumi up`."""


def awaited_job(context: Context, pod: Pod, deadline_seconds: int, tries: int = 1) -> k8s.batch.v1.JobSpecArgs:
    """A Job that may fail `tries` times: once where its program tries again by itself, so that `pulumi up` tells it.

    Pulumi's provider ends its wait for a Job that failed by `BackoffLimitExceeded` or `DeadlineExceeded`, and for no
    other reason: one that a pod failure policy ends (`FailJob`) it waits for as long as it may. A pod that had to leave
    its node (a drain, an eviction, a preemption) has not failed, and another one takes its place.
    """
    return k8s.batch.v1.JobSpecArgs(
        backoff_limit=tries - 1,
        active_deadline_seconds=deadline_seconds,
        pod_failure_policy=k8s.batch.v1.PodFailurePolicyArgs(
            rules=[
                k8s.batch.v1.PodFailurePolicyRuleArgs(
                    action="Ignore",
                    on_pod_conditions=[
                        k8s.batch.v1.PodFailurePolicyOnPodConditionsPatternArgs(type="DisruptionTarget", status="True")
                    ],
                )
            ]
        ),
        template=pod_template(context, pod),
    )
