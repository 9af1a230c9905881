"""What kube-score and checkov answer, read into one form."""

from typing import Any

import pytest

from tests.manifests.findings import Finding, UnusableAnswerError, of_checkov, of_kube_score

REDIS = "StatefulSet/data/redis"


def scored(*checks: dict[str, Any], kind: str = "StatefulSet", name: str = "redis") -> dict[str, Any]:
    """An object as kube-score judges it."""
    return {
        "type_meta": {"kind": kind, "apiVersion": "apps/v1"},
        "object_meta": {"name": name, "namespace": "data", "creationTimestamp": None},
        "checks": list(checks),
    }


def check(grade: int, *comments: tuple[str, str], skipped: bool = False) -> dict[str, Any]:
    """One rule's grade as kube-score gives it."""
    said = [{"path": path, "summary": summary, "description": ""} for path, summary in comments]
    rule = {"id": "container-resources", "comment": "Makes sure that limits are set"}
    return {"check": rule, "grade": grade, "skipped": skipped, "comments": said or None}


def failed(resource: str, rule: str = "CKV_K8S_11", name: str = "CPU limits should be set") -> dict[str, Any]:
    """A failure as checkov reports it."""
    return {"check_id": rule, "check_name": name, "resource": resource, "check_result": {"result": "FAILED"}}


def report(*failures: dict[str, Any], **summary: int) -> dict[str, Any]:
    """An answer of checkov about one object."""
    numbers = {"failed": len(failures), "skipped": 0, "parsing_errors": 0, "resource_count": 1} | summary
    return {"check_type": "kubernetes", "results": {"failed_checks": list(failures)}, "summary": numbers}


@pytest.mark.parametrize("grade", [1, 5])
def test_critical_grades_and_warnings_are_findings_with_one_for_each_remark(grade: int) -> None:
    answer = [scored(check(grade, ("redis", "CPU limit is not set"), ("init", "CPU limit is not set")))]

    assert of_kube_score(answer, [REDIS]) == [
        Finding("kube-score", "container-resources", REDIS, "init: CPU limit is not set"),
        Finding("kube-score", "container-resources", REDIS, "redis: CPU limit is not set"),
    ]


def test_a_bad_grade_without_a_remark_is_a_finding() -> None:
    (finding,) = of_kube_score([scored(check(1))], [REDIS])

    assert finding.message == "Makes sure that limits are set"


def test_remarks_on_good_grades_and_skipped_checks_are_no_findings() -> None:
    answer = [scored(check(7, ("redis", "could be better")), check(10), check(0, skipped=True))]

    assert of_kube_score(answer, [REDIS]) == []


def test_a_workload_that_kube_score_passed_over_is_an_error() -> None:
    with pytest.raises(UnusableAnswerError, match="did not judge Deployment/data/api"):
        of_kube_score([scored()], [REDIS, "Deployment/data/api"])


def test_kube_score_need_not_judge_kinds_that_it_has_no_rules_for() -> None:
    assert of_kube_score([], ["Namespace//data", "Certificate/data/tls"]) == []


def test_failures_of_checkov_are_findings_each_once() -> None:
    answer = report(failed("StatefulSet.data.redis"), failed("StatefulSet.data.redis"))

    assert of_checkov(answer, [REDIS]) == [Finding("checkov", "CKV_K8S_11", REDIS, "CPU limits should be set")]


@pytest.mark.parametrize(
    ("resource", "name"),
    [("ConfigMap.data.redis.conf", "ConfigMap/data/redis.conf"), ("Namespace.default.data", "Namespace//data")],
)
def test_checkovs_names_are_told_apart_from_dots_and_its_default_namespace(resource: str, name: str) -> None:
    (finding,) = of_checkov(report(failed(resource)), [name])

    assert finding.object == name


def test_an_answer_of_checkov_about_fewer_objects_is_an_error() -> None:
    with pytest.raises(UnusableAnswerError, match="judged 1 of 2 objects"):
        of_checkov(report(), [REDIS, "Namespace//data"])


def test_an_answer_of_checkov_about_nothing_is_an_error() -> None:
    answer = {"passed": 0, "failed": 0, "skipped": 0, "parsing_errors": 0, "resource_count": 0}

    with pytest.raises(UnusableAnswerError, match="judged 0 of 1 objects"):
        of_checkov(answer, [REDIS])


def test_what_checkov_could_not_read_is_an_error() -> None:
    with pytest.raises(UnusableAnswerError, match="could not read 1"):
        of_checkov(report(parsing_errors=1), [REDIS])


def test_annotations_that_make_checkov_skip_are_an_error() -> None:
    with pytest.raises(UnusableAnswerError, match="skip 2 checks; waive them"):
        of_checkov(report(skipped=2), [REDIS])
