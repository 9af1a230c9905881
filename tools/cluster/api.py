"""Reading from a cluster's API server, without a process per question."""

import http.client
import json
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tools.cluster.model import Cluster
from tools.errors import ToolError

# kwokctl writes this file itself, always in the same form.
_SERVER = re.compile(r"server: https://([0-9.]+):([0-9]+)")


@dataclass(frozen=True)
class Api:
    """The API server of a cluster, asked as its administrator."""

    host: str
    port: int
    trust: ssl.SSLContext

    @classmethod
    def of(cls, cluster: Cluster) -> "Api":
        """The API server that the cluster's records name. Raises OSError where there are none (yet)."""
        found = _SERVER.search((cluster.folder / "kubeconfig.yaml").read_text())
        if found is None:
            raise OSError(f"{cluster.folder}/kubeconfig.yaml names no server")
        pki = cluster.folder / "pki"
        trust = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        trust.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        return cls(found[1], int(found[2]), trust)

    def get(self, path: str, timeout: float = 5.0) -> tuple[int, str]:
        """Status and body of the answer to a GET. `timeout` is in seconds. Raises OSError where nobody answers."""
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=self.trust)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except http.client.HTTPException as error:
            raise OSError(f"no whole answer from {self.host}:{self.port}: {error}") from error
        finally:
            connection.close()

    def read(self, path: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """The object at that path, or None where there is none. Raises OSError on any other answer."""
        status, body = self.get(path)
        if status == http.client.NOT_FOUND:
            return None
        if status != http.client.OK:
            raise OSError(f"{path} answered {status}")
        return json.loads(body)

    def answers(self) -> bool:
        """Whether the server says that it is ready."""
        status, _ = self.get("/readyz")
        return status == http.client.OK

    def serves(self, group_version: str, kinds: frozenset[str]) -> bool:
        """Whether discovery lists all of these kinds in `group/version`."""
        listed = self.read(f"/apis/{group_version}")
        return listed is not None and kinds <= {resource["kind"] for resource in listed["resources"]}

    def ready_nodes(self, since: float = 0.0) -> int:
        """How many nodes take pods, and have said after the moment `since`, in seconds of the epoch, to be ready."""
        nodes = (self.read("/api/v1/nodes") or {"items": []})["items"]
        return sum(
            any(_is_ready(condition, since) for condition in node["status"].get("conditions", []))
            and not node["spec"].get("taints")
            for node in nodes
        )

    def ready_pods(self, selector: str, since: float) -> int:
        """How many of the pods in kube-system with these labels are ready, in containers that began after `since`."""
        listed = self.read(f"/api/v1/namespaces/kube-system/pods?labelSelector={selector}") or {"items": []}
        statuses = [pod["status"].get("containerStatuses", []) for pod in listed["items"]]
        return sum(bool(each) and all(_runs(status, since) for status in each) for each in statuses)


def _is_ready(condition: dict[str, str], since: float) -> bool:
    known = condition["type"] == "Ready" and condition["status"] == "True"
    return known and (not since or _moment(condition["lastHeartbeatTime"]) >= int(since))


def _runs(status: dict[str, Any], since: float) -> bool:
    running = status["state"].get("running")
    return status["ready"] and running is not None and _moment(running["startedAt"]) >= int(since)


def _moment(text: str) -> float:
    """A time of Kubernetes' as seconds of the epoch; it tells whole seconds."""
    return datetime.fromisoformat(text).timestamp()


def wait_until(what: str, true: Callable[[], bool], *, seconds: float) -> None:
    """Ask until the answer is yes; a server that does not answer counts as no. Raises ToolError after `seconds`."""
    deadline = time.monotonic() + seconds
    reason = ""
    while True:
        try:
            if true():
                return
        except OSError as error:
            reason = f" ({error})"
        if time.monotonic() > deadline:
            raise ToolError(f"waited {seconds:.0f} s in vain for {what}{reason}")
        time.sleep(0.05)
