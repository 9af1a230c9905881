"""A cluster that the user names, in place of one of the tests' own: its nodes are left as they are."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.cluster.live import Client
from tests.dataplane.sandbox import Place
from tests.real.site.machine import Machine
from tools.cluster import Cluster
from tools.errors import ToolError


class Here(Place):
    """Where the tests themselves run."""

    def __init__(self) -> None:
        nowhere: Any = None
        super().__init__(nowhere, "here", ())

    def _enter(self) -> None:
        """Nothing to enter."""


class NamedMachine(Machine):
    """Nodes of somebody else's: no node can be stopped, and every client connects from here."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self.nodes = tuple(node["metadata"]["name"] for node in Client(cluster).items("/api/v1/nodes"))
        self.internet = self.trusted = Here()

    def restore(self) -> None:
        """Nothing was done to its nodes."""


def adopt(context: str, work: Path) -> Cluster:
    """The cluster of a context of the user's kubeconfig, with what tests ask it by in a folder below `work`.

    Raises:
        ToolError: kubectl or the context is missing, or the context logs in otherwise than by a client certificate.
    """
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise ToolError("tests on a cluster of yours need kubectl on PATH.")
    command = [kubectl, "config", "view", "--raw", "--flatten", "--minify", f"--context={context}", "--output=json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"there is no context {context}: {done.stderr.strip()}")
    config = json.loads(done.stdout)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    found = Cluster.at("named", work)
    for folder in (found.folder / "pki", found.folder / "bin"):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        files = {
            "ca.crt": cluster["certificate-authority-data"],
            "admin.crt": user["client-certificate-data"],
            "admin.key": user["client-key-data"],
        }
    except KeyError as error:
        raise ToolError(f"context {context} logs in without a client certificate ({error}); kind's does.") from error
    for name, data in files.items():
        (found.folder / "pki" / name).write_bytes(base64.b64decode(data))
    # In the form in which it is read for clusters of the tests' own.
    (found.folder / "kubeconfig.yaml").write_text(f"server: {cluster['server']}\n", encoding="utf-8")
    found.kubeconfig.write_text(json.dumps({**config, "current-context": context}), encoding="utf-8")
    (found.folder / "bin" / "kubectl").unlink(missing_ok=True)
    (found.folder / "bin" / "kubectl").symlink_to(kubectl)
    return found
