"""Cluster: what the program's objects lead to, as processes and addresses."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path

from model.roles import Role
from tests.dataplane.cluster.objects import Objects
from tests.dataplane.cluster.pods import Pod, PodArgs
from tests.dataplane.cluster.publishing import PublishedService, Publisher, Resolver
from tests.dataplane.cluster.workloads import Workload
from tests.dataplane.sandbox import World
from tests.unit.engine import JsonObject

PODS = ("10.244.0.0/16", "fd00:10:244::/64")
_SERVICES = ip_network("10.96.0.0/16"), ip_network("fd00:10:96::/64")
_BALANCED = ip_network("198.51.100.0/24"), ip_network("2001:db8:2::/64")
"""Addresses of Services of type LoadBalancer."""
_SINGLE_STACK = "SingleStack"


class Cluster:
    """Runs `objects` in `world`, one Deployment after the other as tests ask for them.

    `dns_seconds` is how late DNS learns that a pod has become ready or has left, `service_seconds` how late the router
    does.
    """

    def __init__(
        self,
        world: World,
        objects: Objects,
        folder: Path,
        *,
        dns_seconds: float = 1.0,
        service_seconds: float = 1.0,
    ) -> None:
        self.world = world
        self.objects = objects
        self.workloads: dict[Role, Workload] = {}
        self._folder = folder
        self._pods = world.network("pods", *PODS)
        self._addresses = dict(self._own_addresses())
        self._resolver = Resolver(world.place("dns", self._pods), folder / "dns")
        self.publisher = Publisher(self._services, self._resolver, (dns_seconds, service_seconds))

    def run(self, role: Role, replicas: int | None = None, environment: Mapping[str, str] | None = None) -> Workload:
        """Start the Deployment of `role`, and wait until its pods are ready.

        It has `replicas` pods, or as many as the program says; `environment` is for the stand-ins in them.
        """
        manifest = self._deployment(role)
        workload = self.workloads[role] = Workload(self, manifest, environment or {})
        workload.scale(manifest["spec"]["replicas"] if replicas is None else replicas)
        return workload

    def entry(self, role: Role, version: int = 4) -> str:
        """Address of the entry that leads to the balancer `role`.

        Raises:
            LookupError: the entry has none of that version.
        """
        addresses = next(found for key, found in self._addresses.items() if key[1] == f"{role}-entry")
        for address in addresses:
            if ip_network(address).version == version:
                return address
        raise LookupError(f"{role} has no entry for IPv{version}")

    def renew(self, namespace: str, secret: str, data: Mapping[str, bytes]) -> None:
        """Put `data` into a Secret, and into the pods that mount it; the kubelet takes a minute for that."""
        self.objects.put_secret(namespace, secret, data)
        for workload in self.workloads.values():
            for pod in workload.pods:
                pod.volumes.refresh()

    def make_pod(self, name: str, deployment: JsonObject, environment: Mapping[str, str]) -> Pod:
        """A pod of `deployment`, yet to be started."""
        folder = self._folder / name
        folder.mkdir()
        place = self.world.place(name, self._pods)
        args = PodArgs(
            name=name,
            namespace=deployment["metadata"]["namespace"],
            template=deployment["spec"]["template"],
            place=place,
            objects=self.objects,
            folder=folder,
            environment=environment,
            resolver=self._resolver.place.address,
        )
        return Pod(args)

    def pods(self) -> Iterator[Pod]:
        """Every pod that is not on its way out."""
        for workload in tuple(self.workloads.values()):
            yield from tuple(workload.pods)

    def close(self) -> None:
        """End every pod at once."""
        self.publisher.close()
        gone = [
            workload.delete(pod, hurry=True) for workload in self.workloads.values() for pod in tuple(workload.pods)
        ]
        for each in gone:
            each.wait()

    def _deployment(self, role: Role) -> JsonObject:
        return next(found for found in self.objects.of_kind("Deployment") if found["metadata"]["name"] == role.value)

    def _services(self) -> Iterator[PublishedService]:
        for service in self.objects.of_kind("Service"):
            metadata, selector = service["metadata"], service["spec"].get("selector", {})
            pods = tuple(
                pod
                for pod in self.pods()
                if pod.ready and pod.namespace == metadata["namespace"] and selector.items() <= pod.labels.items()
            )
            yield PublishedService(service, self._addresses.get((metadata["namespace"], metadata["name"]), ()), pods)

    def _own_addresses(self) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
        for number, service in enumerate(self.objects.of_kind("Service"), start=10):
            spec, metadata = service["spec"], service["metadata"]
            if spec.get("clusterIP") == "None":
                continue
            subnets = _BALANCED if spec.get("type") == "LoadBalancer" else _SERVICES
            families = subnets[:1] if spec.get("ipFamilyPolicy", _SINGLE_STACK) == _SINGLE_STACK else subnets
            yield (metadata["namespace"], metadata["name"]), tuple(str(subnet[number]) for subnet in families)
