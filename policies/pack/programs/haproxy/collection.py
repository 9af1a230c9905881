"""Whether what a frontend lets pass is event collection and nothing else."""

from collections.abc import Sequence
from functools import cache

from model.routes import Collection, routes
from policies.pack.programs.haproxy.conditions import Paths
from policies.pack.programs.haproxy.languages import Pattern, outside
from policies.pack.unreadable import UnreadableError

PROBES = (
    "/",
    "/install",
    "/install/plugins",
    "/user/token",
    "/user/logout",
    "/event/logs/1",
    "/node/logs/1",
    "/flow/logs/1",
    "/info/version",
    "/healthcheck",
    "/openapi.json",
    "/docs",
    "/redoc",
    "/uix/",
    "/profile/1",
    "/test",
    "//install",
    "/track/../install",
    "/track/",
    "/TRACK",
    "/track%2f..%2finstall",
    "/tracker/../install",
    "/tracker/%2e%2e/install",
    "/tracker/..%2Finstall",
    "/tracker//install",
    "/collect/../install",
    "/redirect/../install",
)
"""Paths that no collection route has. Tracardi answers the first ones without a login, whatever EXPOSE_GUI_API says;
the last ones are ways to write `/install`. They say more to people than a path that a proof comes up with."""


def beyond_collection(lists: Sequence[tuple[Paths, ...]]) -> str | None:
    """What passes all of `lists` and is no event collection; None where one of them admits collection routes only."""
    found = [_beyond(members) for members in lists]
    if not all(found):
        return None
    passing = [path for path in PROBES if all(any(paths.admit(path) for paths in members) for members in lists)]
    return next(iter(passing), found[0] if found else None)


@cache
def _beyond(members: tuple[Paths, ...]) -> str | None:
    try:
        return outside(tuple(pattern for paths in members for pattern in paths.expressions), _collection())
    except UnreadableError as problem:
        return f"more than can be told ({problem})"


@cache
def _collection() -> tuple[Pattern, ...]:
    return tuple(Pattern(f"^{route.pattern}$") for route in routes(frozenset(Collection)))
