"""What reached the instance, behind every proxy that it passed."""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]


def target(scope: Scope) -> bytes:
    """What the request line asks for, as it stood there."""
    raw, query = scope["raw_path"], scope["query_string"]
    return bytes(raw + b"?" + query if query else raw)


async def seen(request: Request) -> dict[str, object]:
    """The request in JSON's terms; headers in their order and with repetitions, names in lower case."""
    scope = request.scope
    return {
        "method": request.method,
        "path": request.url.path,
        "target": target(scope).decode("latin-1"),
        "query": request.url.query,
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
        # The address that the server believes: that of X-Forwarded-For where there is one, then without a port.
        "client": scope["client"],
        "scheme": scope["scheme"],
        "http_version": scope["http_version"],
        "body_bytes": len(await request.body()),
    }


def introduced(application: ASGIApp, instance: str) -> ASGIApp:
    """`application` with who answers, and what was seen, in the headers of every answer."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_headers(scope, instance)]}
            await send(message)

        await application(scope, receive, with_headers)

    return answer


def _headers(scope: Scope, instance: str) -> Headers:
    headers = [
        (b"x-instance", instance.encode()),
        (b"x-seen", scope["method"].encode() + b" " + target(scope)),
        (b"x-seen-client", str(scope["client"][0]).encode()),
    ]
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return [*headers, (b"x-seen-forwarded-for", b", ".join(forwarded))] if forwarded else headers
