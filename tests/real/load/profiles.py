"""The profiles that Elasticsearch holds."""

from collections.abc import Iterable

from tests.cluster.live import JsonObject
from tests.real.load.elasticsearch import ask, connected
from tests.real.site import Installation

_PROFILES = "/prod-*tracardi-profile"


def save(installation: Installation, profiles: Iterable[JsonObject]) -> None:
    """Store profiles as APIs do."""
    with connected(installation) as client:
        (index,) = ask(client, installation, _PROFILES, method="GET")
        for profile in profiles:
            ask(client, installation, f"/{index}/_doc/{profile['id']}?refresh=true", profile, method="PUT")


def known_as(installation: Installation, identifiers: Iterable[str]) -> list[JsonObject]:
    """The profiles with any of these identifiers."""
    query = {"query": {"terms": {"ids": list(identifiers)}}}
    with connected(installation) as client:
        hits = ask(client, installation, f"{_PROFILES}/_search", query)["hits"]["hits"]
    return [hit["_source"] for hit in hits]
