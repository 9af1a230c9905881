"""Routes that collect events."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from .behaviour import Behaviour
from .faults import after_work, before_work
from .seen import seen
from .work import work

UNKNOWN = "unknown"
"""The only event source, and the only redirection, that does not exist."""


class Collection:
    """The collectors of one instance."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    async def track(self, request: Request) -> Response:
        """POST and PUT; PUT takes what POST takes and does nothing."""
        payload = await _payload(request)
        if payload is None:
            return JSONResponse({"detail": [{"loc": ["body"], "msg": "malformed"}]}, status_code=422)
        if request.method == "PUT" or not payload.get("events"):
            return JSONResponse(None)
        return await self._collect(request, payload["source"]["id"], payload)

    async def collect(self, request: Request) -> Response:
        """GET and POST; the path says type and source."""
        session = {"id": request.path_params.get("session")}
        payload = {"session": session, "events": [{"type": request.path_params["type"]}]}
        return await self._collect(request, request.path_params["source"], payload)

    async def redirect(self, request: Request) -> Response:
        """To another site, after an event."""
        if request.path_params["id"] == UNKNOWN:
            return JSONResponse({"detail": "Redirect URL does not exist"}, status_code=404)
        await work(self._behaviour, _ids(request, [{}]))
        return RedirectResponse("https://landing.test/", status_code=302)

    async def _collect(self, request: Request, source: str, payload: Mapping[str, Any]) -> Response:
        if source.startswith("@"):
            return JSONResponse({"detail": "Internal event sources are not allowed via API."}, status_code=500)
        if source == UNKNOWN:
            return JSONResponse({"detail": f"Invalid event source `{source}`."}, status_code=401)
        if refusal := await before_work(request):
            return refusal
        ids = _ids(request, payload["events"])
        await work(self._behaviour, ids)
        what = {"instance": self._behaviour.instance, **await seen(request)}
        return await after_work(request, JSONResponse(_answer(payload, ids, what)))


def _answer(payload: Mapping[str, Any], ids: Sequence[str], what: Mapping[str, object]) -> dict[str, object]:
    """Tracardi's, and `seen`."""
    return {
        "task": [],
        "ux": [],
        "response": {},
        "events": ids,
        "profile": payload.get("profile") or {"id": str(uuid.uuid4())},
        "session": payload.get("session") or {"id": str(uuid.uuid4())},
        "errors": [],
        "warnings": [],
        "seen": what,
    }


def _ids(request: Request, events: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the events are counted by: their own ids, else the header's, else new ones."""
    named = request.headers.get("x-event-id")
    return [str(event.get("id") or named or uuid.uuid4()) for event in events]


async def _payload(request: Request) -> dict[str, Any] | None:
    """The body, where it is JSON that names a source and, in each of its events, a type."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        payload: dict[str, Any] = json.loads(await request.body())
        source, events = payload["source"]["id"], payload.get("events") or []
        types = [event["type"] for event in events]
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return payload if all(isinstance(text, str) for text in (source, *types)) else None
