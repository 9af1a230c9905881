"""The real program with a mistake in it: `pulumi preview` with the pack refuses it, and nothing is changed."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from policies.pack.registry import RULES
from tests.cluster.live import JsonObject
from tests.cluster.mutations import MUTATIONS
from tests.cluster.stacks import Deployment
from tests.policies.packs import ADDED, pack_with
from tests.unit.stacks import REPOSITORY, stack_file
from tools.cluster import Cluster
from tools.stack.policies import forbidding, not_run

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

PACK = REPOSITORY / "policies"
REMEDIES = {rule.name: rule.remedy for rule in RULES}
UNKNOWN_TO_A_FIRST_PREVIEW = (
    '[resource.props["result"].upper() for resource in args.resources if "randomPassword" in resource.resource_type]'
)

_PROGRAM = """\
import sys

sys.path.insert(0, {repository!r})

from tests.cluster.mutations import run

run({mutation!r})
"""


class Previews:
    """Previews of a stack with the pack, by the command line as `make preview` calls it."""

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self._deployment = deployment
        self._folder = folder

    def of(self, mutation: str) -> subprocess.CompletedProcess[str]:
        """What is said of the program with a mutation."""
        folder = self._folder / "program"
        folder.mkdir()
        project = yaml.safe_load((self._deployment.folder / "Pulumi.yaml").read_text(encoding="utf-8"))
        project.pop("main")
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
        program = _PROGRAM.format(repository=str(REPOSITORY), mutation=mutation)
        (folder / "__main__.py").write_text(program, encoding="utf-8")
        shutil.copy(self._deployment.folder / "Pulumi.test.yaml", folder)
        return self._run(folder, PACK)

    def with_pack(self, pack: Path) -> subprocess.CompletedProcess[str]:
        """What another pack says of the program as it is."""
        return self._run(self._deployment.folder, pack)

    def _run(self, folder: Path, pack: Path) -> subprocess.CompletedProcess[str]:
        command = ["pulumi", "preview", "--stack=test", "--non-interactive", "--suppress-progress", "--color=never"]
        command += [f"--policy-pack={pack}", f"--policy-pack-config={PACK / 'config' / 'prod.json'}"]
        environment = {**os.environ, **self._deployment.stack.workspace.env_vars}
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=folder, env=environment, timeout=120
        )

    def state(self) -> JsonObject:
        """The resources that the stack's state holds."""
        resources: JsonObject = vars(self._deployment.stack.export_stack())["deployment"]
        return {key: value for key, value in resources.items() if key == "resources"}


@pytest.fixture(scope="module")
def nothing_deployed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The production stack before its first update."""
    deployed = Deployment(cluster, tmp_path_factory.mktemp("first") / "stack")
    deployed.configure(stack_file("prod"))
    return deployed


@pytest.fixture
def first(nothing_deployed: Deployment, tmp_path: Path) -> Iterator[Previews]:
    """First previews of the production stack, which change nothing."""
    previews = Previews(nothing_deployed, tmp_path)
    yield previews
    assert previews.state() == {}
    assert nothing_deployed.objects("namespaces") == []


def refused(mutation: str, said: subprocess.CompletedProcess[str]) -> None:
    """That `said` refuses a mutation for the right reason, and in the right words."""
    meant = MUTATIONS[mutation]
    assert said.returncode != 0
    assert meant.rule in forbidding(said.stdout), said.stdout
    assert not_run(said.stdout) == []
    remedy = f"{REMEDIES[meant.rule]} See docs/policies.md#{meant.rule}."
    assert [line for line in said.stdout.splitlines() if meant.named in line and line.endswith(remedy)]


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_first_preview_refuses_a_mistake(first: Previews, mutation: str) -> None:
    refused(mutation, first.of(mutation))


def test_a_first_preview_of_the_program_as_it_is_runs_every_rule(first: Previews) -> None:
    said = first.with_pack(PACK)

    assert said.returncode == 0, said.stdout
    assert not_run(said.stdout) == []


def test_a_rule_that_fails_fails_the_preview(first: Previews, tmp_path: Path) -> None:
    said = first.with_pack(pack_with(tmp_path / "pack", "raise ValueError('this rule is broken')"))

    assert said.returncode != 0
    assert "this rule is broken" in said.stdout


def test_a_rule_that_reads_what_is_not_known_yet_is_found_out(first: Previews, tmp_path: Path) -> None:
    said = first.with_pack(pack_with(tmp_path / "pack", UNKNOWN_TO_A_FIRST_PREVIEW))

    # Pulumi takes it for an advice; make's commands do not.
    assert said.returncode == 0, said.stdout
    assert not_run(said.stdout) == [ADDED]


@pytest.mark.parametrize("mutation", ["a flipped flag", "a short password", "an old version of TLS"])
def test_a_preview_of_what_is_deployed_refuses_a_mistake(production: Deployment, mutation: str, tmp_path: Path) -> None:
    previews = Previews(production, tmp_path)
    before = json.dumps(previews.state())

    refused(mutation, previews.of(mutation))

    assert json.dumps(previews.state()) == before
