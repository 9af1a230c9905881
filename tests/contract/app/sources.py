"""Event sources (section 7 of the behaviour table)."""

from starlette.requests import Request
from starlette.responses import Response

from .server import Refusal, Server, answer, invalid, json_object


class Sources:
    """The routes of the console."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def save(self, request: Request) -> Response:
        """POST /event-source: new or changed. Whether the bridge exists is not looked at."""
        body = await json_object(request, "id", "name", "type", "bridge")
        if not isinstance(body["bridge"], dict) or not body["bridge"].get("id"):
            raise invalid("bridge id")
        source = {"enabled": True, "transitional": False, "tags": [], "groups": [], **body}
        await self._server.metadata.save_source(self._server.context(request), source)
        if self._server.configuration.mysql:
            return answer(source["id"])
        return answer({"saved": 1, "errors": [], "ids": [source["id"]]})

    async def read(self, request: Request) -> Response:
        """GET /event-source/{id}."""
        source = await self._server.metadata.source(self._server.context(request), request.path_params["id"])
        if source is None:
            raise Refusal(404, "Missing event source")
        return answer(source)

    async def list(self, request: Request) -> Response:
        """GET /event-sources."""
        sources = await self._server.metadata.sources(self._server.context(request))
        return answer({"total": len(sources), "result": sources})

    async def delete(self, request: Request) -> Response:
        """DELETE /event-source/{id}."""
        deleted = await self._server.metadata.delete_source(self._server.context(request), request.path_params["id"])
        if not deleted:
            raise Refusal(404, "Missing event source")
        return answer(content=True)
