"""An installation's Elasticsearch, asked without Tracardi between."""

import base64
import json

from model.credentials import Credential
from model.ports import Port
from tests.cluster.live import JsonObject, is_ready
from tests.dataplane.clients.http import Client
from tests.real.site import Installation


def connected(installation: Installation) -> Client:
    """From inside a node's own pod: whatever policies say, a pod reaches itself."""
    pod = next(pod for pod in installation.pods("elasticsearch") if is_ready(pod))
    host = f"elasticsearch.{installation.namespace('data')}.svc.cluster.local"
    certificate = installation.secret("data", "elasticsearch-tls", "ca.crt")
    return Client(installation.machine.pod(pod), pod["status"]["podIP"], host, certificate, Port.ELASTICSEARCH)


def ask(
    client: Client, installation: Installation, path: str, query: JsonObject | None = None, method: str = "POST"
) -> JsonObject:
    """What Elasticsearch answers to its administrator.

    Raises:
        AssertionError: it refuses.
    """
    password = installation.secret("data", "elasticsearch-credentials", Credential.ELASTICSEARCH)
    name = base64.b64encode(f"elastic:{password}".encode()).decode()
    content = json.dumps(query).encode() if query else None
    headers = {"Authorization": f"Basic {name}", "Content-Type": "application/json"}
    answer = client.request(method, path, headers=headers, content=content)
    assert answer.is_success, answer.text
    found: JsonObject = answer.json()
    return found
