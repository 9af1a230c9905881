"""The events that Elasticsearch holds, asked without Tracardi between."""

import base64
import http
import json
from collections import Counter

from model.credentials import Credential
from model.ports import Port
from tests.cluster.live import JsonObject, is_ready
from tests.dataplane.clients.http import Client
from tests.real.site import Installation

EVENT = "page-view"
"""The type of a load's events."""
_EVENTS = "/prod-*tracardi-event"
_MOST = 10_000
"""Elasticsearch gives no more at once."""


def stored(installation: Installation, load: str) -> Counter[str]:
    """How often each event of a load is stored, by its identity.

    Raises:
        AssertionError: Elasticsearch refuses, or there are more than can be read at once.
    """
    query = {
        "query": {"bool": {"filter": [{"term": {"type": EVENT}}, {"term": {"properties.load": load}}]}},
        "size": _MOST,
        "_source": ["properties"],
    }
    with _client(installation) as client:
        _ask(client, installation, f"{_EVENTS}/_refresh")
        hits = _ask(client, installation, f"{_EVENTS}/_search", query)["hits"]["hits"]
    assert len(hits) < _MOST, f"{load}: too many events to count"
    return Counter(str(hit["_source"]["properties"]["identity"]) for hit in hits)


def count(installation: Installation) -> int:
    """How many events of every kind are stored."""
    with _client(installation) as client:
        _ask(client, installation, f"{_EVENTS}/_refresh")
        return int(_ask(client, installation, f"{_EVENTS}/_count")["count"])


def elected_master(installation: Installation) -> str:
    """Name of the Elasticsearch pod that the others have elected."""
    with _client(installation) as client:
        state = _ask(client, installation, "/_cluster/state/master_node,nodes", method="GET")
    return str(state["nodes"][state["master_node"]]["name"])


def _client(installation: Installation) -> Client:
    """From inside a node's own pod: whatever policies say, a pod reaches itself."""
    pod = next(pod for pod in installation.pods("elasticsearch") if is_ready(pod))
    host = f"elasticsearch.{installation.namespace('data')}.svc.cluster.local"
    certificate = installation.secret("data", "elasticsearch-tls", "ca.crt")
    return Client(installation.machine.pod(pod), pod["status"]["podIP"], host, certificate, Port.ELASTICSEARCH)


def _ask(
    client: Client, installation: Installation, path: str, query: JsonObject | None = None, method: str = "POST"
) -> JsonObject:
    password = installation.secret("data", "elasticsearch-credentials", Credential.ELASTICSEARCH)
    name = base64.b64encode(f"elastic:{password}".encode()).decode()
    content = json.dumps(query).encode() if query else None
    headers = {"Authorization": f"Basic {name}", "Content-Type": "application/json"}
    answer = client.request(method, path, headers=headers, content=content)
    assert answer.status_code == http.HTTPStatus.OK, answer.text
    found: JsonObject = answer.json()
    return found
