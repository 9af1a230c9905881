"""Server dry runs: what the API server says of objects, without keeping any."""

import http.client
import json
from collections.abc import Iterable, Iterator
from copy import deepcopy
from types import TracebackType
from typing import Any, Self

from tests.cluster.live import Client, JsonObject
from tests.manifests.rendering import object_id

_APPLY = "application/apply-patch+yaml"
_STRICT = "dryRun=All&fieldManager=test&fieldValidation=Strict"


class Admission:
    """The API server as a judge. It is asked over one connection, and about each object only once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._paths: dict[tuple[str, str], str] = {}
        self._judged: dict[str, list[str]] = {}

    def __enter__(self) -> Self:
        self._connection = self._client.connection()
        return self

    def __exit__(
        self, failed: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    @property
    def judged(self) -> int:
        """How many different objects were asked about."""
        return len(self._judged)

    def create(self, objects: Iterable[JsonObject]) -> None:
        """Make `objects` for real, where they are not there yet."""
        for manifest in objects:
            status, answer, _ = self._ask("POST", self._collection(manifest), manifest)
            assert status in {http.client.CREATED, http.client.CONFLICT}, answer

    def faults(self, objects: Iterable[JsonObject]) -> list[str]:
        """What the server refuses in `objects`, or warns of."""
        return [fault for manifest in objects for fault in self._once(manifest)]

    def _once(self, manifest: JsonObject) -> list[str]:
        text = json.dumps(manifest, sort_keys=True)
        if text not in self._judged:
            self._judged[text] = list(self._faults(manifest))
        return self._judged[text]

    def _faults(self, manifest: JsonObject) -> Iterator[str]:
        collection = self._collection(manifest)
        if manifest["kind"] == "Pod":
            status, answer, warning = self._ask("POST", f"{collection}?{_STRICT}", manifest)
        else:
            path = f"{collection}/{manifest['metadata']['name']}?{_STRICT}&force=true"
            status, answer, warning = self._ask("PATCH", path, manifest)
        if status not in {http.client.OK, http.client.CREATED}:
            yield f"{object_id(manifest)}: {status} {answer.get('message')}"
        if warning:
            yield f"{object_id(manifest)}: {warning}"

    def _collection(self, manifest: JsonObject) -> str:
        version, kind = manifest["apiVersion"], manifest["kind"]
        if (version, kind) not in self._paths:
            root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
            for resource in self._client.get(root)["resources"]:
                if "/" not in resource["name"]:
                    self._paths[version, resource["kind"]] = f"{root}/{{}}{resource['name']}"
        namespace = manifest["metadata"].get("namespace")
        return self._paths[version, kind].format(f"namespaces/{namespace}/" if namespace else "")

    def _ask(self, method: str, path: str, body: JsonObject) -> tuple[int, Any, str | None]:
        content = _APPLY if method == "PATCH" else "application/json"
        self._connection.request(method, path, json.dumps(body), {"Content-Type": content})
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read()), answer.getheader("Warning")


def pods_of(objects: Iterable[JsonObject]) -> Iterator[JsonObject]:
    """A bare pod of each workload: of a workload the server only warns, and refuses its pods later, unseen."""
    for manifest in objects:
        template = manifest.get("spec", {}).get("template")
        if template is None or "spec" not in template:
            continue
        metadata, specification = manifest["metadata"], deepcopy(template["spec"])
        volumes = specification.setdefault("volumes", [])
        for claim in manifest["spec"].get("volumeClaimTemplates", ()):
            volumes.append({"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": "claim-0"}})
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**template["metadata"], "name": metadata["name"], "namespace": metadata["namespace"]},
            "spec": specification,
        }
