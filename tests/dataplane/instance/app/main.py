"""`application`: the routes that Tracardi 0.8.2.1 opens, with their answers, and its CORS.

https://github.com/Tracardi/tracardi-api, `app/main.py` of branch 0.8.2.1; answers as the running software gave them.
"""

import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from .administration import Administration, missing, nothing, refused
from .behaviour import Behaviour
from .collection import Collection
from .seen import introduced

_TRACKER = Path(__file__).with_name("tracker")
_CRUD = ("GET", "POST", "PUT", "DELETE")


def create(behaviour: Behaviour) -> ASGIApp:
    """The application of an instance that behaves like this."""
    administration = Administration(behaviour)
    # Any origin, method and header, as Tracardi has it: who may call is the balancer's decision, not the browser's.
    everything = {"allow_origins": ["*"], "allow_methods": ["*"], "allow_headers": ["*"], "allow_credentials": True}
    middleware = [Middleware(CORSMiddleware, **everything)]
    application = Starlette(routes=_routes(behaviour, administration), middleware=middleware)
    application.router.default = administration.protected
    return introduced(application, behaviour.instance)


def _routes(behaviour: Behaviour, administration: Administration) -> list[BaseRoute]:
    collection = Collection(behaviour)
    return [
        _route("/track", collection.track, "POST", "PUT"),
        _route("/collect/{type}/{source}", collection.collect, "GET", "POST"),
        _route("/collect/{type}/{source}/{session}", collection.collect, "GET", "POST"),
        _route("/redirect/{id}", collection.redirect, *_CRUD),
        _route("/redirect/{id}/{session}", collection.redirect, *_CRUD),
        _route("/customer/consent", refused, "POST"),
        *(_route(f"/consents/type/{kind}", nothing) for kind in ("enabled", "by_tag", "ids")),
        Mount("/tracker", StaticFiles(directory=_TRACKER, html=True)),
        _route("/healthcheck", nothing, *_CRUD),
        _route("/install", administration.install, "GET", "POST"),
        _route("/install/plugins", nothing),
        _route("/user/token", administration.log_in, "POST"),
        *(_route(path, nothing) for path in ("/", "/openapi.json", "/info/version", "/info/version/details")),
        *(_route(f"/{kind}/logs/{{id}}", nothing) for kind in ("event", "node", "flow")),
        *(_route(f"/{folder}/{{path:path}}", nothing) for folder in ("uix", "manual/en/docs")),
        *(_route(path, missing) for path in ("/docs", "/redoc")),
    ]


def _route(path: str, answer: Callable[[Request], Awaitable[Response]], *methods: str) -> Route:
    route = Route(path, answer, methods=list(methods or ("GET",)))
    # Tracardi is made with FastAPI, whose routes do not answer HEAD just because they answer GET.
    route.methods = set(methods or ("GET",))
    return route


application = create(Behaviour.read(os.environ, socket.gethostname()))
