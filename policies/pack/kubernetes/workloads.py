"""What runs in the stack: workloads, their pods and containers, and the environment that a container will have."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from policies.pack.kubernetes.images import Program, program
from policies.pack.kubernetes.selectors import Labels
from policies.pack.resources import Resource
from policies.pack.unreadable import UnreadableError
from policies.pack.values import NOTHING, Value

_TEMPLATES = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
"""Where each kind that runs pods keeps the pod's metadata and specification."""

_BATCH = frozenset({"Job", "CronJob"})

_UNKNOWN_SERVERS = frozenset({Program.OTHER, Program.WORKER})

API_SWITCH = "EXPOSE_GUI_API"
"""The variable by which Tracardi's API serves its console, or does not; its default is yes."""


@dataclass(frozen=True)
class Variable:
    """An environment variable: a literal value, or a reference to a Secret, or something that cannot be seen."""

    value: str | None = None
    secret: bool = False
    optional: bool = False
    """Whether the container starts without it when the Secret is not there."""
    origin: str = ""
    """Name of the Secret."""
    key: str = ""
    """Key in the Secret."""


class Container:
    """A container of a workload's pods."""

    def __init__(self, properties: Value, config_maps: Mapping[str, Value], *, initial: bool) -> None:
        self.properties = properties
        self._config_maps = config_maps
        self.initial = initial
        """Whether it ends before the others start."""

    @property
    def sidecar(self) -> bool:
        """Whether it starts before the others and runs beside them."""
        return self.properties["restartPolicy"].text == "Always"

    @property
    def name(self) -> str:
        """Name of the container."""
        return self.properties["name"].text or "(unnamed)"

    @property
    def image(self) -> str:
        """The image reference, empty where it cannot be seen."""
        return self.properties["image"].text or ""

    @cached_property
    def program(self) -> Program:
        """What the image runs. One that serves nothing known and has Tracardi's own switch is an API in disguise."""
        known = program(self.image)
        return Program.API if known in _UNKNOWN_SERVERS and API_SWITCH in self.environment else known

    @cached_property
    def ports(self) -> dict[str, int]:
        """The ports that the container declares, by name."""
        numbers = [(entry["name"].text, entry["containerPort"].number) for entry in self.properties["ports"]]
        return {name or str(number): int(number) for name, number in numbers if number}

    @property
    def command_line(self) -> tuple[str, ...]:
        """Command and arguments, as far as they can be seen."""
        return self.properties["command"].words + self.properties["args"].words

    @property
    def seen_command_line(self) -> tuple[str, ...]:
        """Command and arguments.

        Raises:
            UnreadableError: one of them cannot be seen.
        """
        parts = [self.properties["command"], self.properties["args"]]
        if any(part.hidden for part in parts) or sum(len(list(part)) for part in parts) > len(self.command_line):
            raise UnreadableError("its command line cannot be seen")
        return self.command_line

    @cached_property
    def environment(self) -> dict[str, Variable]:
        """The variables by name, as the container will find them: later ones win, and `env` wins over `envFrom`."""
        return self._variables()

    @cached_property
    def unreadable_sources(self) -> tuple[str, ...]:
        """What `envFrom` takes variables from, and where no rule can look them up."""
        return tuple(
            name
            for source in self.properties["envFrom"]
            if not self._config_maps.get(name := source.at("configMapRef", "name").text or "a Secret", NOTHING).fields
        )

    def _variables(self) -> dict[str, Variable]:
        found: dict[str, Variable] = {}
        for source in self.properties["envFrom"]:
            prefix = source["prefix"].text or ""
            data = self._config_maps.get(source.at("configMapRef", "name").text or "", NOTHING)
            found |= {prefix + key: Variable(value.text) for key, value in data.fields.items()}
        for entry in self.properties["env"]:
            if name := entry["name"].text:
                found[name] = self._variable(entry, found)
        return found

    def _variable(self, entry: Value, before: Mapping[str, Variable]) -> Variable:
        secret = entry.at("valueFrom", "secretKeyRef")
        if secret.given:
            return Variable(
                secret=True,
                optional=secret["optional"].flag is True,
                origin=secret["name"].text or "",
                key=secret["key"].text or "",
            )
        reference = entry.at("valueFrom", "configMapKeyRef")
        if reference.given:
            data = self._config_maps.get(reference["name"].text or "", NOTHING)
            return Variable(data[reference["key"].text or ""].text)
        return _expanded(entry["value"].text, before)


_REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")


def _expanded(text: str | None, before: Mapping[str, Variable]) -> Variable:
    """A variable with the value `text`, in which Kubernetes replaces $(NAME) by a variable that stands `before` it."""
    if text is None:
        return Variable()
    named = [before[name] for name in _REFERENCE.findall(text) if name in before]
    if len(named) == 1 and _REFERENCE.fullmatch(text):
        return named[0]
    if any(variable.value is None for variable in named):
        return Variable()

    def replaced(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return before[found[1]].value or "" if found[1] in before else found[0]

    return Variable(_REFERENCE.sub(replaced, text))


class Workload:
    """A resource that runs pods. `config_maps` is the data of the ConfigMaps in its namespace, by name."""

    def __init__(self, resource: Resource, config_maps: Mapping[str, Value]) -> None:
        self.resource = resource
        self.config_maps = config_maps

    @property
    def label(self) -> str:
        """What a person calls the workload."""
        return self.resource.label

    @property
    def namespace(self) -> str:
        """The namespace that the pods live in."""
        return self.resource.namespace

    @cached_property
    def template(self) -> Value:
        """Metadata and specification of the pods."""
        return self.resource.properties.at(*_TEMPLATES[self.resource.kind])

    @property
    def pod(self) -> Value:
        """Specification of the pods."""
        return self.template["spec"]

    @property
    def labels(self) -> dict[str, str]:
        """Labels of the pods."""
        return self.template.at("metadata", "labels").texts

    @cached_property
    def known_labels(self) -> Labels:
        """Labels of the pods, and whether there could be others."""
        seen = all(
            not place.given or isinstance(place.raw, dict) for place in (self.template, self.template["metadata"])
        )
        return Labels(self.template.at("metadata", "labels"), complete=seen)

    @cached_property
    def containers(self) -> tuple[Container, ...]:
        """Every container of the pods, initial ones included."""
        return (
            *(Container(entry, self.config_maps, initial=False) for entry in self.pod["containers"]),
            *(
                # One that is restarted runs beside the others for as long as the pod does.
                Container(entry, self.config_maps, initial=entry["restartPolicy"].text != "Always")
                for entry in self.pod["initContainers"]
            ),
        )

    @property
    def serving(self) -> tuple[Container, ...]:
        """The containers that run for as long as the pod does."""
        return tuple(container for container in self.containers if not container.initial)

    def port(self, reference: Value) -> int | None:
        """The number of a port that is referred to by number or by name; None where that cannot be told."""
        if reference.number:
            return int(reference.number)
        named = {
            entry["containerPort"].number
            for container in self.serving
            for entry in container.properties["ports"]
            if reference.text and entry["name"].text == reference.text
        }
        # Of two ports with one name, nobody should have to know which one is meant.
        found = named.pop() if len(named) == 1 else None
        return int(found) if found else None

    @property
    def ends(self) -> bool:
        """Whether the pods do their work and stop."""
        return self.resource.kind in _BATCH

    def runs(self, wanted: Program) -> bool:
        """Whether the pods keep a container of `wanted` running."""
        return not self.ends and any(container.program is wanted for container in self.serving)

    @property
    def programs(self) -> frozenset[Program]:
        """Everything that the pods keep running."""
        return frozenset(container.program for container in self.serving) or frozenset({Program.OTHER})


def is_workload(resource: Resource) -> bool:
    """Whether `resource` is a Kubernetes object that runs pods."""
    return resource.is_kubernetes_object and resource.kind in _TEMPLATES
