"""A well-behaved HTTP client: one host, one authority, no retries, no redirects followed."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import httpx

from tests.dataplane.clients.events import event
from tests.dataplane.clients.trust import trusting
from tests.dataplane.sandbox import Place

_SECONDS = 15.0


class Client:
    """Connects from `place` to `address`, and means `host`.

    Connections are kept and used again. With `http2`, HTTP/2 is all that is spoken. Without an authority (PEM), plain
    HTTP is.

    Methods raise httpx.HTTPError for what is not an answer: refused, reset, a certificate that is not trusted, nothing
    for `seconds`.
    """

    def __init__(
        self,
        place: Place,
        address: str,
        host: str,
        ca: str | None,
        port: int | None = None,
        *,
        http2: bool = False,
        seconds: float = _SECONDS,
    ) -> None:
        scheme = "https" if ca else "http"
        self._place = place
        self._host = host
        self._client = httpx.Client(
            base_url=f"{scheme}://{f'[{address}]' if ':' in address else address}:{port or (443 if ca else 80)}",
            headers={"Host": host},
            verify=trusting(ca),
            http1=not http2,
            http2=http2,
            timeout=seconds,
            event_hooks={"response": [_remember_origin]},
            # Neither proxies nor authorities of the machine.
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> httpx.Response:
        """The whole answer to one request."""
        request = self._client.build_request(
            method, path, headers=headers, content=content, extensions={"sni_hostname": self._host}
        )
        return self._place.call(self._client.send, request)

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer to a GET."""
        return self.request("GET", path, headers=headers)

    def post(
        self, path: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> httpx.Response:
        """The answer to a POST; a body is JSON unless `headers` say otherwise."""
        sent = {"Content-Type": "application/json", **(headers or {})} if content is not None else headers
        return self.request("POST", path, headers=sent, content=content)

    def track(self, event_id: str = "event", *, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer to one event."""
        return self.post("/track", headers=headers, content=event(event_id))


def origin(response: httpx.Response) -> tuple[str, int]:
    """Address and port that the request left from: the same for two requests on one connection."""
    address, port = response.extensions["client"][:2]
    return str(address), int(port)


def _remember_origin(response: httpx.Response) -> None:
    # Before the body: the connection may be closed after it.
    stream = response.extensions["network_stream"]
    response.extensions["client"] = stream.get_extra_info("client_addr")
