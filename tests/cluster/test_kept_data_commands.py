"""`make down` on data that is kept: a real Pulumi and a real control plane, with a program of a few resources.

What the fakes of the unit tests take for granted: that Pulumi goes by the marks in its state, and what then remains.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.unit.stacks import REPOSITORY
from tools.cluster import Cluster, ClusterTools, down, up
from tools.errors import ToolError
from tools.stack import commands, session
from tools.stack.session import Request, Session, prepare

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

PROGRAM = """
import os
import pulumi
import pulumi_kubernetes as k8s

keep = (pulumi.Config("tracardi").get_object("data") or {}).get("keep", True)
cluster = k8s.Provider(
    "cluster", kubeconfig=os.environ["TRACARDI_KUBECONFIG"], context=os.environ["TRACARDI_KUBE_CONTEXT"]
)
gone = pulumi.ResourceOptions(provider=cluster)
protected = pulumi.ResourceOptions.merge(gone, pulumi.ResourceOptions(protect=keep))
kept = pulumi.ResourceOptions.merge(protected, pulumi.ResourceOptions(retain_on_delete=keep))

k8s.core.v1.Namespace("track", metadata={"name": "kept-track"}, opts=gone)
data = k8s.core.v1.Namespace("data", metadata={"name": "kept-data"}, opts=kept)
inside = pulumi.ResourceOptions(depends_on=[data])
password = k8s.core.v1.Secret(
    "password",
    metadata={"name": "password", "namespace": "kept-data"},
    string_data={"password": pulumi.Output.secret("of no use")},
    opts=pulumi.ResourceOptions.merge(kept, inside),
)
claim = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
container = {
    "name": "main",
    "image": "registry.example/never-pulled:1",
    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
}
k8s.apps.v1.StatefulSet(
    "store",
    metadata={"name": "store", "namespace": "kept-data"},
    spec={
        "serviceName": "store",
        "selector": {"matchLabels": {"app": "store"}},
        "template": {"metadata": {"labels": {"app": "store"}}, "spec": {"containers": [container]}},
        "volumeClaimTemplates": [claim],
    },
    opts=pulumi.ResourceOptions.merge(protected, inside),
)
pulumi.export("dataKept", keep)
pulumi.export("namespaces", {"data": "kept-data"})
"""


@dataclass
class Stack:
    """A stack of the small program, run by the commands behind the Makefile."""

    repository: Path
    session: Session
    told: list[str] = field(default_factory=list)

    def keep(self, value: str) -> None:
        """Say in the stack file whether data is kept."""
        text = f"config:\n  tracardi:data: {{keep: {value}}}\n"
        (self.repository / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")

    def up(self) -> None:
        """Bring it up, as `make up` does."""
        assert commands.up(self.session, self.told.append) == 0

    def down(self, *, keep: bool = False) -> int:
        """Take it down, as `make down` does."""
        return commands.down(self.session, self.told.append, keep=keep)

    def kubectl(self, *arguments: str) -> str:
        """What kubectl prints."""
        environment = dict(self.session.environment)
        program = self.session.pulumi.with_name("kubectl")
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=True, env=environment)
        return done.stdout

    def left(self) -> set[str]:
        """What of the stack is in the cluster, as kind/name, whole namespaces and volumes included."""
        inside = json.loads(
            self.kubectl("get", "statefulsets,secrets,persistentvolumeclaims,pods", "--namespace=kept-data", "-ojson")
        )["items"]
        around = json.loads(self.kubectl("get", "namespaces,persistentvolumes", "-ojson"))["items"]
        found = {f"{item['kind']}/{item['metadata']['name']}" for item in (*inside, *around)}
        own = {name for name in found if not name.startswith("PersistentVolume/") and "/kube" not in name}
        volumes = {item["spec"]["claimRef"]["name"] for item in around if item["kind"] == "PersistentVolume"}
        return (own - {"Namespace/default"}) | {f"PersistentVolume for {claim}" for claim in volumes}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, cluster_tools: ClusterTools) -> Iterator[Cluster]:
    work = tmp_path_factory.mktemp("kept")
    yield up("kept", cluster_tools, work=work)
    down("kept", work=work)


@pytest.fixture
def stack(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """A stack that is up and keeps its data."""
    (tmp_path / ".venv").symlink_to(REPOSITORY / ".venv")
    (tmp_path / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    shutil.copy(REPOSITORY / "Pulumi.yaml", tmp_path)
    monkeypatch.setattr(session, "repository", lambda: tmp_path)
    monkeypatch.setattr(session, "work_dir", lambda: tmp_path / ".work")
    monkeypatch.setattr(session, "cluster_up", lambda *_, **__: cluster)
    (tmp_path / "Pulumi.dev.yaml").touch()
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "TRACARDI_"))}
    stack = Stack(tmp_path, prepare(Request(), own, print))
    stack.keep("true")
    stack.up()
    yield stack
    if stack.session.exists():
        stack.keep("false")
        stack.down()
    stack.kubectl("delete", "namespace", "kept-data", "--ignore-not-found")


def test_kept_data_stops_down_and_data_keep_leaves_it_and_nothing_else(stack: Stack) -> None:
    everything = stack.left()
    assert everything >= {"Namespace/kept-track", "StatefulSet/store", "Pod/store-0"}

    with pytest.raises(ToolError, match="namespace kept-data with its volumes"):
        stack.down()
    assert stack.session.run("destroy", "--yes").status != 0, "a plain `pulumi destroy` is to stop in its preview"
    assert stack.left() == everything

    assert stack.down(keep=True) == 0

    assert stack.left() == {
        "Namespace/kept-data",
        "Secret/password",
        "PersistentVolumeClaim/data-store-0",
        "PersistentVolume for data-store-0",
    }
    assert not stack.session.exists()


def test_data_that_the_setting_gives_up_goes_although_the_state_still_protects_it(stack: Stack) -> None:
    stack.keep("false")

    assert stack.down() == 0

    assert stack.left() == set()
    assert not stack.session.exists()
