"""Stacks of this repository's program on an embedded cluster, each with a configuration and a state of its own."""

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation

from tests.cluster.live import Client, JsonObject, is_leaving, role_of
from tests.unit.stacks import REPOSITORY, changed
from tools.cluster import Cluster
from tools.cluster.api import wait_until
from tools.errors import ToolError
from tools.toolchain import ensure


class Deployment:
    """A stack of this repository's program, with a configuration and a state of its own."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.configuration: JsonObject = {}
        self.stack = _new_stack(cluster, folder)
        self.client = Client(cluster)

    def configure(self, configuration: JsonObject) -> None:
        """Make `configuration` the stack's own, as its file would; the salt stays."""
        path = self.folder / "Pulumi.test.yaml"
        kept = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.write_text(yaml.safe_dump({**kept, "config": configuration}), encoding="utf-8")
        self.configuration = configuration

    def change(self, **changes: Any) -> None:  # noqa: ANN401 - any setting
        """Configure what is configured now, but for `section__key=value`."""
        self.configure(changed(self.configuration, **changes))

    def previewed(self) -> set[str]:
        """Kinds of changes that a preview finds; {"same"} where there is none."""
        return changes(self.stack.preview().change_summary)

    def kubectl(self, *arguments: str) -> str:
        """What kubectl prints."""
        command = [str(self.cluster.folder / "bin" / "kubectl"), f"--kubeconfig={self.cluster.kubeconfig}", *arguments]
        environment = {**os.environ, "KUBECACHEDIR": str(self.folder / "cache")}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

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

    def pods(self, role: str | None = None) -> list[JsonObject]:
        """The installation's pods that run or are to run; those of `role` alone, where it is given."""
        pods = self.client.items(PODS)
        return [pod for pod in pods if not is_leaving(pod) and role in (None, role_of(pod))]

    def placed(self) -> dict[str, list[str | None]]:
        """The nodes that the pods of each role run on; None for a pod that waits for one."""
        nodes: dict[str, list[str | None]] = {}
        for pod in self.pods():
            nodes.setdefault(role_of(pod), []).append(pod["spec"].get("nodeName"))
        return nodes

    def settle(self) -> None:
        """Wait until every workload is as it is meant to be, its budget knows, and nothing is on its way out."""
        try:
            wait_until("every workload to be complete", lambda: not self._unsettled(), seconds=120)
        except ToolError as error:
            raise AssertionError(f"{error}; not so: {'; '.join(self._unsettled())}") from error

    def _unsettled(self) -> list[str]:
        """What is not complete, is leaving, or allows no disruption, and why pods wait."""
        workloads = [item for path in WORKLOADS for item in self.client.items(path)]
        pods = self.client.items(PODS)
        return [
            *(_named(item) for item in workloads if not _is_complete(item)),
            *(f"{_named(pod)} is leaving" for pod in pods if is_leaving(pod)),
            *(f"budget {_named(item)}" for item in self.client.items(BUDGETS) if not _allows_disruption(item)),
            *(
                f"{_named(pod)}: {entry.get('message')}"
                for pod in pods
                for entry in pod["status"].get("conditions", [])
                if entry["type"] == "PodScheduled" and entry["status"] != "True"
            ),
        ]


_OURS = "labelSelector=app.kubernetes.io/name%3Dtracardi"

PODS = f"/api/v1/pods?{_OURS}%2Capp.kubernetes.io/component+notin+%28installation%2Cpreflight%29"
"""Every pod of the installation that stays: those of Jobs are left out."""

WORKLOADS = tuple(f"/apis/apps/v1/{kind}?{_OURS}" for kind in ("deployments", "statefulsets"))
"""Whatever makes those pods."""

BUDGETS = f"/apis/policy/v1/poddisruptionbudgets?{_OURS}"
"""Whatever keeps them from being evicted together."""


def changes(summary: object) -> set[str]:
    """Kinds of changes that a preview found; reading the stack's own memory is none."""
    assert isinstance(summary, dict)
    return {str(getattr(kind, "value", kind)) for kind in summary} - {"read"}


def context_of(cluster: Cluster) -> str:
    """The only context in an embedded cluster's kubeconfig."""
    return str(yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))["current-context"])


def _new_stack(cluster: Cluster, folder: Path) -> automation.Stack:
    toolchain = ensure(frozenset({"pulumi", "cluster"}))
    project = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text(encoding="utf-8"))
    project["main"] = str(REPOSITORY)
    project["runtime"]["options"]["virtualenv"] = str(REPOSITORY / ".venv")
    folder.mkdir(exist_ok=True)
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
    state, temporary = folder / "state", folder / "tmp"
    state.mkdir(exist_ok=True)
    temporary.mkdir(exist_ok=True)
    return automation.create_or_select_stack(
        "test",
        work_dir=str(folder),
        opts=automation.LocalWorkspaceOptions(
            # The toolchain pins the version, and asking for it costs a process.
            pulumi_command=automation.PulumiCommand(root=str(toolchain.bin.parent), skip_version_check=True),
            env_vars={
                "PATH": f"{toolchain.bin}{os.pathsep}{os.environ['PATH']}",
                "PULUMI_HOME": str(toolchain.pulumi_home),
                "PULUMI_BACKEND_URL": state.as_uri(),
                "PULUMI_CONFIG_PASSPHRASE": "test",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "TMPDIR": str(temporary),
                "TRACARDI_KUBECONFIG": str(cluster.kubeconfig),
                "TRACARDI_KUBE_CONTEXT": context_of(cluster),
            },
        ),
    )


def _is_complete(workload: JsonObject) -> bool:
    status, wanted = workload["status"], workload["spec"]["replicas"]
    counts = {status.get(key, 0) for key in ("replicas", "readyReplicas", "updatedReplicas")}
    return status.get("observedGeneration") == workload["metadata"]["generation"] and counts == {wanted}


def _allows_disruption(budget: JsonObject) -> bool:
    return bool(budget["status"].get("disruptionsAllowed"))


def _named(item: JsonObject) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"
