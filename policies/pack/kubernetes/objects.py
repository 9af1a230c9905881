"""The objects of a stack: what is there, and what belongs together."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.scaling import Scale, scale
from policies.pack.kubernetes.selectors import equals
from policies.pack.kubernetes.workloads import Container, Workload, is_workload
from policies.pack.programs import proxies
from policies.pack.programs.haproxy.configuration import Configuration
from policies.pack.resources import Raw, Resource
from policies.pack.unreadable import UnreadableError
from policies.pack.values import Hidden, Value


@dataclass(frozen=True)
class Proxy:
    """An HAProxy in the pods of `workload`."""

    workload: Workload
    container: Container
    configuration: Configuration | None
    problem: str | None
    """Why the configuration cannot be judged, where it is None."""

    @property
    def alone(self) -> bool:
        """Whether nothing but proxies runs in the pods."""
        return self.workload.programs == {Program.PROXY}


class Objects:
    """Everything that a stack consists of. Each question is answered once."""

    def __init__(self, raw: tuple[Raw, ...]) -> None:
        self.resources = tuple(Resource(resource) for resource in raw)

    @cached_property
    def _by_kind(self) -> dict[str, tuple[Resource, ...]]:
        kinds: dict[str, tuple[Resource, ...]] = {}
        for resource in self.resources:
            kinds[resource.kind] = (*kinds.get(resource.kind, ()), resource)
        return kinds

    def of_kind(self, kind: str) -> tuple[Resource, ...]:
        """Resources of `kind`, such as Deployment or RandomPassword."""
        return self._by_kind.get(kind, ())

    @cached_property
    def by_urn(self) -> Mapping[str, Resource]:
        """Every resource, by its identity in the stack."""
        return {resource.urn: resource for resource in self.resources}

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        """Everything that runs pods."""
        return tuple(
            Workload(resource, self.config_maps(resource.namespace))
            for resource in self.resources
            if is_workload(resource)
        )

    def running(self, program: Program) -> tuple[Workload, ...]:
        """Workloads whose pods keep `program` running."""
        return tuple(workload for workload in self.workloads if workload.runs(program))

    def config_maps(self, namespace: str) -> Mapping[str, Value]:
        """The data of the ConfigMaps of `namespace`, by name."""
        return self._config_maps.get(namespace, {})

    @cached_property
    def _config_maps(self) -> dict[str, dict[str, Value]]:
        found: dict[str, dict[str, Value]] = {}
        for resource in self.of_kind("ConfigMap"):
            found.setdefault(resource.namespace, {})[resource.object_name] = _data(resource)
        return found

    @cached_property
    def _services(self) -> dict[tuple[str, str], Resource]:
        return {(service.namespace, service.object_name): service for service in self.of_kind("Service")}

    def service_at(self, host: str, namespace: str) -> Resource | None:
        """The Service that `host` names, seen from `namespace`: alone, with its namespace, or behind a pod's name."""
        first, *rest = host.lower().removesuffix(".").split(".")
        if not rest:
            return self._services.get((namespace, first))
        if len(rest) == 1 or rest[1] == "svc":
            return self._services.get((rest[0], first))
        if len(rest) == 2 or rest[2] == "svc":  # noqa: PLR2004 - the namespace, and nothing or `svc` after it
            return self._services.get((rest[1], rest[0]))
        return None

    def service(self, name: str, namespace: str) -> Resource | None:
        """The Service `name` in `namespace`."""
        return self._services.get((namespace, name))

    def selected(self, service: Resource) -> tuple[Workload, ...]:
        """Workloads whose pods `service` leads to, or might lead to."""
        selector = service.spec["selector"]
        if not selector.fields:
            return ()
        return tuple(
            workload
            for workload in self.workloads
            if workload.namespace == service.namespace and equals(selector, workload.known_labels) is not False
        )

    @cached_property
    def _proxies(self) -> dict[str, tuple[Proxy, ...]]:
        return {
            workload.resource.urn: tuple(
                _proxy(workload, container) for container in workload.serving if container.program is Program.PROXY
            )
            for workload in self.workloads
        }

    @property
    def proxies(self) -> tuple[Proxy, ...]:
        """Every HAProxy that is kept running."""
        return tuple(proxy for found in self._proxies.values() for proxy in found if not proxy.workload.ends)

    def proxies_of(self, workload: Workload) -> tuple[Proxy, ...]:
        """The proxies in the pods of `workload`."""
        return self._proxies[workload.resource.urn]

    def scale(self, workload: Workload) -> Scale:
        """How many pods of `workload` there are."""
        return scale(workload.resource, self.of_kind("HorizontalPodAutoscaler"))

    def instances(self, workload: Workload) -> int:
        """How many pods of `workload` are certain: an autoscaler's minimum, or else the replicas."""
        return self.scale(workload).least


def _data(config_map: Resource) -> Value:
    """What a ConfigMap holds; no rule reads what it holds in binary form, which may be anything."""
    texts, binary = config_map.properties["data"], config_map.properties["binaryData"]
    if not binary.given or binary.raw == {}:
        return texts
    if not isinstance(binary.raw, dict) or not isinstance(texts.raw, dict | None):
        return Value(Hidden.UNKNOWN)
    return Value({**(texts.raw or {}), **dict.fromkeys(binary.raw, Hidden.UNKNOWN)})


def _proxy(workload: Workload, container: Container) -> Proxy:
    try:
        return Proxy(workload, container, proxies.configuration(workload, container), None)
    except UnreadableError as problem:
        return Proxy(workload, container, None, str(problem))
