"""What a request may ask to go wrong, with the header `X-Fault`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

HEADER = "x-fault"
_DROPS = 10
_DROP_SECONDS = 0.1
_FOREVER = 3600


async def before_work(request: Request) -> Response | None:
    """`500` answers so, `hang` not at all; neither stores anything."""
    match request.headers.get(HEADER):
        case "500":
            return JSONResponse({"detail": "ConnectionTimeout caused by - TimeoutError()"}, status_code=500)
        case "hang":
            await asyncio.sleep(_FOREVER)
    return None


async def after_work(request: Request, response: JSONResponse) -> Response:
    """`close` ends the connection without an answer, `slow-body` takes a second over it; both have stored."""
    match request.headers.get(HEADER):
        case "close":
            await _close(request)
        case "slow-body":
            length = {"content-length": str(len(response.body))}
            return StreamingResponse(_drops(response.body), media_type="application/json", headers=length)
    return response


async def _drops(body: bytes) -> AsyncIterator[bytes]:
    size = -(-len(body) // _DROPS)
    for start in range(0, len(body), size):
        yield body[start : start + size]
        await asyncio.sleep(_DROP_SECONDS)


async def _close(request: Request) -> None:
    # ASGI has no word for it: `receive` belongs to what uvicorn keeps of the request, its connection included.
    cycle: Any = getattr(request.receive, "__self__")  # noqa: B009 - no type declares the attribute
    cycle.transport.abort()
    await request.receive()
