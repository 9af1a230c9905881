"""What a run of the program registered, as Kubernetes would hold and show it."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from copy import deepcopy

from tests.unit.engine import JsonObject, Recording, plain

_Key = tuple[str, str, str]
"""Kind, namespace and name, as messages put them together: `Kind/namespace/name`."""


class Objects:
    """The Kubernetes objects of a recording, and what others put beside them afterwards.

    Whoever is given a manifest may change it: it is a copy. `put` makes the change one that all see.
    """

    def __init__(self, recording: Recording) -> None:
        self._objects: dict[_Key, JsonObject] = {}
        for registered in recording.registered:
            if registered.token.startswith("kubernetes:"):
                manifest: JsonObject = plain(registered.inputs)
                if _key(manifest) in self._objects:
                    raise ValueError(f"the program makes {'/'.join(_key(manifest))} twice")
                self._objects[_key(manifest)] = manifest

    def get(self, kind: str, name: str, namespace: str = "") -> JsonObject:
        """The manifest of one object: apiVersion, kind, metadata and what its kind has, whole numbers as such.

        `namespace` is empty for what has none, such as a Namespace.

        Raises:
            LookupError: there is none.
        """
        key = (kind, namespace, name)
        if key not in self._objects:
            raise LookupError(f"there is no {'/'.join(key)}")
        return deepcopy(self._objects[key])

    def of_kind(self, kind: str, namespace: str | None = None) -> tuple[JsonObject, ...]:
        """The manifests of a kind, such as Deployment, in one namespace or in all, in the order of their making."""
        # Listed before it is walked, since a test may put something meanwhile, from another thread.
        return tuple(
            deepcopy(manifest)
            for (found, place, _), manifest in list(self._objects.items())
            if found == kind and namespace in (None, place)
        )

    def put(self, manifest: JsonObject) -> None:
        """Make an object, or put this one in its place."""
        self._objects[_key(manifest)] = deepcopy(manifest)

    def secret(self, namespace: str, name: str) -> dict[str, bytes]:
        """The data of a Secret, decoded.

        Raises:
            LookupError: there is none (yet, if others make it).
        """
        manifest = self.get("Secret", name, namespace)
        written = {key: text.encode() for key, text in manifest.get("stringData", {}).items()}
        return {key: b64decode(text, validate=True) for key, text in manifest.get("data", {}).items()} | written

    def put_secret(self, namespace: str, name: str, data: Mapping[str, bytes]) -> None:
        """Make a Secret with just `data`, or renew it, as others do whom the program leaves a Secret to."""
        certificate = {"tls.crt", "tls.key"} <= data.keys()
        self.put(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": namespace},
                "type": "kubernetes.io/tls" if certificate else "Opaque",
                "data": {key: b64encode(value).decode() for key, value in data.items()},
            }
        )

    def config_map(self, namespace: str, name: str) -> dict[str, str]:
        """The texts in a ConfigMap.

        Raises:
            LookupError: there is none.
        """
        return dict(self.get("ConfigMap", name, namespace)["data"])


def _key(manifest: JsonObject) -> _Key:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]
