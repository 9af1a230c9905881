"""What a program registered, as questions that several rules ask."""

from collections.abc import Iterator
from dataclasses import dataclass

from components.context import context_of
from model.roles import Role
from settings.root import Settings
from tests.unit.engine import JsonObject, Recording, Registered

Place = tuple[str, str | None, str]
"""Kind, namespace and name of a Kubernetes object."""


@dataclass(frozen=True)
class Reference:
    """That an object uses `keys`, or all keys where there are none, of another."""

    by: str
    kind: str
    namespace: str | None
    name: str
    keys: frozenset[str] = frozenset()

    @property
    def place(self) -> Place:
        """Where the other object is."""
        return self.kind, self.namespace, self.name

    def __str__(self) -> str:
        return f"{self.by} uses {self.kind} {self.namespace}/{self.name} {sorted(self.keys) or ''}".rstrip()


def kubernetes(recording: Recording) -> Iterator[Registered]:
    """Every object of the cluster that was registered."""
    return (each for each in recording.registered if each.token.startswith("kubernetes:"))


def place(resource: Registered) -> Place:
    """Where an object is."""
    return resource.inputs["kind"], resource.namespace, resource.object_name


def title(resource: Registered) -> str:
    """What findings call an object."""
    kind, namespace, name = place(resource)
    return f"{kind} {namespace or ''}/{name}"


def labels(workload: Registered) -> dict[str, str]:
    """The labels of a workload's pods."""
    return dict(workload.template["metadata"]["labels"])


def role(workload: Registered) -> Role:
    """The role of a workload's pods."""
    return Role(labels(workload)["app.kubernetes.io/component"])


def containers(workload: Registered) -> Iterator[JsonObject]:
    """Every container of a workload's pods, those that run first and sidecars included."""
    yield from workload.pod["containers"]
    yield from workload.pod.get("initContainers", ())


def selected(recording: Recording, namespace: str | None, selector: JsonObject) -> list[Registered]:
    """The workloads whose pods have all labels of `selector`."""
    return [
        workload
        for workload in recording.workloads()
        if workload.namespace == namespace and selector.items() <= labels(workload).items()
    ]


def pod_references(workload: Registered) -> Iterator[Reference]:
    """The ConfigMaps, Secrets and the ServiceAccount that pods of `workload` cannot start without."""
    by, namespace = title(workload), workload.namespace
    yield Reference(by, "ServiceAccount", namespace, workload.pod["serviceAccountName"])
    for volume in workload.pod.get("volumes", ()):
        for kind, key, named in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")):
            if key in volume:
                items = frozenset(item["key"] for item in volume[key].get("items", ()))
                yield Reference(by, kind, namespace, volume[key][named], items)
    for container in containers(workload):
        for source in container.get("envFrom", ()):
            kind = "ConfigMap" if "configMapRef" in source else "Secret"
            yield Reference(by, kind, namespace, next(iter(source.values()))["name"])
        for variable in container.get("env", ()):
            if "valueFrom" in variable:
                (chosen,) = variable["valueFrom"].values()
                yield Reference(by, "Secret", namespace, chosen["name"], frozenset({chosen["key"]}))


def provided(settings: Settings) -> dict[Role, str]:
    """The Secrets with certificates that others keep, by the balancer that shows them."""
    secrets = settings.certificates.secrets
    if secrets is None:
        return {}
    entries = {
        Role.TRACK_BALANCER: secrets.track,
        Role.GUI_API_BALANCER: secrets.gui_api,
        Role.GUI_BALANCER: secrets.gui,
    }
    return {balancer: name for balancer, name in entries.items() if name is not None}


def available(recording: Recording, settings: Settings) -> dict[Place, frozenset[str]]:
    """Every object that others may refer to, with its keys: what is registered, and what others make."""
    context = context_of(settings)
    found = {
        place(each): frozenset(each.inputs.get("data", {})) | frozenset(each.inputs.get("stringData", {}))
        for each in kubernetes(recording)
    }
    pair = frozenset({"tls.crt", "tls.key"})
    for balancer, name in provided(settings).items():
        found["Secret", context.namespace(balancer.tier), name] = pair
    for issued in recording.of_kind("Certificate"):
        found["Secret", issued.namespace, issued.spec["secretName"]] = pair | {"ca.crt"}
    return found
