"""Disruption budgets: nodes can be drained, and the service stays up while they are."""

from collections.abc import Iterator

from policies.pack.kubernetes.percentages import scaled
from policies.pack.kubernetes.selectors import Verdict, matches
from policies.pack.kubernetes.workloads import Workload
from policies.pack.resources import Resource
from policies.pack.roles import Role
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView


@rule(
    "clusters-have-one-budget",
    severity=Severity.HIGH,
    remedy="Give every workload with two or more instances a PodDisruptionBudget of its own, with the selector of the "
    "workload: of a pod with two budgets no eviction succeeds.",
)
def clusters_have_one_budget(stack: StackView, _: Options) -> Iterator[Finding]:
    """Evictions count the instances of each workload by itself."""
    for workload in stack.workloads:
        if workload.ends:
            continue
        found = _over(stack, workload)
        if stack.scale(workload).several and not any(verdict for _, verdict in found):
            yield Finding(workload.resource, "has several instances, and no PodDisruptionBudget that selects them")
        if len(found) > 1:
            names = ", ".join(budget.object_name for budget, _ in found)
            yield Finding(workload.resource, f"has {len(found)} PodDisruptionBudgets ({names})")
    for budget in stack.of_kind("PodDisruptionBudget"):
        selected = [workload for workload in stack.workloads if _selects(budget, workload) is not False]
        if len(selected) > 1:
            names = ", ".join(workload.label for workload in selected)
            yield Finding(budget, f"selects the pods of several workloads ({names})")


@rule(
    "budgets-allow-drains",
    severity=Severity.HIGH,
    remedy="Set maxUnavailable: 1 and nothing else, with unhealthyPodEvictionPolicy: AlwaysAllow (but for "
    "Elasticsearch, whose unhealthy nodes may hold the last copy of data); remove a budget over a single instance.",
)
def budgets_allow_drains(stack: StackView, _: Options) -> Iterator[Finding]:
    """A node that is drained gets rid of every pod, of broken ones as well."""
    for budget, workload in _pairs(stack):
        count = max(stack.scale(workload).least, 1)
        allowed = _allowed(budget, count)
        if allowed is None:
            yield Finding(budget, f"does not say how many instances of {workload.label} may be evicted")
        elif allowed < 1:
            yield Finding(budget, f"allows no eviction while {workload.label} has {count} instances")
        if _is_search(stack, workload) or not stack.scale(workload).several:
            continue
        if budget.spec["unhealthyPodEvictionPolicy"].text != "AlwaysAllow":
            yield Finding(budget, f"keeps instances of {workload.label} that are broken from being evicted")


@rule(
    "budgets-keep-instances",
    severity=Severity.HIGH,
    remedy="Set maxUnavailable: 1; a store loses its quorum with two, and its data where nodes that are not ready may "
    "always be evicted.",
)
def budgets_keep_instances(stack: StackView, _: Options) -> Iterator[Finding]:
    """However many nodes are drained at once, instances of each cluster stay; of a store, all but one."""
    for budget, workload in _pairs(stack):
        scale = stack.scale(workload)
        if not scale.several:
            continue
        for count in sorted({max(scale.least, 2), max(scale.most or 2, 2)}):
            allowed = _allowed(budget, count) or 0
            most = 1 if stack.role(workload).is_store else count - 1
            if allowed > most:
                yield Finding(budget, f"lets {allowed} of {count} instances of {workload.label} be evicted at once")
                break
        policy = budget.spec["unhealthyPodEvictionPolicy"]
        if _is_search(stack, workload) and policy.given and policy.text != "IfHealthyBudget":
            yield Finding(budget, f"always allows to evict instances of {workload.label} that are not ready")


def _is_search(stack: StackView, workload: Workload) -> bool:
    return stack.role(workload) is Role.ELASTICSEARCH


def _pairs(stack: StackView) -> Iterator[tuple[Resource, Workload]]:
    """Each budget with each workload that it selects pods of, or may select."""
    for budget in stack.of_kind("PodDisruptionBudget"):
        for workload in stack.workloads:
            if not workload.ends and _selects(budget, workload) is not False:
                yield budget, workload


def _over(stack: StackView, workload: Workload) -> list[tuple[Resource, Verdict]]:
    """The budgets that select pods of `workload`, or may select them."""
    found = [(budget, _selects(budget, workload)) for budget in stack.of_kind("PodDisruptionBudget")]
    return [(budget, verdict) for budget, verdict in found if verdict is not False]


def _selects(budget: Resource, workload: Workload) -> Verdict:
    selector = budget.spec["selector"]
    # None at all selects nothing, unlike the empty one.
    if budget.namespace != workload.namespace or (budget.spec.given and not budget.spec.hidden and not selector.given):
        return False
    return matches(selector, workload.known_labels) if selector.given else None


def _allowed(budget: Resource, count: int) -> int | None:
    """How many of `count` instances may be evicted at once; None where nobody can tell."""
    fewest, most = budget.spec["minAvailable"], budget.spec["maxUnavailable"]
    if fewest.given == most.given:
        # Kubernetes refuses both; with neither, it allows nothing.
        return 0 if not fewest.given and not budget.spec.hidden else None
    if most.given:
        away = scaled(most, count, up=True)
        return None if away is None else min(away, count)
    kept = scaled(fewest, count, up=True)
    return None if kept is None else max(count - kept, 0)
