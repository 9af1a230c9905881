"""Requests on paths that Tracardi knows, and who answers them."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import httpx

from model.routes import routes
from tests.dataplane.clients.http import Client
from tests.real.site import Installation
from tests.unit.stacks import settings_of

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

OPEN = (
    *("/", "/info/version", "/info/version/details", "/healthcheck", "/install", "/install/plugins"),
    *("/consents/type/enabled", "/consents/type/by_tag", "/consents/type/ids", "/customer/consent"),
    *("/event/logs/1", "/node/logs/1", "/flow/logs/1", "/track", "/user/token", "/user/logout"),
    *("/collect/view/website", "/collect/view/website/session", "/redirect/campaign", "/redirect/campaign/session"),
    *("/tracker/", "/tracker/tracker.js", "/uix/", "/manual/en/docs/", "/openapi.json", "/docs", "/redoc"),
)
"""Every path of the 33 operations that `EXPOSE_GUI_API=no` leaves open, and the static files beside them."""

PROTECTED = (
    ("GET", "/user-account"),
    ("POST", "/user"),
    ("GET", "/users/0/10"),
    ("POST", "/event-source"),
    ("GET", "/event-source/website"),
    ("GET", "/event/count"),
    ("POST", "/event/select/range"),
    ("GET", "/test/redis"),
    ("GET", "/test/elasticsearch"),
    ("GET", "/profile/1"),
    ("DELETE", "/indices/version/0820"),
)
"""A sample of the 272 that take a login, or are closed altogether."""


@dataclass(frozen=True)
class Asked:
    """A request, the answer's status, and the instance of the API that it is from, if it is from one."""

    method: str
    path: str
    status: int
    instance: str | None


def everything() -> list[tuple[str, str]]:
    """Every method on every path that is open, and what is protected."""
    return [*((method, path) for path in OPEN for method in METHODS), *PROTECTED]


def asked(client: Client, what: Iterable[tuple[str, str]], headers: Mapping[str, str] | None = None) -> list[Asked]:
    """What becomes of requests, one after the other. Raises httpx.HTTPError where there is no answer."""
    return [_asked(client, method, path, headers) for method, path in what]


def _asked(client: Client, method: str, path: str, headers: Mapping[str, str] | None) -> Asked:
    body = b"{}" if method in {"POST", "PUT", "PATCH"} else None
    answer = client.request(method, path, headers={"Content-Type": "application/json", **(headers or {})}, content=body)
    return Asked(method, path, answer.status_code, answer.headers.get("x-instance"))


def reached(found: Sequence[Asked]) -> set[tuple[str, str]]:
    """The requests that an instance of the API has answered."""
    return {(each.method, each.path) for each in found if each.instance}


def log_in(client: Client, installation: Installation, password: str | None = None) -> httpx.Response:
    """The answer to a login: with the generated password, or another."""
    email = installation.configuration["tracardi:installation"]["adminEmail"]
    known = installation.secret("console", "installation-credentials", "admin-password")
    form = httpx.QueryParams({"username": email, "password": password or known})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return client.post("/user/token", headers=headers, content=str(form).encode())


def declared_requests(installation: Installation) -> set[tuple[str, str]]:
    """What the public entry lets pass, of everything that is tried."""
    opened = routes(frozenset(settings_of(installation.configuration).track.routes))
    return {
        (method, path)
        for method, path in everything()
        for route in opened
        if re.fullmatch(route.pattern, path) and (method in route.methods or (route.preflight and method == "OPTIONS"))
    }


def install(client: Client) -> int:
    """Status of the answer to an installation with the default of the token."""
    body = {"token": "tracardi", "name": "a", "username": "a@example.com", "password": "a", "needs_admin": True}
    return client.post("/install", content=json.dumps(body).encode()).status_code


def token(production: Installation) -> str:
    """An administrator's, from the trusted network."""
    with production.client_of("guiApi", production.machine.trusted) as client:
        return str(log_in(client, production).json()["access_token"])
