"""The index of a stack that every rule reads: what is there, and what belongs together."""

from collections.abc import Mapping
from functools import cached_property

from policies.pack import proxies
from policies.pack.entries import Entry, entries
from policies.pack.haproxy.configuration import Configuration, UnreadableError
from policies.pack.images import Program
from policies.pack.resources import Raw, Resource, selects
from policies.pack.values import Value
from policies.pack.workloads import Workload, is_workload


class StackView:
    """Everything that a stack consists of. Each question is answered once."""

    def __init__(self, raw: tuple[Raw, ...]) -> None:
        self.resources = tuple(Resource(resource) for resource in raw)
        self._configurations: dict[str, Configuration | str] = {}

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
            found.setdefault(resource.namespace, {})[resource.object_name] = resource.properties["data"]
        return found

    @cached_property
    def _services(self) -> dict[tuple[str, str], Resource]:
        return {(service.namespace, service.object_name): service for service in self.of_kind("Service")}

    def service_at(self, host: str, namespace: str) -> Resource | None:
        """The Service that `host` names, seen from `namespace`: alone, with its namespace, or behind a pod's name."""
        first, second, third, *_ = (*host.split("."), "", "")
        found = self._services.get((second or namespace, first))
        return found or self._services.get((third, second))

    def selected(self, service: Resource) -> tuple[Workload, ...]:
        """Workloads whose pods `service` leads to."""
        selector = service.spec["selector"].texts
        if not selector:
            return ()
        return tuple(
            workload
            for workload in self.workloads
            if workload.namespace == service.namespace and selects(selector, workload.labels)
        )

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Every way into the stack."""
        return entries(self)

    @cached_property
    def internet_entries(self) -> tuple[Entry, ...]:
        """The entries that strangers can use."""
        return tuple(entry for entry in self.entries if entry.open_because)

    def proxy(self, workload: Workload) -> Configuration | str:
        """The configuration of the proxies in `workload`, or why it cannot be judged."""
        urn = workload.resource.urn
        if urn not in self._configurations:
            try:
                self._configurations[urn] = proxies.configuration(workload)
            except UnreadableError as problem:
                self._configurations[urn] = str(problem)
        return self._configurations[urn]

    def instances(self, workload: Workload) -> int:
        """How many pods of `workload` are certain: an autoscaler's minimum, or else the replicas."""
        for autoscaler in self.of_kind("HorizontalPodAutoscaler"):
            target = autoscaler.spec["scaleTargetRef"]
            if (autoscaler.namespace, target["kind"].text, target["name"].text) == (
                workload.namespace,
                workload.resource.kind,
                workload.resource.object_name,
            ):
                return _count(autoscaler.spec["minReplicas"])
        return _count(workload.resource.spec["replicas"])


def _count(value: Value) -> int:
    """Kubernetes' own default is one; a number that cannot be seen is certain to be none."""
    return int(value.number or 0) if value.given else 1
