"""A cluster as it is at this moment: reading and changing its objects, and watching them meanwhile."""

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from tools.cluster import Cluster
from tools.cluster.api import Api, wait_until

JsonObject = dict[str, Any]

_MERGE = "application/merge-patch+json"


class RefusedError(Exception):
    """The API server's answer to a request that it did not carry out."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Client:
    """The API of a cluster, asked as its administrator."""

    def __init__(self, cluster: Cluster) -> None:
        self._server = Api.of(cluster)

    def connection(self) -> http.client.HTTPSConnection:
        """A connection of its own to the API server."""
        return http.client.HTTPSConnection(self._server.host, self._server.port, timeout=60, context=self._server.trust)

    def get(self, path: str) -> JsonObject:
        """The object, or list of objects, at `path`. Raises RefusedError."""
        return self._request("GET", path)

    def items(self, path: str) -> list[JsonObject]:
        """What the list at `path` holds. Raises RefusedError."""
        return list(self.get(path)["items"])

    def post(self, path: str, body: JsonObject) -> JsonObject:
        """What became of `body` at `path`. Raises RefusedError."""
        return self._request("POST", path, body)

    def put(self, path: str, body: JsonObject) -> JsonObject:
        """What became of `body` at `path`. Raises RefusedError."""
        return self._request("PUT", path, body)

    def merge(self, path: str, patch: JsonObject) -> JsonObject:
        """The object at `path` after a merge patch. Raises RefusedError."""
        return self._request("PATCH", path, patch, _MERGE)

    def delete(self, path: str) -> JsonObject:
        """The server's answer. Raises RefusedError."""
        return self._request("DELETE", path)

    def _request(
        self, method: str, path: str, body: JsonObject | None = None, content: str = "application/json"
    ) -> JsonObject:
        with contextlib.closing(self.connection()) as connection:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": content})
            answer = connection.getresponse()
            found: JsonObject = json.loads(answer.read())
        if answer.status >= http.client.BAD_REQUEST:
            raise RefusedError(answer.status, str(found.get("message")))
        return found


Snapshot = dict[str, JsonObject]
"""Objects by UID, as they were at one moment."""


class Watch:
    """Every state that the objects at a path were in while the `with` block ran; none is missed between two looks."""

    def __init__(self, client: Client, path: str) -> None:
        self.snapshots: list[Snapshot] = []
        """One for the beginning, and one for each change."""
        self._client = client
        self._path = path
        self._connection = client.connection()
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        listed = self._client.get(self._path)
        self.snapshots.append({item["metadata"]["uid"]: item for item in listed["items"]})
        version = listed["metadata"]["resourceVersion"]
        separator = "&" if "?" in self._path else "?"
        self._connection.timeout = 600
        self._connection.request("GET", f"{self._path}{separator}watch=true&resourceVersion={version}")
        self._answer = self._connection.getresponse()
        assert self._answer.status == http.client.OK, self._answer.read()
        self._reader.start()
        return self

    def __exit__(
        self, failed: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if failed is None:
                wait_until("the watch to have seen everything", self._is_up_to_date, seconds=30)
        finally:
            with contextlib.suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)
            self._reader.join()
            self._answer.close()
            self._connection.close()

    def fewest(self, counted: Callable[[JsonObject], bool]) -> int:
        """How many objects were `counted` at the worst moment."""
        return min(sum(map(counted, snapshot.values())) for snapshot in self.snapshots)

    def seen(self, value: Callable[[JsonObject], object]) -> set[object]:
        """Every value that any object had at any moment."""
        return {value(item) for snapshot in self.snapshots for item in snapshot.values()}

    def _read(self) -> None:
        # Shutting the connection down, from the other thread, is what ends this.
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            for line in self._answer:
                event = json.loads(line)
                found = event["object"]
                snapshot = dict(self.snapshots[-1])
                if event["type"] == "DELETED":
                    snapshot.pop(found["metadata"]["uid"], None)
                else:
                    snapshot[found["metadata"]["uid"]] = found
                self.snapshots.append(snapshot)

    def _is_up_to_date(self) -> bool:
        listed = self._client.items(self._path)
        return _versions(listed) == _versions(self.snapshots[-1].values())


def _versions(objects: Any) -> set[tuple[str, str]]:  # noqa: ANN401 - any collection of objects
    return {(item["metadata"]["uid"], item["metadata"]["resourceVersion"]) for item in objects}


def role_of(item: JsonObject) -> str:
    """The role that an object of the installation belongs to."""
    return str(item["metadata"]["labels"]["app.kubernetes.io/component"])


def is_leaving(pod: JsonObject) -> bool:
    """Whether a pod is being taken away."""
    return "deletionTimestamp" in pod["metadata"]


def is_ready(pod: JsonObject) -> bool:
    """Whether a pod takes requests."""
    return not is_leaving(pod) and condition(pod, "Ready") == "True"


def ready_of(role: str) -> Callable[[JsonObject], bool]:
    """Whether a pod is of `role` and takes requests."""
    return lambda pod: role_of(pod) == role and is_ready(pod)


def condition(item: JsonObject, kind: str) -> str | None:
    """Status of a condition of an object: True, False, Unknown, or None where it has none."""
    conditions = item["status"].get("conditions", [])
    return next((str(entry["status"]) for entry in conditions if entry["type"] == kind), None)


def worst(watch: Watch, instances: Mapping[str, int]) -> dict[str, int]:
    """How many of each role took requests at its worst moment, over a watch of the installation's pods."""
    return {role: watch.fewest(ready_of(role)) for role in instances}


def told(ready: Mapping[str, int], instances: Mapping[str, int]) -> str:
    """Such numbers in one line, each beside how many instances there are."""
    return ", ".join(f"{role} {ready[role]}/{number}" for role, number in instances.items())
