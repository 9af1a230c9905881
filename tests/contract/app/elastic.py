"""Elasticsearch, with the words in which elasticsearch-py 7.10 reports its failures."""

import asyncio
import json
import ssl
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import cycle
from typing import Any

import httpx

from .environment import Elasticsearch

_CONNECTIONS = 25
_TRIES = 4
_WORTH_ANOTHER_TRY = frozenset({502, 503, 504})
"""As elasticsearch-py has it by default: the node, or what stands before it, is about to go."""
Document = Mapping[str, object]


class ElasticError(Exception):
    """Elasticsearch did not answer, or refused; the text is what a client of Tracardi gets to see."""


class Missing(ElasticError):  # noqa: N818 - named after what it stands for
    """The index or document does not exist (404)."""


class Exists(ElasticError):  # noqa: N818 - as above
    """The index or document is there already (400 or 409)."""


class Elastic:
    """A client. It is made at the first request: what is wrong with certificates fails requests, not the start."""

    def __init__(self, settings: Elasticsearch) -> None:
        self._settings = settings
        self._hosts = cycle(settings.hosts)

    async def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - whatever JSON says
        """What it answers.

        Raises:
            ElasticError: it does not, within the time for queries, or refuses.
        """
        text = json.dumps(body) if body is not None else None
        return await self._send(method, path, text, "application/json")

    async def bulk(self, operations: Sequence[tuple[str, str, Document]], *, refresh: bool = False) -> None:
        """Stores all of them: index, id and document of each.

        Raises:
            ElasticError: not all are stored.
        """
        lines = [
            json.dumps(line)
            for index, number, document in operations
            for line in ({"index": {"_index": index, "_id": number}}, document)
        ]
        path = "/_bulk?refresh=true" if refresh else "/_bulk"
        answer = await self._send("POST", path, "\n".join(lines) + "\n", "application/x-ndjson")
        if answer["errors"]:
            refused = [item["index"]["error"]["reason"] for item in answer["items"] if "error" in item["index"]]
            raise ElasticError(f"BulkIndexError('{len(refused)} document(s) failed to index.', {refused[0]!r})")

    async def close(self) -> None:
        """Ends connections that wait for another request."""
        if "_client" in vars(self):
            await self._client.aclose()

    async def _send(self, method: str, path: str, text: str | None, content_type: str) -> Any:  # noqa: ANN401 - JSON
        for left in reversed(range(_TRIES)):
            url = next(self._hosts)
            try:
                async with asyncio.timeout(self._settings.timeout):
                    headers = {"content-type": content_type}
                    response = await self._client.request(method, url + path, content=text, headers=headers)
            except TimeoutError as error:
                raise ElasticError("ConnectionTimeout caused by - TimeoutError()") from error
            except httpx.TransportError as error:
                if not left:
                    raise ElasticError(_disconnected(url, error)) from error
            else:
                if not (left and response.status_code in _WORTH_ANOTHER_TRY):
                    return _content(response)
        raise AssertionError("the last try returns or raises")

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        settings = self._settings
        auth = httpx.BasicAuth(settings.username, settings.password) if settings.password is not None else None
        limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        return httpx.AsyncClient(
            auth=auth,
            verify=_trust(settings),
            # Of each step; the limit of the whole is there first.
            timeout=2 * settings.timeout,
            limits=limits,
            trust_env=False,
        )


def _trust(settings: Elasticsearch) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.authority)
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _disconnected(url: str, error: httpx.TransportError) -> str:
    host = url.partition("://")[2]
    return f"ConnectionError(Cannot connect to host {host} [{error}]) caused by: {type(error).__name__}({error})"


def _content(response: httpx.Response) -> Any:  # noqa: ANN401 - whatever JSON says
    status = response.status_code
    if status < httpx.codes.BAD_REQUEST:
        return response.json() if response.content else None
    kind = _kind(response)
    match status:
        case httpx.codes.NOT_FOUND:
            raise Missing(f"NotFoundError({status}, {kind!r})")
        case httpx.codes.UNAUTHORIZED:
            raise ElasticError(f"AuthenticationException({status}, {kind!r})")
        case httpx.codes.FORBIDDEN:
            raise ElasticError(f"AuthorizationException({status}, {kind!r})")
        case httpx.codes.CONFLICT:
            raise Exists(f"ConflictError({status}, {kind!r})")
        case httpx.codes.BAD_REQUEST if kind == "resource_already_exists_exception":
            raise Exists(f"RequestError({status}, {kind!r})")
        case httpx.codes.BAD_REQUEST:
            raise ElasticError(f"RequestError({status}, {kind!r})")
    raise ElasticError(f"TransportError({status}, {kind!r})")


def _kind(response: httpx.Response) -> str:
    """The name that Elasticsearch gives to an error; a document that is not there has none."""
    try:
        return str(response.json()["error"]["type"])
    except (ValueError, LookupError, TypeError):
        return ""
