"""The API server, asked several times a second over one connection."""

import http.client
import json
from collections.abc import Callable
from typing import Any

from tools.cluster.api import Api

Object = dict[str, Any]
"""An object of Kubernetes as JSON, which has no narrower type."""

_SECONDS = 5.0
_JSON = "application/json"


class Refused(OSError):  # noqa: N818 - an answer of the API server, said as it is read
    """The API server refused a request. `status` is HTTP's."""

    def __init__(self, what: str, status: int, said: str) -> None:
        super().__init__(f"{what}: the API server answered {status}: {said}")
        self.status = status


class Client:
    """Reads and changes objects. After a failure the next request looks for the server again."""

    def __init__(self, find: Callable[[], Api]) -> None:
        self._find = find
        self._connection: http.client.HTTPConnection | None = None

    def items(self, path: str) -> list[Object]:
        """The objects of a list. Raises OSError where there is no answer, `Refused` where it is no list."""
        found: list[Object] = self._request("GET", path)["items"]
        return found

    def read(self, path: str) -> Object:
        """One object. Raises as `items`."""
        return self._request("GET", path)

    def create(self, path: str, body: Object) -> None:
        """Create an object in the list at `path`; content where it exists. Raises as `items`."""
        self._change("POST", path, body, fine=http.client.CONFLICT)

    def patch(self, path: str, body: Object) -> None:
        """Merge `body` into an object; content where it is gone. Raises as `items`."""
        self._change("PATCH", path, body, fine=http.client.NOT_FOUND)

    def delete(self, path: str) -> None:
        """Delete an object; content where it is gone. Raises as `items`."""
        self._change("DELETE", path, None, fine=http.client.NOT_FOUND)

    def _change(self, method: str, path: str, body: Object | None, *, fine: int) -> None:
        try:
            self._request(method, path, body)
        except Refused as refused:
            if refused.status != fine:
                raise

    def _request(self, method: str, path: str, body: Object | None = None) -> Object:
        status, text = self._exchange(method, path, body)
        if status >= http.client.BAD_REQUEST:
            raise Refused(f"{method} {path}", status, _message(text))
        answer: Object = json.loads(text)
        return answer

    def _exchange(self, method: str, path: str, body: Object | None) -> tuple[int, str]:
        try:
            connection = self._connected()
            content = {"Content-Type": "application/merge-patch+json" if method == "PATCH" else _JSON}
            connection.request(
                method, path, json.dumps(body) if body is not None else None, {"Accept": _JSON, **content}
            )
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            self._leave()
            raise OSError(f"the API server does not answer: {error}") from error

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            api = self._find()
            self._connection = http.client.HTTPSConnection(api.host, api.port, timeout=_SECONDS, context=api.trust)
        return self._connection

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _message(text: str) -> str:
    """What a refusal says; a server that is about to start or to stop answers in plain text."""
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip()
