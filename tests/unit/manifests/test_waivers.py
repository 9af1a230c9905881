"""Which findings are accepted, and what a waiver must say."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.findings import Finding
from tests.manifests.waivers import Waiver, WaiverError, judge, load

FINDING = Finding("kube-score", "container-resources", "StatefulSet/data/redis", "redis: CPU limit is not set")
ENTRY = {
    "tool": "kube-score",
    "rule": "container-resources",
    "objects": ["StatefulSet/*/redis"],
    "reason": "A limit would throttle it.",
}


def waiver(**changes: Any) -> Waiver:  # noqa: ANN401 - any key's value
    return Waiver.model_validate(ENTRY | changes)


def waiver_file(folder: Path, **changes: Any) -> Path:  # noqa: ANN401 - any key's value
    entry = {key: value for key, value in (ENTRY | changes).items() if value is not None}
    file = folder / "waivers.yaml"
    file.write_text(yaml.safe_dump([entry]))
    return file


def test_an_unwaived_finding_fails() -> None:
    verdict = judge([FINDING], [])

    assert verdict.unwaived == (FINDING,)
    assert not verdict.passed


def test_a_waived_finding_passes() -> None:
    assert judge([FINDING], [waiver()]).passed


@pytest.mark.parametrize(
    "changes",
    [
        {"tool": "checkov"},
        {"rule": "container-image-tag"},
        {"objects": ["StatefulSet/redis"]},
        {"objects": ["statefulset/data/redis"]},
        {"message": "*memory*"},
    ],
)
def test_a_waiver_of_something_else_leaves_the_finding_and_is_stale(changes: dict[str, Any]) -> None:
    verdict = judge([FINDING], [waiver(**changes)])

    assert verdict.unwaived == (FINDING,)
    assert len(verdict.stale) == 1


def test_a_waiver_can_be_for_one_message_of_a_rule() -> None:
    memory = Finding("kube-score", "container-resources", "StatefulSet/data/redis", "redis: Memory limit is not set")

    assert judge([FINDING, memory], [waiver(message="*: CPU limit is not set")]).unwaived == (memory,)


def test_a_pattern_that_matches_nothing_fails_even_beside_one_that_does() -> None:
    verdict = judge([FINDING], [waiver(objects=["StatefulSet/*/redis", "StatefulSet/*/gone"])])

    assert verdict.unwaived == ()
    assert verdict.stale == ("kube-score container-resources StatefulSet/*/gone",)
    assert not verdict.passed


@pytest.mark.parametrize("reason", [None, "", "   ", "because.", "It would throttle it"])
def test_a_waiver_without_a_sentence_as_its_reason_is_refused(tmp_path: Path, reason: str | None) -> None:
    with pytest.raises(WaiverError, match=r"waivers that cannot be used:\n  0\.reason: "):
        load(waiver_file(tmp_path, reason=reason))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"tool": "kubescore"}, "0.tool"),
        ({"rule": None}, "0.rule"),
        ({"objects": []}, "0.objects"),
        ({"object": "*"}, "0.object"),
    ],
)
def test_a_waiver_that_is_misspelt_is_refused_with_its_place(
    tmp_path: Path, changes: dict[str, Any], place: str
) -> None:
    with pytest.raises(WaiverError, match=rf"\n  {place}: "):
        load(waiver_file(tmp_path, **changes))


def test_a_file_that_is_not_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").write_text("[")

    with pytest.raises(WaiverError, match=r"waivers\.yaml is not YAML"):
        load(tmp_path / "waivers.yaml")


def test_a_file_without_waivers_is_taken_as_such(tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").write_text("# none\n")

    assert load(tmp_path / "waivers.yaml") == ()


def test_the_repositorys_waivers_can_be_used() -> None:
    assert load()
