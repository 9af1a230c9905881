"""What the console asks about events, and open routes that only ask Elasticsearch."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .names import CONSENT_TYPE, EVENT, LOG, Kind
from .server import Refusal, Server, answer, invalid, json_object

_CONDITION = re.compile(r'\s*([\w.@-]+)\s*=\s*"([^"]*)"\s*')
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000, "year": 31536000}
_SIGNS = {"plus": 1, "minus": -1}


class Queries:
    """The routes."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def count(self, request: Request) -> Response:
        """GET /event/count."""
        alias = self._server.names(request).alias(EVENT)
        return answer(await self._server.elastic.ask("GET", f"/{alias}/_count"))

    async def select(self, request: Request) -> Response:
        """POST /event/select/range: newest first."""
        body = await json_object(request)
        conditions = [
            {"range": {"metadata.time.insert": {"gte": _moment(body, "minDate"), "lte": _moment(body, "maxDate")}}},
            *_conditions(str(body.get("where") or "")),
        ]
        query = {
            "query": {"bool": {"filter": conditions}},
            "from": int(body.get("start", 0)),
            "size": int(body.get("limit", 20)),
            "sort": [{"metadata.time.insert": "desc"}],
            "track_total_hits": True,
        }
        return answer(await self._search(request, EVENT, query))

    async def read(self, request: Request) -> Response:
        """GET /event/{id}."""
        found = await self._search(request, EVENT, {"query": {"term": {"id": request.path_params["id"]}}})
        if not found["result"]:
            raise Refusal(404, "Event does not exist.")
        return answer({"event": found["result"][0]})

    async def logs(self, request: Request) -> Response:
        """GET /event|node|flow/logs/{id}: open to everyone; nothing here writes logs."""
        return answer(await self._search(request, LOG, {"query": {"term": {"id": request.path_params["id"]}}}))

    async def consents(self, request: Request) -> Response:
        """GET /consents/type/…: open to everyone; nothing here makes consents."""
        return answer(await self._search(request, CONSENT_TYPE, {"query": {"match_all": {}}}))

    async def ask_redis(self, _: Request) -> Response:
        """GET /test/redis."""
        self._server.memory.ping()
        return answer(None)

    async def ask_elasticsearch(self, _: Request) -> Response:
        """GET /test/elasticsearch."""
        return answer(await self._server.elastic.ask("GET", "/_cluster/health"))

    async def version(self, _: Request) -> Response:
        """GET /info/version, of which nothing but the process is asked."""
        return answer(self._server.configuration.version)

    async def details(self, _: Request) -> Response:
        """GET /info/version/details, and /."""
        configuration = self._server.configuration
        indices = await self._server.elastic.ask("GET", "/_cat/indices?format=json")
        upgrades = [index["index"] for index in indices if index["index"].endswith(".tracardi-version")]
        return answer(
            {
                "version": configuration.version,
                "name": configuration.tenant,
                "production": configuration.production,
                "db_version": configuration.database_version,
                "upgrades": upgrades,
            }
        )

    async def _search(self, request: Request, kind: Kind, query: dict[str, Any]) -> dict[str, Any]:
        alias = self._server.names(request).alias(kind)
        hits = (await self._server.elastic.ask("POST", f"/{alias}/_search", query))["hits"]
        return {"total": hits["total"]["value"], "result": [hit["_source"] for hit in hits["hits"]]}


def _moment(body: dict[str, Any], name: str) -> str:
    """`delta` counts from now, or from the absolute date beside it; without either it is now."""
    said = body.get(name) or {}
    try:
        start = datetime.fromisoformat(said["absolute"]) if said.get("absolute") else datetime.now(UTC)
        if delta := said.get("delta"):
            # The sign stands in the value as well, where the console writes it.
            seconds = abs(delta["value"]) * _SECONDS[delta["entity"]] * _SIGNS[delta["type"]]
            start += timedelta(seconds=seconds)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise invalid(name, "invalid date") from error
    return start.isoformat()


def _conditions(where: str) -> list[dict[str, Any]]:
    """Of Tracardi's query language only equality, and `and`."""
    parts = re.split(r"\s+and\s+", where, flags=re.IGNORECASE) if where.strip() else []
    matches = [_CONDITION.fullmatch(part) for part in parts]
    if not all(matches):
        raise Refusal(400, f"Could not parse: {where}")
    return [{"term": {match[1]: match[2]}} for match in matches if match]
