"""Routes that collect events (section 7 of the behaviour table)."""

import json
import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .elastic import Missing
from .metadata import Record
from .names import REDIRECT, SESSION, Context
from .server import Refusal, Server, answer, invalid, json_object
from .visits import Visit
from .work import work

_BOTS = re.compile(r"bot\b|crawler|spider|slurp|googlebot|bingbot|yandex|baidu", re.IGNORECASE)
_CACHE_SECONDS = 2
"""SOURCE_CACHE_TTL: how long a process goes on with what it has read."""


class Collection:
    """The collectors of one process."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._cache: dict[tuple[Context, str], tuple[float, Record]] = {}

    async def track(self, request: Request) -> Response:
        """POST /track; PUT takes what POST takes and does nothing."""
        payload = await _payload(request)
        if request.method == "PUT" or not payload.get("events"):
            return answer(None)
        return await self._collect(request, "rest", payload["source"]["id"], payload)

    async def collect(self, request: Request) -> Response:
        """GET and POST of a webhook: the path says type and source, query or body the properties."""
        path = request.path_params
        # No body is no JSON: Tracardi fails, and so does this.
        properties = json.loads(await request.body()) if request.method == "POST" else dict(request.query_params)
        session = path.get("session") or str(uuid.uuid4())
        events = [{"type": path["type"], "properties": properties}]
        payload: dict[str, Any] = {"session": {"id": session}, "profile": None, "events": events}
        return await self._collect(request, "webhook", path["source"], payload)

    async def redirect(self, request: Request) -> Response:
        """Nothing here makes redirections, so none is known."""
        alias = self._server.names(request).alias(REDIRECT)
        query = {"query": {"term": {"id": request.path_params["id"]}}}
        await self._server.elastic.ask("POST", f"/{alias}/_search", query)
        raise Refusal(404, "Redirect URL does not exist")

    async def consent(self, request: Request) -> Response:
        """POST /customer/consent: accepted, and not kept."""
        payload = await json_object(request, "source", "session", "profile", "consents")
        await self._source(request, "rest", str(payload["source"].get("id")), payload)
        return answer(content=True)

    async def _collect(self, request: Request, bridge: str, number: str, payload: Mapping[str, Any]) -> Response:
        server = self._server
        if server.configuration.refuses_bots and _BOTS.search(request.headers.get("user-agent", "")):
            raise Refusal(401, "Traffic from bot is not allowed.")
        source = await self._source(request, bridge, number, payload)
        visit = await self._visit(request, number, payload)
        costs = server.configuration.costs
        await work(costs.new_visitor if visit.new else costs.known_visitor)
        if not source.get("transitional"):
            await server.elastic.bulk(visit.operations(server.names(request)))
            server.memory.remember(server.context(request), visit.session, visit.profile)
        return answer(
            {
                "task": str(uuid.uuid4()),
                "ux": [],
                "response": {},
                "events": [],
                "profile": {"id": visit.profile},
                "session": {"id": visit.session},
                "errors": [],
                "warnings": [],
            }
        )

    async def _source(self, request: Request, bridge: str, number: str, payload: Mapping[str, Any]) -> Record:
        if number.startswith("@"):
            # A PermissionError in Tracardi, that nobody catches.
            raise Refusal(500, "Internal event sources are not allowed via API.")
        if not self._server.configuration.checks_sources:
            return {"id": number}
        source = await self._known_source(self._server.context(request), number)
        if source is None:
            raise Refusal(
                401,
                f"Invalid event source `{number}`. Request came from IP: `{self._client(request)}` "
                f"with payload: {json.dumps(payload)}",
            )
        if not source.get("enabled", True):
            raise Refusal(401, "Event source disabled.")
        kinds = source["type"] if isinstance(source["type"], list) else [source["type"]]
        if bridge not in kinds:
            raise Refusal(401, f"Event source `{number}` is not within allowed bridge types [{bridge}].")
        return source

    async def _known_source(self, context: Context, number: str) -> Record | None:
        read, source = self._cache.get((context, number), (0.0, None))
        if source is None or time.monotonic() - read > _CACHE_SECONDS:
            source = await self._server.metadata.source(context, number)
            if source is None:
                # One that is missing is looked for again at once.
                self._cache.pop((context, number), None)
                return None
            self._cache[context, number] = time.monotonic(), source
        return source

    def _client(self, request: Request) -> str | None:
        if header := self._server.configuration.client_header:
            return request.headers.get(header)
        return request.client.host if request.client else None

    async def _visit(self, request: Request, source: str, payload: Mapping[str, Any]) -> Visit:
        context = self._server.context(request)
        session = str((payload.get("session") or {}).get("id") or uuid.uuid4())
        said = (payload.get("profile") or {}).get("id")
        known = self._server.memory.known(context, session)
        if known is None:
            known = await self._stored_profile(request, session)
        # A session keeps its profile, whatever the client says.
        profile = known or said
        new_profile = profile is None or (known is None and not self._server.memory.knows_profile(context, str(said)))
        return Visit(
            source=source,
            session=session,
            profile=str(profile or uuid.uuid4()),
            new_session=known is None,
            new_profile=new_profile,
            events=payload["events"],
            headers=dict(request.headers),
            context=payload.get("context") or {},
        )

    async def _stored_profile(self, request: Request, session: str) -> str | None:
        """Where Redis has forgotten a session, Elasticsearch has not."""
        alias = self._server.names(request).alias(SESSION)
        query = {"query": {"term": {"id": session}}, "size": 1}
        try:
            found = await self._server.elastic.ask("POST", f"/{alias}/_search", query)
        except Missing:
            return None
        hits = found["hits"]["hits"]
        return str(hits[0]["_source"]["profile"]["id"]) if hits else None


async def _payload(request: Request) -> dict[str, Any]:
    """The body of a track request.

    Raises:
        Refusal: it does not fit the schema.
    """
    payload = await json_object(request, "source")
    if not isinstance(payload["source"], dict) or not isinstance(payload["source"].get("id"), str):
        raise invalid("source id")
    for name in ("session", "profile"):
        if payload.get(name) is not None and not (isinstance(payload[name], dict) and payload[name].get("id")):
            raise invalid(f"{name} id")
    events = payload.get("events") or []
    if not isinstance(events, list):
        raise invalid("events", "value is not a valid list")
    for event in events:
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            raise invalid("events type")
        if not isinstance(event.get("properties") or {}, dict):
            raise invalid("events properties", "value is not a valid dict")
    return payload
