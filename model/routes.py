"""The HTTP routes that collect events: the only ones that the internet may reach.

`EXPOSE_GUI_API=no` leaves 33 operations of Tracardi 0.8.2.1 without a login, `/install` and the log routes among
them, so the balancer in front of the track cluster admits these routes and nothing else.
"""

from dataclasses import dataclass
from enum import StrEnum


class Collection(StrEnum):
    """A group of collection routes that a stack can open."""

    TRACK = "track"
    TRACKER = "tracker"
    COLLECT = "collect"
    REDIRECT = "redirect"
    CONSENT = "consent"


@dataclass(frozen=True)
class Route:
    """Requests that pass: one of `methods` on a path that matches `pattern` from beginning to end.

    Patterns admit no percent sign, no dot segment and no empty segment, so that no two programs can read a path that
    passes in different ways.
    """

    name: str
    methods: tuple[str, ...]
    pattern: str
    preflight: bool
    """Whether a browser on another origin asks first, with OPTIONS."""


_SEGMENT = "[A-Za-z0-9_-][A-Za-z0-9._~@-]*"

_ROUTES = {
    Collection.TRACK: (Route("track", ("POST",), "/track", preflight=True),),
    Collection.TRACKER: (Route("tracker", ("GET", "HEAD"), f"/tracker/({_SEGMENT}/)*({_SEGMENT})?", preflight=False),),
    Collection.COLLECT: (
        Route("collect", ("GET", "POST"), f"/collect/{_SEGMENT}/{_SEGMENT}(/{_SEGMENT})?", preflight=True),
    ),
    Collection.REDIRECT: (Route("redirect", ("GET",), f"/redirect/{_SEGMENT}(/{_SEGMENT})?", preflight=False),),
    Collection.CONSENT: (
        Route("consent", ("POST",), "/customer/consent", preflight=True),
        Route("consent-types", ("GET",), "/consents/type/(enabled|by_tag|ids)", preflight=True),
    ),
}


def routes(opened: frozenset[Collection]) -> tuple[Route, ...]:
    """The routes of `opened`, in a stable order; `/track` is always among them."""
    return tuple(route for group in Collection if group in opened | {Collection.TRACK} for route in _ROUTES[group])
