"""Both stacks of this repository, deployed to a real control plane and taken away again."""

import json
from pathlib import Path

import pytest
from pulumi import automation

from tests.cluster.stacks import Deployment, context_of
from tests.unit.stacks import changed, stack_file
from tools.cluster import ClusterTools, down, up

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("stack", "api_instances", "nodes"),
    [("dev", {"track-api": 2, "gui-api": 1}, 1), ("prod", {"track-api": 3, "gui-api": 2}, 3)],
)
def test_a_stack_comes_up_stays_as_it_is_and_leaves_nothing(
    deployment: Deployment, stack: str, api_instances: dict[str, int], nodes: int
) -> None:
    # Kept data would refuse to go.
    deployment.configure(changed(stack_file(stack), data__keep=False))

    outputs = deployment.stack.up().outputs

    ready = {
        item["metadata"]["name"]: item["status"].get("readyReplicas", 0) for item in deployment.objects("deployments")
    }
    wanted = {item["metadata"]["name"]: item["spec"]["replicas"] for item in deployment.objects("deployments")}
    assert ready == wanted
    assert len(ready) == {"dev": 6, "prod": 7}[stack]
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

    assert deployment.previewed() == {"same"}

    # Under another name, everything goes and comes anew: the preview that shows most.
    deployment.change(installation__name="tracardi-other")
    told = deployment.stack.preview(diff=True, color="never").stdout
    assert "redis-credentials" in told
    assert [name for name, value in secrets.items() if value in told] == []

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
        assert deployment.previewed() == {"same"}
    finally:
        down("other", work=tmp_path)
