"""What kube-score and checkov say about manifests, in one form."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from tools.errors import ToolError

KUBE_SCORE, CHECKOV = "kube-score", "checkov"

Json = Any
"""What a program answers; each has a form of its own."""

_KUBE_SCORE_KINDS = frozenset(
    {
        "CronJob",
        "DaemonSet",
        "Deployment",
        "HorizontalPodAutoscaler",
        "Ingress",
        "Job",
        "NetworkPolicy",
        "Pod",
        "PodDisruptionBudget",
        "Service",
        "StatefulSet",
    }
)
"""Kinds that kube-score judges; of others it says nothing."""
_WARNING = 5
"""kube-score's grades: 1 is critical, 5 a warning; 7 and more are remarks, and 10 is fine."""


class UnusableAnswerError(ToolError):
    """A program did not judge what it was given."""


@dataclass(frozen=True, order=True)
class Finding:
    """Something that a program objects to."""

    tool: str
    rule: str
    object: str
    """`Kind/namespace/name`, with nothing for no namespace."""
    message: str

    def __str__(self) -> str:
        return f"{self.tool} {self.rule} {self.object}: {self.message}"


def of_kube_score(answer: Json, objects: Collection[str]) -> list[Finding]:
    """What kube-score finds critical or worth a warning, from its answer about `objects`.

    Raises:
        UnusableAnswerError: it passed over one of a kind that it judges, as it does for versions that it does not know.
    """
    expected = {each for each in objects if each.partition("/")[0] in _KUBE_SCORE_KINDS}
    if missing := expected - {_kube_score_object(judged) for judged in answer}:
        raise UnusableAnswerError(f"kube-score did not judge {', '.join(sorted(missing))}")
    found = {finding for judged in answer for finding in _kube_score_findings(judged)}
    return sorted(found)


def of_checkov(answer: Json, objects: Collection[str]) -> list[Finding]:
    """What fails checkov, from its answer about `objects`.

    Raises:
        UnusableAnswerError: it did not judge all of them: it passes over what it cannot read.
    """
    # Where it finds nothing that it knows, the summary is all that it answers.
    summary = answer.get("summary", answer)
    # More than expected, because it judges what workloads make as well.
    if summary["resource_count"] < len(objects) or summary["parsing_errors"]:
        raise UnusableAnswerError(
            f"checkov judged {summary['resource_count']} of {len(objects)} objects, "
            f"and could not read {summary['parsing_errors']}"
        )
    if summary["skipped"]:
        raise UnusableAnswerError(f"annotations make checkov skip {summary['skipped']} checks; waive them instead")
    found = {
        Finding(CHECKOV, failed["check_id"], _checkov_object(failed["resource"]), failed["check_name"])
        for failed in answer["results"]["failed_checks"]
    }
    return sorted(found)


def _kube_score_findings(judged: Json) -> Iterator[Finding]:
    name = _kube_score_object(judged)
    for check in judged["checks"] or ():
        if check["skipped"] or check["grade"] > _WARNING:
            continue
        rule = check["check"]
        for comment in check["comments"] or ({"path": "", "summary": rule["comment"]},):
            place = f"{comment['path']}: " if comment["path"] else ""
            yield Finding(KUBE_SCORE, rule["id"], name, place + comment["summary"])


def _kube_score_object(judged: Json) -> str:
    metadata = judged["object_meta"]
    return f"{judged['type_meta']['kind']}/{metadata.get('namespace', '')}/{metadata['name']}"


def _checkov_object(resource: str) -> str:
    """Kind and namespace hold no dots, names may; `default` is what checkov writes where there is no namespace."""
    kind, namespace, name = resource.split(".", 2)
    return f"{kind}/{'' if namespace == 'default' else namespace}/{name}"
