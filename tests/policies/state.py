"""A stack as it was recorded, to be changed by a test, and what the policy SDK makes of it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from google.protobuf import json_format, struct_pb2  # type: ignore[import-untyped]  # comes without types
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import PolicyProviderResource, PolicyResource, PolicyResourceOptions
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY, deserialize_properties
from pulumi_policy.policy import PolicyCustomTimeouts
from pulumi_policy.proxy import unknown_checking_proxy

from tests.unit.engine import JsonObject, Recording, Registered

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine sends in place of a string that it does not know yet."""
UNDECRYPTED = "[secret]"
"""What the engine sends in place of a secret that it cannot decrypt."""


@dataclass
class State:
    """The resources of a stack. Every test gets a copy of its own."""

    resources: list[Registered]

    @classmethod
    def of(cls, recording: Recording) -> "State":
        """A copy of what was recorded."""
        return cls([replace(resource, inputs=_copied(resource.inputs)) for resource in recording.registered])

    def _found(self, kind: str, name: str, namespace: str | None = None) -> Registered:
        found = [
            resource
            for resource in self.resources
            if resource.token.endswith(f":{kind}")
            and name in {resource.name, resource.inputs.get("metadata", {}).get("name")}
            and namespace in {None, resource.inputs.get("metadata", {}).get("namespace")}
        ]
        if len(found) != 1:
            raise LookupError(f"{len(found)} resources of kind {kind} are called {name}")
        return found[0]

    def inputs(self, kind: str, name: str, namespace: str | None = None) -> JsonObject:
        """The properties of the one resource of `kind` that is called `name`."""
        return self._found(kind, name, namespace).inputs

    def spec(self, kind: str, name: str, namespace: str | None = None) -> JsonObject:
        """The specification of a Kubernetes object."""
        spec: JsonObject = self.inputs(kind, name, namespace)["spec"]
        return spec

    def pod(self, name: str) -> JsonObject:
        """The pod specification of the one workload that is called `name`."""
        pod: JsonObject = self.template(name)["spec"]
        return pod

    def template(self, name: str) -> JsonObject:
        """The pod template of the one workload that is called `name`."""
        kinds = ("Deployment", "StatefulSet", "Job", "CronJob")
        found = [resource for kind in kinds for resource in self.of_kind(kind) if resource.object_name.startswith(name)]
        exact = [resource for resource in found if resource.object_name == name] or found
        spec: JsonObject = exact[0].inputs["spec"]
        template: JsonObject = spec["jobTemplate"]["spec"]["template"] if "jobTemplate" in spec else spec["template"]
        return template

    def container(self, name: str) -> JsonObject:
        """The first container of the workload that is called `name`."""
        container: JsonObject = self.pod(name)["containers"][0]
        return container

    def sidecar(self, workload: str, name: str) -> JsonObject:
        """The container `name` that starts before the others of a workload and runs beside them."""
        containers: list[JsonObject] = self.pod(workload)["initContainers"]
        return next(container for container in containers if container["name"] == name)

    def set_variable(self, workload: str, name: str, **source: object) -> None:
        """Append a variable to the environment of a workload's first container; the last one of a name wins."""
        self.container(workload).setdefault("env", []).append({"name": name, **source})

    def drop_variable(self, workload: str, name: str) -> None:
        """Remove a variable from the environment of a workload's first container."""
        container = self.container(workload)
        kept = [entry for entry in container["env"] if entry["name"] != name]
        if len(kept) == len(container["env"]):
            raise LookupError(f"{workload} has no variable {name}")
        container["env"] = kept

    def edit(self, config_map: str, old: str, new: str, key: str = "haproxy.cfg", namespace: str | None = None) -> None:
        """Replace `old` by `new` in a file of a ConfigMap."""
        data = self.inputs("ConfigMap", config_map, namespace)["data"]
        if old not in data[key]:
            raise LookupError(f"{config_map} has no {old!r} in {key}")
        data[key] = data[key].replace(old, new)

    def of_kind(self, kind: str) -> Iterator[Registered]:
        """The resources of `kind`."""
        return (resource for resource in self.resources if resource.token.endswith(f":{kind}"))

    def remove(self, kind: str, name: str, namespace: str | None = None) -> None:
        """Take a resource out of the stack."""
        self.resources.remove(self._found(kind, name, namespace))

    def add(self, token: str, inputs: JsonObject) -> None:
        """Put a resource into the stack."""
        name = inputs["metadata"]["name"]
        like = self.resources[0]
        urn = f"urn:pulumi:stack::project::{token}::{name}"
        if any(resource.urn == urn for resource in self.resources):
            urn += f"-{len(self.resources)}"
        self.resources.append(
            replace(
                like,
                urn=urn,
                token=token,
                name=name,
                inputs=inputs,
                secret_inputs=frozenset(),
                property_dependencies={},
                custom=True,
            )
        )

    def duplicate(self, kind: str, name: str, copy: str) -> JsonObject:
        """Put a copy of a Kubernetes object beside it; the copy's properties."""
        original = self._found(kind, name)
        inputs = _copied(original.inputs)
        inputs["metadata"]["name"] = copy
        self.add(original.token, inputs)
        return inputs

    def hide_secrets(self, placeholder: str) -> None:
        """Show `placeholder` in place of everything that the engine encrypts."""
        for resource in self.resources:
            resource.inputs.update(dict.fromkeys(resource.secret_inputs, placeholder))

    def messages(self) -> Iterable[analyzer_pb2.AnalyzerResource]:
        """The resources as the engine sends them to the pack."""
        return (
            analyzer_pb2.AnalyzerResource(
                type=resource.token,
                urn=resource.urn,
                name=resource.name,
                properties=_sent(resource.inputs, resource.secret_inputs),
                parent=resource.parent,
                provider=_provider(resource),
                propertyDependencies={
                    key: analyzer_pb2.AnalyzerPropertyDependencies(urns=sorted(urns))
                    for key, urns in resource.property_dependencies.items()
                },
            )
            for resource in self.resources
        )

    def analysed(self) -> list[PolicyResource]:
        """The resources as the SDK hands them to a policy."""
        found = {resource.urn: _analysed(resource) for resource in self.resources}
        for resource in self.resources:
            found[resource.urn].property_dependencies.update(
                {
                    key: [found[urn] for urn in sorted(urns) if urn in found]
                    for key, urns in resource.property_dependencies.items()
                }
            )
        return list(found.values())


Change = Callable[[State], None]


def _copied(inputs: JsonObject) -> JsonObject:
    # Several times quicker than deepcopy, and what the engine knows is JSON.
    copy: JsonObject = json.loads(json.dumps(inputs))
    return copy


def _sent(inputs: JsonObject, secrets: frozenset[str]) -> struct_pb2.Struct:
    """Properties as the engine sends them."""
    properties = struct_pb2.Struct()
    wrapped = {
        key: {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": value} if key in secrets else value
        for key, value in inputs.items()
    }
    json_format.ParseDict(wrapped, properties)
    return properties


def _provider(resource: Registered) -> analyzer_pb2.AnalyzerProviderResource | None:
    """What makes the resource; None for a component."""
    if not resource.custom:
        return None
    kind = f"pulumi:providers:{resource.token.partition(':')[0]}"
    return analyzer_pb2.AnalyzerProviderResource(type=kind, name="default", urn=f"urn:pulumi:s::p::{kind}::default")


@cache  # most resources are the same in every test
def _shown(inputs: str, secrets: frozenset[str]) -> Mapping[str, object]:
    """Properties as the SDK makes them from what the engine sends."""
    plain = deserialize_properties(json_format.MessageToDict(_sent(json.loads(inputs), secrets)))
    shown: Mapping[str, object] = unknown_checking_proxy(plain)
    return shown


def _analysed(resource: Registered) -> PolicyResource:
    """A resource as the SDK makes it from what the engine sends."""
    options = PolicyResourceOptions(
        protect=False,
        ignore_changes=[],
        delete_before_replace=None,
        aliases=[],
        custom_timeouts=PolicyCustomTimeouts(0, 0, 0),
        additional_secret_outputs=[],
        parent=None,
    )
    made_by = _provider(resource)
    provider = PolicyProviderResource(made_by.type, {}, made_by.urn, made_by.name) if made_by else None
    shown = _shown(json.dumps(resource.inputs), resource.secret_inputs)
    return PolicyResource(resource.token, shown, resource.urn, resource.name, options, provider, None, [], {})
