"""How kube-score and checkov are run, with stand-ins in their place, and how the verdict reads."""

import json
import stat
from pathlib import Path

import pytest

from tests.manifests.__main__ import complaints
from tests.manifests.findings import Finding
from tests.manifests.programs import ProgramError, findings
from tests.manifests.waivers import Verdict

OBJECTS = {"dev": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "space"}}]}
FAILED = {"check_id": "CKV_K8S_11", "check_name": "CPU limits should be set", "resource": "ConfigMap.space.settings"}
REPORT = {
    "results": {"failed_checks": [FAILED]},
    "summary": {"resource_count": 1, "parsing_errors": 0, "skipped": 0},
}


def install(folder: Path, name: str, script: str) -> None:
    """Put a stand-in for a program into the folder."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(stat.S_IRWXU)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Stand-ins of which checkov finds one thing and exits as it then does."""
    (tmp_path / "report.json").write_text(json.dumps(REPORT))
    install(tmp_path, "kube-score", "echo '[]'")
    install(tmp_path, "checkov", f"cat {tmp_path}/report.json; exit 1")
    return tmp_path


def test_a_program_that_finds_something_has_not_failed(programs: Path) -> None:
    assert findings(programs, OBJECTS) == [
        Finding("checkov", "CKV_K8S_11", "ConfigMap/space/settings", "CPU limits should be set")
    ]


@pytest.mark.parametrize("name", ["kube-score", "checkov"])
def test_a_program_that_gives_no_answer_has_failed_and_is_quoted(programs: Path, name: str) -> None:
    install(programs, name, "echo 'cannot read that' >&2; exit 1")

    with pytest.raises(ProgramError, match=f"{name} ended with status 1 and no answer: cannot read that"):
        findings(programs, OBJECTS)


def test_programs_get_a_file_for_each_stack(programs: Path) -> None:
    install(programs, "kube-score", f'for file; do :; done; cp "$file" {programs}/seen.yaml; echo "[]"')

    findings(programs, OBJECTS)

    assert "name: settings" in (programs / "seen.yaml").read_text()


def test_settings_of_the_user_do_not_reach_the_programs(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CKV_SKIP_CHECK", "CKV_K8S_11")
    install(programs, "checkov", f"env >{programs}/environment; cat {programs}/report.json")

    findings(programs, OBJECTS)

    seen = dict(line.split("=", 1) for line in (programs / "environment").read_text().splitlines())
    assert "CKV_SKIP_CHECK" not in seen
    assert seen["CKV_SKIP_PACKAGE_UPDATE_CHECK"] == "true"
    assert not Path(seen["HOME"]).exists()


def test_a_verdict_lists_each_finding_and_each_stale_waiver_and_names_the_file() -> None:
    finding = Finding("checkov", "CKV_K8S_11", "Job/space/install", "CPU limits should be set")

    *lines, summary = complaints(Verdict((finding,), ("checkov CKV_K8S_99 *",)), "3 objects of dev")

    assert lines == [
        "checkov CKV_K8S_11 Job/space/install: CPU limits should be set",
        "tests/manifests/waivers.yaml: nothing matches checkov CKV_K8S_99 * any more",
    ]
    assert summary.startswith("manifests: 3 objects of dev: ")
    assert "reason in tests/manifests/waivers.yaml: 1; waivers to remove: 1" in summary
