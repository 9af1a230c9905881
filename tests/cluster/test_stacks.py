"""Both stacks of this repository, deployed to a real control plane and taken away again."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi import automation

from tests.unit.stacks import REPOSITORY, changed, stack_file
from tools.cluster import Cluster, ClusterTools, down, up
from tools.toolchain import ensure

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

JsonObject = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def home() -> Iterator[None]:
    """The Automation API asks Pulumi for its version with the test's own environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULUMI_HOME", str(ensure(frozenset({"pulumi", "cluster"})).pulumi_home))
        yield


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, cluster_tools: ClusterTools) -> Iterator[Cluster]:
    work = tmp_path_factory.mktemp("stacks")
    yield up("stacks", cluster_tools, work=work)
    down("stacks", work=work)


def context_of(cluster: Cluster) -> str:
    """The only context in an embedded cluster's kubeconfig."""
    return str(yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))["current-context"])


@dataclass
class Deployment:
    """A stack of this repository's program, with a configuration and a state of its own."""

    cluster: Cluster
    folder: Path
    stack: automation.Stack = field(init=False)

    def __post_init__(self) -> None:
        toolchain = ensure(frozenset({"pulumi", "cluster"}))
        project = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))
        project["main"] = str(REPOSITORY)
        project["runtime"]["options"]["virtualenv"] = str(REPOSITORY / ".venv")
        self.folder.mkdir()
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
        state, temporary = self.folder / "state", self.folder / "tmp"
        state.mkdir()
        temporary.mkdir()
        self.stack = automation.create_stack(
            "test",
            work_dir=str(self.folder),
            opts=automation.LocalWorkspaceOptions(
                pulumi_command=automation.PulumiCommand(root=str(toolchain.bin.parent)),
                env_vars={
                    "PATH": f"{toolchain.bin}{os.pathsep}{os.environ['PATH']}",
                    "PULUMI_HOME": str(toolchain.pulumi_home),
                    "PULUMI_BACKEND_URL": state.as_uri(),
                    "PULUMI_CONFIG_PASSPHRASE": "test",
                    "PULUMI_SKIP_UPDATE_CHECK": "true",
                    "TMPDIR": str(temporary),
                    "TRACARDI_KUBECONFIG": str(self.cluster.kubeconfig),
                    "TRACARDI_KUBE_CONTEXT": context_of(self.cluster),
                },
            ),
        )

    def configure(self, configuration: JsonObject) -> None:
        """Make `configuration` the stack's own, as its file would; the salt stays."""
        path = self.folder / "Pulumi.test.yaml"
        kept = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.write_text(yaml.safe_dump({**kept, "config": configuration}), encoding="utf-8")

    def kubectl(self, *arguments: str) -> str:
        """What kubectl prints."""
        command = [str(self.cluster.folder / "bin" / "kubectl"), f"--kubeconfig={self.cluster.kubeconfig}", *arguments]
        environment = {**os.environ, "KUBECACHEDIR": str(self.folder / "cache")}
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    def objects(self, kind: str) -> list[JsonObject]:
        """Every object of `kind` in the installation's namespaces."""
        found = json.loads(self.kubectl("get", kind, "--all-namespaces", "-ojson"))["items"]
        return [
            item
            for item in found
            if str(item["metadata"].get("namespace", item["metadata"]["name"])).startswith("tracardi-")
        ]

    def secrets(self) -> dict[str, str]:
        """Every secret value in the cluster, in clear and as the Secret has it; certificates are public."""
        found = {
            f"{item['metadata']['namespace']}/{item['metadata']['name']}/{key}": value
            for item in self.objects("secrets")
            for key, value in item["data"].items()
            if not key.endswith(".crt")
        }
        return {**found, **{f"{name} in clear": base64.b64decode(value).decode() for name, value in found.items()}}

    def placed(self) -> dict[str, list[str]]:
        """The nodes that the pods of each role run on."""
        nodes: dict[str, list[str]] = {}
        for pod in self.objects("pods"):
            role = pod["metadata"]["labels"]["app.kubernetes.io/component"]
            nodes.setdefault(role, []).append(pod["spec"]["nodeName"])
        return nodes


@pytest.fixture
def deployment(cluster: Cluster, tmp_path: Path) -> Iterator[Deployment]:
    deployed = Deployment(cluster, tmp_path / "stack")
    yield deployed
    deployed.stack.destroy()


def changes(summary: object) -> set[str]:
    """Kinds of changes that a preview found; reading the stack's own memory is none."""
    assert isinstance(summary, dict)
    return {str(getattr(kind, "value", kind)) for kind in summary} - {"read"}


@pytest.mark.parametrize(
    ("stack", "api_instances", "nodes"),
    [("dev", {"track-api": 2, "gui-api": 1}, 1), ("prod", {"track-api": 3, "gui-api": 2}, 3)],
)
def test_a_stack_comes_up_stays_as_it_is_and_leaves_nothing(
    deployment: Deployment, stack: str, api_instances: dict[str, int], nodes: int
) -> None:
    deployment.configure(stack_file(stack))

    outputs = deployment.stack.up().outputs

    ready = {
        item["metadata"]["name"]: item["status"].get("readyReplicas", 0) for item in deployment.objects("deployments")
    }
    wanted = {item["metadata"]["name"]: item["spec"]["replicas"] for item in deployment.objects("deployments")}
    assert ready == wanted
    assert len(ready) == 6
    assert {name: ready[name] for name in api_instances} == api_instances
    stores = {item["metadata"]["name"]: item["status"]["readyReplicas"] for item in deployment.objects("statefulsets")}
    assert stores == {"elasticsearch": nodes, "redis": 1, "mysql": 1}
    (job,) = deployment.objects("jobs")
    assert job["status"]["succeeded"] == 1
    assert outputs["trackUrl"].value == f"https://{stack_file(stack)['tracardi:track']['host']}"
    assert outputs["adminPassword"].secret
    assert len(outputs["adminPassword"].value) == 32
    assert all(record["values"] for record in outputs["dnsRecords"].value)
    if stack == "prod":
        for role, placed in deployment.placed().items():
            assert len(placed) == len(set(placed)), f"{role} runs on {placed}"

    state = (deployment.folder / "state" / ".pulumi" / "stacks" / "tracardi" / "test.json").read_text(encoding="utf-8")
    secrets = deployment.secrets()
    assert len(secrets) > 10
    assert [name for name, value in secrets.items() if value in state or json.dumps(value)[1:-1] in state] == []

    assert changes(deployment.stack.preview().change_summary) == {"same"}

    deployment.stack.destroy()
    assert deployment.objects("namespaces") == []
    assert deployment.objects("all") == []
    assert json.loads(deployment.kubectl("get", "persistentvolumes", "-ojson"))["items"] == []


def test_a_wrong_setting_fails_before_anything_changes(deployment: Deployment) -> None:
    wrong = changed(stack_file("prod"), track__replicas__max=0, gui__host="GUI")
    deployment.configure(wrong)

    with pytest.raises(automation.CommandError) as failed:
        deployment.stack.up()

    told = str(failed.value)
    assert "2 settings cannot be used; nothing was changed." in told
    assert "tracardi:track.replicas.max" in told
    assert "tracardi:gui.host" in told
    assert "Traceback" not in told
    assert deployment.objects("namespaces") == []


def test_a_stack_refuses_another_cluster_than_its_own(
    deployment: Deployment, cluster_tools: ClusterTools, tmp_path: Path
) -> None:
    deployment.configure(stack_file("dev"))
    deployment.stack.up()
    other = up("other", cluster_tools, work=tmp_path)
    try:
        workspace = deployment.stack.workspace
        own = dict(workspace.env_vars)
        workspace.env_vars = own | {
            "TRACARDI_KUBECONFIG": str(other.kubeconfig),
            "TRACARDI_KUBE_CONTEXT": context_of(other),
        }

        with pytest.raises(automation.CommandError, match="this stack describes another cluster"):
            deployment.stack.preview()

        workspace.env_vars = own
        assert changes(deployment.stack.preview().change_summary) == {"same"}
    finally:
        down("other", work=tmp_path)
