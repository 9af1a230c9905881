"""What runs for a pull request: pinned, with no more rights than it needs, and through commands that exist here."""

import re
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.stacks import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.y*ml"))
PINNED = re.compile(r"^\s*(?:- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$")
INSTALLATION = re.compile(r"apt-get update && apt-get install --yes --no-install-recommends( [a-z0-9-]+)+")
TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def jobs(workflow: Path) -> dict[str, Any]:
    """The jobs of a workflow, by their names."""
    return dict(yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"])


def steps_before_checkout(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps that run while nothing of this repository is there yet."""
    return list(takewhile(lambda step: not step.get("uses", "").startswith("actions/checkout@"), job["steps"]))


def commands(workflow: Path) -> list[str]:
    """What the jobs of a workflow run once they have this repository."""
    later = [job["steps"][len(steps_before_checkout(job)) :] for job in jobs(workflow).values()]
    return [step["run"] for steps in later for step in steps if "run" in step]


@pytest.fixture(params=WORKFLOWS, ids=lambda workflow: workflow.name)
def workflow(request: pytest.FixtureRequest) -> Path:
    """Each workflow in turn."""
    return Path(request.param)


def test_actions_are_pinned_by_commit_beside_their_version(workflow: Path) -> None:
    lines = [line for line in workflow.read_text(encoding="utf-8").splitlines() if "uses:" in line]

    assert lines
    assert [line for line in lines if not PINNED.match(line)] == []


def test_a_workflow_may_only_read_and_keeps_no_credentials(workflow: Path) -> None:
    content = yaml.safe_load(workflow.read_text(encoding="utf-8"))

    assert content["permissions"] == {"contents": "read"}
    for job in content["jobs"].values():
        assert "permissions" not in job
        checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        assert [step["with"]["persist-credentials"] for step in checkouts] == [False]


def test_a_workflow_needs_no_secret_and_runs_strangers_changes_as_strangers(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")

    assert "secrets." not in text
    assert "pull_request_target" not in text
    assert "workflow_run" not in text


def test_nothing_that_fails_is_passed_over(workflow: Path) -> None:
    assert "continue-on-error" not in workflow.read_text(encoding="utf-8")
    for job in jobs(workflow).values():
        assert "if" not in job
        assert not [step for step in job["steps"] if "if" in step]
        assert job["timeout-minutes"] <= 90


def test_jobs_run_commands_of_this_repository_that_anyone_can_run(workflow: Path) -> None:
    for command in commands(workflow):
        program, *words = command.split()
        assert "${{" not in command
        assert (program == "make" and words[0] in TARGETS) or (REPOSITORY / program).is_file()


def test_what_comes_before_the_checkout_only_makes_a_bare_container_fit_for_it(workflow: Path) -> None:
    for job in jobs(workflow).values():
        before = [step.get("run", "") for step in steps_before_checkout(job)]
        assert bool(before) == ("container" in job)
        assert [command for command in before if not INSTALLATION.fullmatch(command)] == []


def test_every_pull_request_has_every_stack_and_the_pack_itself_judged() -> None:
    policies = REPOSITORY / ".github" / "workflows" / "policies.yml"
    content = yaml.safe_load(policies.read_text(encoding="utf-8"))

    # YAML's own reading of the key `on`.
    assert content[True] == {"pull_request": None}
    assert commands(policies) == ["make preview-all", "make test-policies THOROUGH=yes"]
