"""The events that Elasticsearch holds, asked without Tracardi between."""

from collections import Counter

from tests.real.load.elasticsearch import ask, connected
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
    with connected(installation) as client:
        ask(client, installation, f"{_EVENTS}/_refresh")
        hits = ask(client, installation, f"{_EVENTS}/_search", query)["hits"]["hits"]
    assert len(hits) < _MOST, f"{load}: too many events to count"
    return Counter(str(hit["_source"]["properties"]["identity"]) for hit in hits)


def count(installation: Installation) -> int:
    """How many events of every kind are stored."""
    with connected(installation) as client:
        ask(client, installation, f"{_EVENTS}/_refresh")
        return int(ask(client, installation, f"{_EVENTS}/_count")["count"])


def elected_master(installation: Installation) -> str:
    """Name of the Elasticsearch pod that the others have elected."""
    with connected(installation) as client:
        state = ask(client, installation, "/_cluster/state/master_node,nodes", method="GET")
    return str(state["nodes"][state["master_node"]]["name"])
