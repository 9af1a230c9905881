"""The resources of a stack as plain data, and the Kubernetes objects among them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from policies.pack.values import Plain, Value, plain

_KUBERNETES = "kubernetes"
_DEFAULT_NAMESPACE = "default"


class Analysed(Protocol):
    """A resource as the SDK hands it to a policy."""

    @property
    def urn(self) -> str: ...
    @property
    def resource_type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def props(self) -> Mapping[str, object]: ...
    @property
    def provider(self) -> object | None: ...
    @property
    def property_dependencies(self) -> "Mapping[str, Sequence[Analysed]]": ...


@dataclass(frozen=True)
class Raw:
    """A resource as the engine knows it. Equal ones lead to equal findings."""

    urn: str
    token: str
    name: str
    properties: Plain
    sources: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For each property, the URNs of the resources whose outputs went into it, whether or not its value can be seen."""
    made: bool = True
    """Whether a provider makes it; a component is only a name for what others make."""
    provider: str | None = None
    """URN of the provider that makes it: of Kubernetes objects, the cluster that they are in."""


@dataclass(frozen=True)
class Resource:
    """A resource of the stack."""

    raw: Raw

    @property
    def urn(self) -> str:
        """Identity of the resource in the stack."""
        return self.raw.urn

    @property
    def kind(self) -> str:
        """The last part of the token: for Kubernetes objects their kind."""
        return self.raw.token.rpartition(":")[2]

    @property
    def group_kind(self) -> str:
        """A Kubernetes object's API group and kind, such as apps/Deployment."""
        group = self.raw.token.split(":")[1].partition("/")[0] if self.is_kubernetes_object else ""
        return f"{group}/{self.kind}"

    @property
    def properties(self) -> Value:
        """Inputs and outputs, by their wire names."""
        return Value(self.raw.properties)

    @property
    def spec(self) -> Value:
        """A Kubernetes object's specification."""
        return self.properties["spec"]

    @property
    def object_name(self) -> str:
        """A Kubernetes object's name."""
        return self.properties.at("metadata", "name").text or self.raw.name

    @property
    def namespace(self) -> str:
        """The namespace that a Kubernetes object lives in."""
        return self.properties.at("metadata", "namespace").text or _DEFAULT_NAMESPACE

    def sources(self, *names: str) -> frozenset[str]:
        """URNs of the resources whose outputs went into the properties `names`, or into any where none is named."""
        found = self.raw.sources
        return frozenset(urn for name in names or found for urn in found.get(name, ()))

    @property
    def is_kubernetes_object(self) -> bool:
        """Whether the resource is an object in the cluster."""
        return self.raw.token.partition(":")[0] == _KUBERNETES

    @property
    def label(self) -> str:
        """What a person calls the resource."""
        if not self.is_kubernetes_object:
            return f"{self.kind} {self.raw.name}"
        place = f"{self.namespace}/" if self.properties.at("metadata", "namespace").given else ""
        return f"{self.kind} {place}{self.object_name}"


def raw_resources(analysed: Iterable[Analysed]) -> tuple[Raw, ...]:
    """What the SDK hands to a policy, as plain data."""
    return tuple(
        Raw(
            resource.urn,
            resource.resource_type,
            resource.name,
            plain(resource.props),
            {
                key: frozenset(source.urn for source in sources)
                for key, sources in resource.property_dependencies.items()
            },
            resource.provider is not None,
            getattr(resource.provider, "urn", None),
        )
        for resource in analysed
    )


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a label selector's `matchLabels` catch an object with `labels`."""
    return all(labels.get(key) == value for key, value in selector.items())
