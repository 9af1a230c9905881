"""How many pods a workload has: what it says itself, and what autoscalers make of that."""

from collections.abc import Iterable
from dataclasses import dataclass

from policies.pack.kubernetes.selectors import Verdict, conjunction
from policies.pack.resources import Resource
from policies.pack.values import Value


@dataclass(frozen=True)
class Scale:
    """A number of pods, as far as it is certain."""

    least: int
    """Never fewer; none where the number cannot be seen."""
    most: int | None
    """Never more, but for a rolling update; None where the number cannot be seen."""

    @property
    def several(self) -> bool:
        """Whether there are two or more at any time, or nobody can tell."""
        return self.least > 1 or self.most is None


_NONE = Scale(0, 0)
_HIDDEN = Scale(0, None)


def scale(workload: Resource, autoscalers: Iterable[Resource]) -> Scale:
    """The number of pods of `workload`, with those of `autoscalers` that are for it."""
    paused, gates = workload.spec["paused"], workload.spec.at("template", "spec", "schedulingGates")
    if paused.on or (gates.given and gates.raw != []):
        # One that starts like this has no pods, or none that run.
        return _HIDDEN
    own = _exactly(workload.spec["replicas"])
    verdicts = [(_bounds(autoscaler), _is_for(autoscaler, workload)) for autoscaler in autoscalers]
    found = [bounds for bounds, verdict in verdicts if verdict is not False]
    if not found or own in {_NONE, _HIDDEN}:
        # No autoscaler touches what has no pods.
        return own
    certain = len(found) == 1 and all(verdict is not None for _, verdict in verdicts)
    # Of several autoscalers, Kubernetes lets none work, and leaves the number as it is.
    candidates = found if certain else [*found, own]
    most = [bounds.most for bounds in candidates]
    known = [bound for bound in most if bound is not None]
    return Scale(min(bounds.least for bounds in candidates), max(known) if len(known) == len(most) else None)


def _exactly(value: Value) -> Scale:
    """Kubernetes' own default is one."""
    count = _count(value) if value.given else 1
    return _HIDDEN if count is None else Scale(count, count)


def _bounds(autoscaler: Resource) -> Scale:
    least, most = _exactly(autoscaler.spec["minReplicas"]), _count(autoscaler.spec["maxReplicas"])
    if most is None or least.most is None or most < least.least:
        # Kubernetes refuses an autoscaler like this.
        return _HIDDEN
    return Scale(least.least, most)


def _is_for(autoscaler: Resource, workload: Resource) -> Verdict:
    """Whether an autoscaler finds `workload`: it looks for the kind in the group of its reference, in any version."""
    metadata, target = autoscaler.properties["metadata"], autoscaler.spec["scaleTargetRef"]
    if metadata.hidden or autoscaler.spec.hidden or target.hidden:
        return None
    group, slash, _ = (target["apiVersion"].text or "").partition("/")
    return conjunction(
        (
            None if metadata["namespace"].hidden else autoscaler.namespace == workload.namespace,
            None if target["apiVersion"].hidden else (group if slash else "") == _group(workload),
            None if target["kind"].hidden else target["kind"].text == workload.kind,
            None if target["name"].hidden else target["name"].text == workload.object_name,
        )
    )


def _group(workload: Resource) -> str:
    return workload.group_kind.partition("/")[0]


def _count(value: Value) -> int | None:
    return max(int(value.number), 0) if value.number is not None else None
