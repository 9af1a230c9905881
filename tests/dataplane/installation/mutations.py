"""Changes to what the program makes, for tests that show what a part of it is good for."""

from collections.abc import Callable

from model.roles import Role
from tests.dataplane.cluster.objects import Objects
from tests.unit.engine import JsonObject


def rewrite(objects: Objects, balancer: Role, old: str, new: str, times: int = 1) -> None:
    """Replace what stands in the configuration of `balancer`'s HAProxy for so many times.

    Raises:
        ValueError: it does not: the change would not be the one that is meant.
    """

    def change(manifest: JsonObject) -> None:
        text = manifest["data"]["haproxy.cfg"]
        if text.count(old) != times:
            raise ValueError(f"{text.count(old)} times {old!r} in HAProxy's configuration")
        manifest["data"]["haproxy.cfg"] = text.replace(old, new)

    _change(objects, "ConfigMap", balancer, change)


def with_argument(objects: Objects, role: Role, old: str, new: str) -> None:
    """Start the first container of `role` with an argument in another's place.

    Raises:
        ValueError: it has none such.
    """

    def change(manifest: JsonObject) -> None:
        arguments = manifest["spec"]["template"]["spec"]["containers"][0]["args"]
        arguments[arguments.index(old)] = new

    _change(objects, "Deployment", role, change)


def _change(objects: Objects, kind: str, role: Role, change: Callable[[JsonObject], None]) -> None:
    manifest = next(found for found in objects.of_kind(kind) if found["metadata"]["name"] == role.value)
    change(manifest)
    objects.put(manifest)
