"""Who may do what, and what failures look like."""

import logging
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .memory import told
from .metadata import Record
from .server import Refusal, Server

_LOG = logging.getLogger("tracardi")
_BEARER = {"WWW-Authenticate": "Bearer"}
Endpoint = Callable[[Request], Awaitable[Response]]


class Guard:
    """Looks at every request before its route does.

    Any Authorization header is taken apart and looked up in Redis, whatever the route: `/healthcheck` depends on Redis
    with one, and on nothing without.
    """

    def __init__(self, application: ASGIApp, server: Server, instance: str) -> None:
        self._application = application
        self._server = server
        self._instance = instance.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        # Starlette's routes ask for it before they raise what this answers.
        scope["app"] = self
        begun = False

        async def named(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": [*message.get("headers", ()), (b"x-instance", self._instance)]}
            await send(message)

        try:
            self._identify(scope)
            await self._application(scope, receive, named)
        except Exception as error:
            # Without a traceback: Tracardi turns every failure into an answer.
            _LOG.error("%s %s: %s", scope["method"], scope["path"], told(error))
            if begun:
                raise
            await JSONResponse({"detail": told(error)}, 500)(scope, receive, named)

    def _identify(self, scope: Scope) -> None:
        scope["user"] = None
        if (authorization := Headers(scope=scope).get("authorization")) is None:
            return
        _, token = authorization.split()
        scope["user"] = self._server.memory.user(token)


def protected(server: Server, endpoint: Endpoint, *roles: str) -> Endpoint:
    """A route that takes a login, and one of these roles."""

    async def guarded(request: Request) -> Response:
        user = caller(server, request)
        if not set(user["roles"]) & set(roles):
            raise Refusal(401, "Invalid authentication credentials", _BEARER)
        return await endpoint(request)

    return guarded


def caller(server: Server, request: Request) -> Record:
    """Who is logged in.

    Raises:
        Refusal: nobody is, or this process serves no console.
    """
    bearer(request)
    if not server.configuration.private:
        _LOG.warning("Unauthorized access to disabled API.")
        raise Refusal(403, "Access forbidden")
    user: Record | None = request.scope["user"]
    if user is None:
        _LOG.warning("Unauthorized access. User not available.")
        raise Refusal(401, "Invalid authentication credentials", _BEARER)
    return user


def bearer(request: Request) -> str:
    """The token of a request, whether it is known or not.

    Raises:
        Refusal: there is none.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Refusal(401, "Not authenticated", _BEARER)
    return token


async def refused(_: Request, error: Exception) -> Response:
    """The answer that a refusal stands for."""
    assert isinstance(error, Refusal)
    return error.response


async def in_json(_: Request, error: Exception) -> Response:
    """Starlette's own refusals in FastAPI's form."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
