"""What the routes of one process share."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .elastic import Elastic
from .environment import Configuration
from .memory import Memory
from .metadata import Metadata
from .names import Context, Names


@dataclass(frozen=True)
class Server:
    """One process, with its clients."""

    configuration: Configuration
    elastic: Elastic
    memory: Memory
    metadata: Metadata

    def context(self, request: Request) -> Context:
        """PRODUCTION=yes decides for every request; else the request does."""
        if self.configuration.production or request.headers.get("x-context") == "production":
            return "production"
        return "staging"

    def names(self, request: Request) -> Names:
        """The names of a request's context."""
        return Names(self.configuration, self.context(request))


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """An answer with a status other than 200."""

    def __init__(self, status: int, detail: object, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.response = JSONResponse({"detail": detail}, status, headers)


def answer(content: object) -> Response:
    """An answer with status 200."""
    return JSONResponse(content)


def invalid(place: str, problem: str = "field required") -> Refusal:
    """As FastAPI refuses what does not fit a schema; it says where, and repeats no value."""
    kind = "value_error.missing" if problem == "field required" else "value_error"
    return Refusal(422, [{"loc": ["body", *place.split()], "msg": problem, "type": kind}])


async def json_object(request: Request, *required: str) -> dict[str, Any]:
    """The body.

    Raises:
        Refusal: it is not a JSON object, or lacks something.
    """
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise invalid("", "value is not a valid dict")
    try:
        body = await request.json()
    except ValueError as error:
        raise invalid("", "Expecting value") from error
    if not isinstance(body, dict):
        raise invalid("", "value is not a valid dict")
    for name in required:
        if body.get(name) is None:
            raise invalid(name)
    return body
