"""Updates: a new version takes the place of the old one a few instances at a time."""

from collections.abc import Iterator

from policies.pack.kubernetes.percentages import scaled
from policies.pack.kubernetes.workloads import Workload
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.values import Value

_MOST = 4
"""Of so many instances, one may be away."""


@rule(
    "updates-leave-instances",
    severity=Severity.HIGH,
    remedy="Let the update be of type RollingUpdate with maxUnavailable: 0, or with at most one instance or a quarter "
    "of them.",
)
def updates_leave_instances(stack: StackView, _: Options) -> Iterator[Finding]:
    """An update replaces instances a few at a time, so that the others go on serving."""
    for workload in stack.workloads:
        if workload.ends or not stack.scale(workload).several:
            continue
        for count in sorted({stack.scale(workload).least, stack.scale(workload).most or 0} - {0}) or [2]:
            away = _away(workload, count)
            if away is None or away > max(1, count // _MOST):
                taken = "an unknown number" if away is None else str(away)
                yield Finding(workload.resource, f"is updated by taking {taken} of {count} instances away at once")
                break


def _away(workload: Workload, count: int) -> int | None:
    """How many of `count` instances an update may take away at once; None where nobody can tell."""
    stateful = workload.resource.kind == "StatefulSet"
    strategy = workload.resource.spec["updateStrategy" if stateful else "strategy"]
    kind, steps = strategy["type"], strategy["rollingUpdate"]
    if strategy.hidden or kind.hidden or steps.hidden:
        return None
    match kind.text or "RollingUpdate":
        case "RollingUpdate":
            # Kubernetes' own defaults.
            usual = Value(1.0) if stateful else Value("25%")
            unavailable = steps["maxUnavailable"]
            return scaled(unavailable if unavailable.given else usual, count, up=stateful)
        case "OnDelete" if stateful:
            return 0
        case _:
            return count
