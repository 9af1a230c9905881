"""Pods that differ from what the program says, beside those that do not."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import httpx

from model.roles import Role
from tests.dataplane.clients.http import Client
from tests.dataplane.cluster import Pod
from tests.dataplane.cluster.workloads import until
from tests.dataplane.installation.sites import Site
from tests.dataplane.sandbox import Place
from tests.unit.engine import JsonObject

_OPEN_SECONDS = 10.0
_COMPONENT = "app.kubernetes.io/component"


def client_of(site: Site, role: Role) -> Place:
    """Where those come from who may use the balancer `role`."""
    return site.visitor if role is Role.TRACK_BALANCER else site.office


def await_entry(site: Site, role: Role, authority: str | None = None) -> None:
    """Wait until the entry of `role` leads to a balancer that knows an instance.

    Raises:
        TimeoutError: that is not so after ten seconds.
    """

    def answers() -> bool:
        address, host = site.cluster.entry(role), site.host(role)
        client = Client(client_of(site, role), address, host, authority or site.authority)
        with client, contextlib.suppress(httpx.ConnectError):
            return client.get("/").status_code != HTTPStatus.SERVICE_UNAVAILABLE
        return False

    until(answers, lambda: f"no answer from {role}", _OPEN_SECONDS)


def deployment(site: Site, role: Role) -> JsonObject:
    """What the program says of `role`, to be changed at will."""
    return next(each for each in site.objects.of_kind("Deployment") if each["metadata"]["name"] == role.value)


def with_secret(manifest: JsonObject, volume: str, data: dict[str, bytes], site: Site) -> JsonObject:
    """`manifest` with a Secret of its own in place of that in `volume`."""
    namespace, name = manifest["metadata"]["namespace"], f"{volume}-variant-{len(site.objects.of_kind('Secret'))}"
    site.objects.put_secret(namespace, name, data)
    _volume(manifest, volume)["secret"]["secretName"] = name
    return manifest


def with_text(manifest: JsonObject, volume: str, file: str, text: str, site: Site) -> JsonObject:
    """`manifest` with a ConfigMap of its own in place of that in `volume`, in which `file` is `text`."""
    namespace, source = manifest["metadata"]["namespace"], _volume(manifest, volume)["configMap"]
    config_map = site.objects.get("ConfigMap", source["name"], namespace)
    config_map["data"][file] = text
    config_map["metadata"]["name"] = f"{volume}-variant-{len(site.objects.of_kind('ConfigMap'))}"
    site.objects.put(config_map)
    source["name"] = config_map["metadata"]["name"]
    return manifest


def text_of(manifest: JsonObject, volume: str, file: str, site: Site) -> str:
    """What `file` says in the ConfigMap in `volume`."""
    source = _volume(manifest, volume)["configMap"]
    return site.objects.config_map(manifest["metadata"]["namespace"], source["name"])[file]


def unselected(manifest: JsonObject) -> JsonObject:
    """`manifest` with pods that no Service leads to."""
    manifest["spec"]["template"]["metadata"]["labels"][_COMPONENT] = "variant"
    return manifest


@contextmanager
def one_more(site: Site, role: Role, manifest: JsonObject, *, waits: bool = True) -> Iterator[Pod]:
    """A pod of `manifest` besides those of `role`, for as long as the context lasts; it is ready if this `waits`."""
    workload = site.cluster.workloads[role]
    pod = site.cluster.make_pod(f"{role}-variant-{len(workload.pods) + len(workload.left)}", manifest, {})
    workload.pods.append(pod)
    pod.start()
    try:
        if waits:
            workload.wait([pod])
        yield pod
    finally:
        workload.delete(pod, hurry=True).wait()


def _volume(manifest: JsonObject, name: str) -> JsonObject:
    volumes: list[JsonObject] = manifest["spec"]["template"]["spec"]["volumes"]
    return next(each for each in volumes if each["name"] == name)
