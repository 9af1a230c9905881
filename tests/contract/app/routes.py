"""Every route (section 4 of the behaviour table), and what its lists in /openapi.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from .accounts import Accounts
from .collection import Collection
from .guard import Endpoint, caller, protected
from .installation import Installation
from .queries import Queries
from .server import Server, answer
from .sources import Sources

_FOLDER = Path(__file__).parent
_CRUD = ("GET", "POST", "PUT", "DELETE")
_STATIC = ("tracker", "uix", "documentation", "manual/en/docs")


@dataclass(frozen=True)
class Operation:
    """Methods of one path, and who may call them."""

    path: str
    methods: tuple[str, ...]
    endpoint: Endpoint
    roles: tuple[str, ...] = ()
    """Without any it is open to everyone, on every process."""
    listed: bool = False
    """Whether /openapi.json names it on public processes as well."""


def operations(server: Server) -> list[Operation]:
    """All that this server knows, in the order in which paths are matched."""
    return [*_open(server), *_console(server)]


def routes(server: Server) -> list[BaseRoute]:
    """The operations, static files, and documentation."""
    known = operations(server)
    pages = [Mount(f"/{folder}", StaticFiles(directory=_FOLDER / folder, html=True)) for folder in _STATIC]
    documentation = [_route(path, _page, ("GET",)) for path in ("/docs", "/redoc") if server.configuration.documented]
    schema = _route("/openapi.json", _openapi(server, known), ("GET",))
    return [*_merged(server, known), *pages, *documentation, schema]


def fallback(server: Server) -> Endpoint:
    """What is not among the routes: on public processes as if it were one of the 272 that take a login."""

    async def missing(request: Request) -> Response:
        hidden = ("/docs", "/redoc")
        if server.configuration.private or request.url.path in hidden:
            raise HTTPException(404)
        caller(server, request)
        raise AssertionError("nobody passes on a public process")

    return missing


def _open(server: Server) -> list[Operation]:
    collection, installation = Collection(server), Installation(server)
    accounts, queries = Accounts(server), Queries(server)
    return [
        Operation("/track", ("POST", "PUT"), collection.track, listed=True),
        Operation("/collect/{type}/{source}", ("GET", "POST"), collection.collect, listed=True),
        Operation("/collect/{type}/{source}/{session}", ("GET", "POST"), collection.collect, listed=True),
        Operation("/redirect/{id}", _CRUD, collection.redirect, listed=True),
        Operation("/redirect/{id}/{session}", _CRUD, collection.redirect, listed=True),
        Operation("/customer/consent", ("POST",), collection.consent, listed=True),
        *(Operation(f"/consents/type/{kind}", ("GET",), queries.consents) for kind in ("enabled", "by_tag", "ids")),
        *(Operation(f"/{kind}/logs/{{id}}", ("GET",), queries.logs) for kind in ("event", "node", "flow")),
        Operation("/healthcheck", _CRUD, _healthcheck),
        Operation("/", ("GET",), queries.details),
        Operation("/info/version", ("GET",), queries.version),
        Operation("/info/version/details", ("GET",), queries.details),
        Operation("/install", ("GET",), installation.status, listed=True),
        Operation("/install", ("POST",), installation.install, listed=True),
        Operation("/install/plugins", ("GET",), installation.plugins),
        Operation("/user/token", ("POST",), accounts.log_in),
        Operation("/user/logout", ("POST",), accounts.log_out),
    ]


def _console(server: Server) -> list[Operation]:
    accounts, sources, queries = Accounts(server), Sources(server), Queries(server)
    everyone, developers = ("admin", "developer", "marketer", "maintainer"), ("admin", "developer")
    testers = ("admin", "maintainer", "developer")
    return [
        Operation("/user-account", ("GET",), accounts.read_own, everyone),
        Operation("/user-account", ("POST",), accounts.change_own, everyone),
        Operation("/users/{start:int}/{limit:int}", ("GET",), accounts.list, ("admin",)),
        Operation("/user", ("POST",), accounts.create, ("admin",)),
        Operation("/user/{id}", ("GET",), accounts.read, ("admin",)),
        Operation("/user/{id}", ("POST",), accounts.change, ("admin",)),
        Operation("/user/{id}", ("DELETE",), accounts.delete, ("admin",)),
        Operation("/event-sources", ("GET",), sources.list, developers),
        Operation("/event-source", ("POST",), sources.save, developers),
        Operation("/event-source/{id}", ("GET",), sources.read, developers),
        Operation("/event-source/{id}", ("DELETE",), sources.delete, developers),
        Operation("/event/count", ("GET",), queries.count, everyone),
        Operation("/event/select/range", ("POST",), queries.select, everyone),
        Operation("/event/{id}", ("GET",), queries.read, everyone),
        Operation("/test/redis", ("GET",), queries.ask_redis, testers),
        Operation("/test/elasticsearch", ("GET",), queries.ask_elasticsearch, testers),
    ]


def _merged(server: Server, known: Sequence[Operation]) -> list[BaseRoute]:
    """One route for each path: its methods together decide what is a 405."""
    paths = dict.fromkeys(operation.path for operation in known)
    return [_by_method(server, path, [each for each in known if each.path == path]) for path in paths]


def _by_method(server: Server, path: str, alternatives: Sequence[Operation]) -> Route:
    endpoints = {
        method: protected(server, each.endpoint, *each.roles) if each.roles else each.endpoint
        for each in alternatives
        for method in each.methods
    }

    async def respond(request: Request) -> Response:
        return await endpoints[request.method](request)

    return _route(path, respond, tuple(endpoints))


def _route(path: str, endpoint: Endpoint, methods: Sequence[str]) -> Route:
    route = Route(path, endpoint, methods=list(methods))
    # Tracardi is made with FastAPI, whose routes do not answer HEAD just because they answer GET.
    route.methods = set(methods)
    return route


async def _healthcheck(request: Request) -> Response:
    """The body, whatever it is; no database is asked."""
    return JSONResponse((await request.body()).decode("utf-8", "replace"))


async def _page(_: Request) -> Response:
    return HTMLResponse(
        "<!doctype html><title>Tracardi's API</title><p>See <a href='/openapi.json'>the schema</a>.</p>"
    )


def _openapi(server: Server, known: Sequence[Operation]) -> Endpoint:
    """Shown whatever API_DOCS says."""
    paths: dict[str, dict[str, object]] = {}
    for operation in known:
        if operation.listed or server.configuration.private:
            for method in operation.methods:
                paths.setdefault(operation.path, {})[method.lower()] = {"responses": {"200": {"description": "OK"}}}
    information = {"title": "Tracardi Customer Data Platform Project", "version": server.configuration.version}

    async def respond(_: Request) -> Response:
        return answer({"openapi": "3.0.2", "info": information, "paths": paths})

    return respond
