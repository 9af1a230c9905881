"""The public entry, as somebody on the internet sees it."""

from collections.abc import Sequence

from tests.real.reachability.requests import Asked, asked, reached
from tests.real.site import Installation


def from_the_internet(
    production: Installation, what: Sequence[tuple[str, str]], headers: dict[str, str] | None = None
) -> list[Asked]:
    """What becomes of requests at the public entry."""
    with production.client_of("track", production.machine.internet) as client:
        return asked(client, what, headers)


def passes(production: Installation, path: str) -> bool:
    """Whether each of several new connections to the public entry gets a path to an instance; False: none does."""
    found = {bool(reached(from_the_internet(production, [("GET", path)]))) for _ in range(8)}
    if len(found) > 1:
        raise ConnectionError("balancers do not agree yet")
    return found.pop()


def instances(production: Installation) -> list[set[str]]:
    """The instances that answer, as each of several new connections finds them."""
    return [
        {each.instance for each in from_the_internet(production, [("POST", "/track")] * 8) if each.instance}
        for _ in range(6)
    ]
