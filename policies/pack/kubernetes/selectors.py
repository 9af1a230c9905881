"""Label selectors as Kubernetes evaluates them, with a third answer for what cannot be told."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.pack.values import Value

Verdict = bool | None
"""Yes, no, or nobody can tell."""

_MEMBERS = frozenset({"matchExpressions", "matchLabels"})

_ADDED = frozenset(
    {
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "batch.kubernetes.io/job-name",
        "controller-revision-hash",
        "controller-uid",
        "job-name",
        "pod-template-generation",
        "pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    }
)
"""Labels that Kubernetes itself may give pods."""


@dataclass(frozen=True)
class Labels:
    """The labels of an object, as they stand in its metadata."""

    metadata: Value
    own: tuple[tuple[str, str], ...] = ()
    """Labels that the object has whatever its metadata says."""
    complete: bool = True
    """Whether the metadata is all there is."""

    def value(self, key: str) -> tuple[Verdict, str | None]:
        """Whether there is a label `key`, and its value where that can be seen."""
        for name, text in self.own:
            if name == key:
                return True, text
        found = self.metadata.fields.get(key)
        if found is not None and found.given:
            return True, found.text
        # Of labels that are no mapping, nothing is known.
        readable = self.complete and (not self.metadata.given or isinstance(self.metadata.raw, dict))
        return (False if readable and key not in _ADDED else None), None


def conjunction(verdicts: Iterable[Verdict]) -> Verdict:
    """Whether all of `verdicts` hold."""
    found = set(verdicts)
    if False in found:
        return False
    return None if None in found else True


def matches(selector: Value, labels: Labels) -> Verdict:
    """Whether a label selector catches an object with `labels`. The empty one catches everything."""
    if selector.given and not isinstance(selector.raw, dict):
        return None
    return conjunction(_terms(selector, labels))


def equals(selector: Value, labels: Labels) -> Verdict:
    """Whether a selector in the form of Services, labels alone, catches an object with `labels`."""
    if selector.given and not isinstance(selector.raw, dict):
        return None
    return conjunction(_is(labels, key, value) for key, value in selector.fields.items())


def is_empty(selector: Value) -> bool:
    """Whether a label selector certainly catches everything."""
    if selector.given and not isinstance(selector.raw, dict):
        return False
    return all(not member.given or member.raw in ({}, []) for member in selector.fields.values())


def _terms(selector: Value, labels: Labels) -> Iterator[Verdict]:
    wanted, expressions = selector["matchLabels"], selector["matchExpressions"]
    yield equals(wanted, labels)
    if expressions.given and not isinstance(expressions.raw, list):
        yield None
    for expression in expressions:
        yield _expression(expression, labels)
    for name, member in selector.fields.items():
        if name not in _MEMBERS and member.given:
            yield None


def _is(labels: Labels, key: str, value: Value) -> Verdict:
    there, text = labels.value(key)
    if there is False:
        return False
    return None if there is None or text is None or value.text is None else text == value.text


def _expression(expression: Value, labels: Labels) -> Verdict:
    key, operator = expression["key"].text, expression["operator"].text
    if key is None or operator not in _OPERATORS:
        return None
    positive, negated = _OPERATORS[operator]
    there, text = labels.value(key)
    verdict = there if positive == "Exists" else _among(there, text, expression["values"])
    return verdict if verdict is None or not negated else not verdict


_OPERATORS = {
    "In": ("In", False),
    "NotIn": ("In", True),
    "Exists": ("Exists", False),
    "DoesNotExist": ("Exists", True),
}


def _among(there: Verdict, text: str | None, values: Value) -> Verdict:
    if there is False:
        return False
    if there is None or text is None:
        return None
    if text in values.words:
        return True
    seen = isinstance(values.raw, list) and len(values.words) == len(values.raw)
    return False if seen else None
