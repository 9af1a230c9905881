"""A Redis that somebody else runs: a pod in a namespace of its own, with a password that stacks find in a Secret."""

from collections.abc import Iterator
from contextlib import contextmanager

from model.images import REDIS
from tests.cluster.live import is_ready
from tests.real.images import REGISTRY
from tests.real.site.installation import Installation
from tools.cluster.api import wait_until

PASSWORD = "Kw7_9pXz~42-of-somebody-else"  # noqa: S105 - of these tests alone
_NAMESPACE, _SECRET, _POD = "elsewhere", "cache", "cache"
_START_SECONDS = 60


@contextmanager
def redis_elsewhere(installation: Installation) -> Iterator[str]:
    """The address of a Redis that asks for `PASSWORD`."""
    installation.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}})
    container = {
        "name": "redis",
        "image": str(REDIS.from_mirror(REGISTRY)),
        "command": ["redis-server", "--requirepass", PASSWORD, "--save", ""],
    }
    place = {"name": _POD, "namespace": _NAMESPACE}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    installation.apply({"apiVersion": "v1", "kind": "Pod", "metadata": place, "spec": spec})
    path = f"/api/v1/namespaces/{_NAMESPACE}/pods/{_POD}"
    wait_until("Redis elsewhere", lambda: is_ready(installation.client.get(path)), seconds=_START_SECONDS)
    yield str(installation.client.get(path)["status"]["podIP"])
    installation.kubectl("delete", "namespace", _NAMESPACE)


def password_for(installation: Installation, password: str) -> dict[str, object]:
    """What a stack's `credentials` say of a password, once it is kept in a Secret."""
    metadata = {"name": _SECRET, "namespace": _NAMESPACE}
    kind = {"apiVersion": "v1", "kind": "Secret"}
    installation.apply({**kind, "metadata": metadata, "stringData": {"password": password}})
    return {"existingSecret": {"namespace": _NAMESPACE, "name": _SECRET, "key": "password"}}
