"""Routes that are open without a login although nobody collects events with them, and all that need one."""

import json
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from .behaviour import Behaviour


async def nothing(_request: Request) -> Response:
    """An open route whose content matters to nobody here."""
    return JSONResponse("")


async def refused(_request: Request) -> Response:
    """An open route without the body that it wants."""
    return JSONResponse({"detail": [{"loc": ["body"], "msg": "field required"}]}, status_code=422)


async def missing(_request: Request) -> Response:
    """The documentation, switched off."""
    return JSONResponse({"detail": "Not Found"}, status_code=404)


class Administration:
    """What one instance lets its administrators do; every token is as good as another."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    async def install(self, request: Request) -> Response:
        """Whoever knows the installation token becomes the administrator."""
        if request.method == "GET":
            return JSONResponse({"schema_ok": True, "admin_ok": True, "form_ok": True, "warning": None})
        try:
            token = json.loads(await request.body())["token"]
        except (ValueError, LookupError, TypeError):
            return await refused(request)
        if self._behaviour.installation_token not in ("", token):
            return _denied("Installation forbidden. Invalid installation token.")
        return JSONResponse([{"created": {}, "admin": True, "plugins": {}}] * 2)

    async def log_in(self, request: Request) -> Response:
        """A token for a name and a password."""
        form = parse_qs((await request.body()).decode("latin-1"))
        if not {"username", "password"} <= form.keys():
            return await refused(request)
        token = {"access_token": "0" * 40, "token_type": "bearer", "roles": ["admin"], "preference": {}}
        return JSONResponse(token) if self._behaviour.private else _denied()

    async def protected(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Every other path: Tracardi has 272 operations that need a login."""
        response: Response
        if not Request(scope).headers.get("authorization", "").startswith("Bearer "):
            response = JSONResponse({"detail": "Not authenticated"}, status_code=401)
        else:
            response = JSONResponse({}) if self._behaviour.private else _denied()
        await response(scope, receive, send)


def _denied(detail: str = "Access forbidden") -> Response:
    return JSONResponse({"detail": detail}, status_code=403)
