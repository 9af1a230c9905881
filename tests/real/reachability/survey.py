"""Everybody there is in a cluster with an installation, as the API server tells it."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence

from model.networks import Network
from model.ports import Port
from model.roles import Role, Tier
from settings.root import Settings
from tests.cluster.live import JsonObject, is_leaving
from tests.dataplane.sandbox import Place
from tests.real.reachability.parties import Address, Kind, Party, pod, selects
from tests.real.reachability.probes import listening, refusals_at_once
from tests.real.reachability.visitors import STRANGERS
from tests.real.site import Installation
from tests.unit.stacks import settings_of
from tools.nodes.addresses import INTERNET, ROUTER, TRUSTED, nodes

_API_SERVER = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
_HOSTS = (10250, 10256)
"""The kubelet's port and kube-proxy's, which every node has."""
_OTHERS = (22, 2379, 2380, 5432, 6443, 8000, 8181, 8888, 9090, 9153, 9201, 10248, 10249, 10255)
"""Where nobody of an installation is to be found: remote shells, etcd, and what else lives in clusters."""


class Survey:
    """Parties and addresses at this moment, and the ports to try."""

    def __init__(self, installation: Installation) -> None:
        client, machine = installation.client, installation.machine
        self.settings = settings_of(installation.configuration)
        self._tiers = {installation.namespace(tier): tier for tier in Tier}
        found = client.items("/api/v1/pods?fieldSelector=status.phase=Running")
        running = [item for item in found if not is_leaving(item)]
        self._pods = [(item, pod(item, self._tiers)) for item in running]
        (api,) = client.get(_API_SERVER)["ports"]
        self._services = client.items("/api/v1/services")
        checks = {port for item in self._services if (port := item["spec"].get("healthCheckNodePort"))}
        node_list = [
            Party(node.name, Kind.HOST, str(node.address), frozenset({*_HOSTS, *checks}), node=node.name)
            for node in nodes(len(machine.nodes))
        ]
        control_plane = Party("control plane", Kind.HOST, str(ROUTER), frozenset({api["port"]}), node="control plane")
        named = {port for _, party in self._pods for port in party.ports}
        self.ports: Sequence[int] = sorted({*named, *map(int, Port), *checks, *_HOSTS, *_OTHERS, api["port"]})
        everywhere = frozenset(self.ports)
        self.outside: list[tuple[Party, Place]] = [
            (Party(network.name, Kind.OUTSIDE, str(network.client), everywhere), place)
            for network, place in ((INTERNET, machine.internet), (TRUSTED, machine.trusted))
        ]
        self.hosts = [(party, machine.node(party.name)) for party in node_list]
        self.pods = [(party, machine.pod(item)) for item, party in self._pods]
        self.addresses = [address for item in self._services if (address := self._address(item, control_plane))]
        self.entries = [entry for item in self._services for entry in self._entries(item)]
        self._inside = [*(party for _, party in self._pods), *node_list, control_plane]

    @contextlib.contextmanager
    def ready(self) -> Iterator[None]:
        """Somebody listens in the networks outside, and nodes tell of each refusal, for a `with` block."""
        with contextlib.ExitStack() as prepared:
            prepared.enter_context(refusals_at_once([place for _, place in self.hosts]))
            for _, place in self.outside:
                prepared.enter_context(listening(place, self.ports, int(Port.DNS)))
            yield

    @property
    def everybody(self) -> list[tuple[Party, Place]]:
        """Whoever can try."""
        return [*self.outside, *self.hosts, *self.pods]

    @property
    def targets(self) -> list[Party | Address]:
        """Everything that can be tried."""
        outside = [party for party, _ in self.outside]
        return [*self._inside, *outside, *self.addresses, *self.entries]

    @property
    def stranger(self) -> tuple[Party, Place]:
        """The pod in a namespace without any policy."""
        (found,) = [(party, place) for party, place in self.pods if party.name.startswith(f"{STRANGERS}/")]
        return found

    def of(self, *roles: Role) -> list[tuple[Party, Place]]:
        """The pods of some roles."""
        return [(party, place) for party, place in self.pods if party.role in roles]

    def in_tier(self, tier: Tier) -> list[Party | Address]:
        """The pods of a namespace, and the addresses that lead to them."""
        inside = [party for party, _ in self.pods if party.tier is tier]
        leading = [
            each for each in (*self.addresses, *self.entries) if any(party.tier is tier for party in each.behind)
        ]
        return [*inside, *leading]

    def _address(self, service: JsonObject, control_plane: Party) -> Address | None:
        metadata, spec = service["metadata"], service["spec"]
        if spec.get("clusterIP") in {None, "None", ""}:
            return None
        if metadata["name"] == "kubernetes":
            (port,) = control_plane.ports
            return Address("Service kubernetes", spec["clusterIP"], {443: port}, (control_plane,))
        ports, behind = self._behind(service)
        return Address(f"Service {metadata['name']}", spec["clusterIP"], ports, behind)

    def _entries(self, service: JsonObject) -> Iterable[Address]:
        if service["spec"]["type"] != "LoadBalancer":
            return
        ports, behind = self._behind(service)
        for ingress in service["status"]["loadBalancer"]["ingress"]:
            admitted = _admitted(self.settings, behind)
            yield Address(f"entry {service['metadata']['name']}", ingress["ip"], ports, behind, admitted, public=True)

    def _behind(self, service: JsonObject) -> tuple[dict[int, int], tuple[Party, ...]]:
        behind = tuple(party for item, party in self._pods if selects(service, item))
        ports = {
            port["port"]: _number(port, item)
            for port in service["spec"]["ports"]
            for item, _ in self._pods
            if selects(service, item)
        }
        return ports, behind


def _number(port: JsonObject, item: JsonObject) -> int:
    """The port of a pod that a Service's port leads to, by number or by name."""
    wanted = port.get("targetPort", port["port"])
    if isinstance(wanted, int):
        return wanted
    return next(
        int(each["containerPort"])
        for container in item["spec"]["containers"]
        for each in container.get("ports", ())
        if each.get("name") == wanted
    )


def _admitted(settings: Settings, behind: Sequence[Party]) -> tuple[Network, ...] | None:
    """Whom an entry is for, by what it leads to."""
    return None if {party.role for party in behind} == {Role.TRACK_BALANCER} else tuple(settings.network.trusted)
