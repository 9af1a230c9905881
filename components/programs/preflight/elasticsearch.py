"""Elasticsearch over HTTPS: each of its addresses, and what its user may do."""

import base64
import http.client
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from .connections import End, broken, connect, secured
from .report import Failed, Finding, quoted
from .store import Store

_LONGEST = 1 << 20
_CLUSTER = ("monitor", "manage_index_templates")
_INDICES = ("manage", "read", "write")
_PATTERN = "*tracardi*"
_STARTING = {408, 425, 429, 502, 503, 504}
_NO_SECURITY = {400, 404, 405, 500, 501}
"""How a cluster without security answers a question about privileges, by its version and licence."""
_GRANT = f"Give its user a role with the cluster privileges {', '.join(_CLUSTER)} and all on {_PATTERN}."
_ANOTHER = "Name an Elasticsearch of Elastic's default distribution."


@dataclass(frozen=True)
class Access:
    """How API pods get in."""

    urls: tuple[str, ...]
    authority: str | None
    username: str
    password: str = field(repr=False)

    @property
    def token(self) -> str:
        """User and password as HTTP carries them."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

    @property
    def data(self) -> dict[str, Any]:
        """The JSON object in the body; empty without one."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def reason(self) -> str:
        """What Elasticsearch says about a failure."""
        error = self.data.get("error")
        told = error.get("reason") if isinstance(error, dict) else error
        return f"{self.status}" + (f", {quoted(told)}" if isinstance(told, str) else "")


def check(store: Store, access: Access) -> Iterator[Finding]:
    """Everything about Elasticsearch that would keep Tracardi from working."""
    clusters: dict[str, str] = {}
    for url in access.urls:
        node = _Node(store, access, url)
        try:
            yield from node.findings(clusters)
        except Failed as failed:
            # The others may have other faults.
            yield failed.finding
    if len(clusters) > 1:
        came = f"{' and '.join(clusters.values())} belong to different clusters"
        yield Finding(store.place, "comparing its addresses", came, "Name addresses of one cluster.")


class _Node:
    """One address."""

    def __init__(self, store: Store, access: Access, url: str) -> None:
        self._store, self._access, self._url = store, access, url
        parts = urlsplit(url)
        self._end = End(parts.hostname or "", parts.port or 443)

    def findings(self, clusters: dict[str, str]) -> Iterator[Finding]:
        root = self._root()
        version = root.get("version")
        version = version if isinstance(version, dict) else {}
        if version.get("distribution") or version.get("build_flavor") == "oss" or "number" not in version:
            what = version.get("distribution") or version.get("build_flavor") or "something else"
            came = f"it is {what} {version.get('number', '')}".strip()
            raise Failed(Finding(self._store.place, f"asking {self._url} what it is", came, _ANOTHER))
        if unfit := self._store.judged(str(version["number"]), "Elasticsearch"):
            yield unfit
        known = bool(clusters)
        clusters.setdefault(str(root.get("cluster_uuid")), self._url)
        if not known:
            # The rest is the cluster's, and not the node's.
            yield from self._unhealthy()
            yield from self._forbidden()

    def _root(self) -> dict[str, Any]:
        tried, answer = f"GET {self._url}/", self._ask("GET", "/")
        if answer.status == HTTPStatus.OK:
            return answer.data
        came = f"answered {answer.reason}"
        if answer.status == HTTPStatus.UNAUTHORIZED:
            remedy = f"Give the password of the user {self._access.username}, or its name as external.username."
            raise Failed(Finding(self._store.credential, f"logging in to {self._url}", came, remedy))
        if answer.status == HTTPStatus.FORBIDDEN:
            raise Failed(Finding(self._user, tried, came, _GRANT))
        starting = answer.status in _STARTING
        raise Failed(Finding(self._store.place, tried, came, _ANOTHER, passing=starting))

    @property
    def _user(self) -> str:
        return f"{self._store.section}.username"

    def _unhealthy(self) -> Iterator[Finding]:
        answer = self._ask("GET", "/_cluster/health?timeout=1s")
        tried = f"asking {self._url} for the cluster's health"
        if answer.status == HTTPStatus.FORBIDDEN:
            # What its user lacks is told by the next question.
            return
        if answer.data.get("status") not in {"green", "yellow"}:
            came = f"{answer.data.get('status') or 'answered ' + answer.reason}"
            yield Finding(self._store.place, tried, came, "Bring all primary shards back.", passing=True)

    def _forbidden(self) -> Iterator[Finding]:
        wanted = {"cluster": _CLUSTER, "index": [{"names": [_PATTERN], "privileges": _INDICES}]}
        answer = self._ask("POST", "/_security/user/_has_privileges", wanted)
        if answer.status in _NO_SECURITY:
            yield from self._tried()
            return
        tried = f"asking {self._url} what {self._access.username} may do"
        if answer.status != HTTPStatus.OK:
            starting = answer.status in _STARTING
            yield Finding(self._user, tried, f"answered {answer.reason}", _GRANT, passing=starting)
            return
        found = answer.data
        missing = [name for name in _CLUSTER if not _granted(found.get("cluster"), name)]
        index = found.get("index")
        on_indices = index.get(_PATTERN) if isinstance(index, dict) else None
        missing += [f"{name} on {_PATTERN}" for name in _INDICES if not _granted(on_indices, name)]
        if missing:
            yield Finding(self._user, tried, f"it lacks {', '.join(missing)}", _GRANT)

    def _tried(self) -> Iterator[Finding]:
        """What fails of what Tracardi does, with an index and a template that are removed again."""
        name = f"tracardi-preflight-{secrets.token_hex(4)}"
        index = {
            # A field type that only Elastic's own distribution has.
            "mappings": {"properties": {"checked": {"type": "flattened"}}},
            "settings": {"number_of_shards": 1, "number_of_replicas": 0},
        }
        # It fits no index, so that it shapes none.
        template = {"index_patterns": [f"{name}-template-*"], "template": {}}
        steps: tuple[tuple[str, str, object], ...] = (
            ("PUT", f"/{name}", index),
            ("POST", f"/{name}/_doc?refresh=true", {"checked": {"by": "preflight"}}),
            ("GET", f"/{name}/_search", None),
            ("DELETE", f"/{name}", None),
            ("PUT", f"/_index_template/{name}", template),
            ("DELETE", f"/_index_template/{name}", None),
        )
        lost: set[str] = set()
        for method, path, body in steps:
            if any(path.startswith(each) for each in lost):
                continue
            answer = self._ask(method, path, body)
            if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
                starting = answer.status in _STARTING
                came = f"answered {answer.reason}"
                yield Finding(self._store.place, f"{method} {self._url}{path}", came, _GRANT, passing=starting)
                if method == "PUT":
                    # Nothing was made, so nothing is left to be used or removed.
                    lost.add(path)

    def _ask(self, method: str, path: str, body: object = None) -> Answer:
        """An answer on a connection of its own, as a later one may reach another node. Raises Failed."""
        access, store = self._access, self._store
        connection = http.client.HTTPConnection(self._end.host, self._end.port, timeout=store.timeout)
        connection.sock = secured(store, self._end, connect(store, self._end), access.authority)
        headers: Mapping[str, str] = {
            "Authorization": f"Basic {access.token}",
            "Content-Type": "application/json",
            "Connection": "close",
        }
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read(_LONGEST))
        except (OSError, http.client.HTTPException) as problem:
            raise broken(store, f"{method} {self._url}{path}", problem) from None
        finally:
            connection.close()


def _granted(told: object, name: str) -> bool:
    return isinstance(told, dict) and told.get(name) is True
