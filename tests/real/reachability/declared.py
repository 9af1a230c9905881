"""Who may reach whom: the service graph and the settings, with what Kubernetes itself grants."""

from ipaddress import ip_address

from components.context import context_of
from components.egress import egress
from model.graph import Edge, Outside, edges, resolves_names
from model.ports import Port
from model.roles import Role, Tier
from settings.root import Settings
from tests.real.reachability.parties import Address, Kind, Party
from tests.real.reachability.probes import Outcome, Probe, Protocol

Outcomes = frozenset[Outcome]

_NODE_PORTS = range(30000, 32768)
_OPEN = frozenset({Outcome.OPEN})
_REFUSED = frozenset({Outcome.REFUSED, Outcome.SILENT})
_NOBODY = _REFUSED | {Outcome.CLOSED}


class Declared:
    """What the settings of a stack say about connections."""

    def __init__(self, settings: Settings, opened: frozenset[Tier] = frozenset()) -> None:
        """In the namespaces of `opened`, no NetworkPolicy holds. Scrapers of metrics are not known here."""
        assert not settings.network.scrapers, "nobody who scrapes metrics is among the parties"
        self._roles = context_of(settings).roles
        self._trusted = settings.network.trusted
        self._destinations = egress(settings)
        self._opened = opened

    def expected(self, source: Party, target: Party | Address, probe: Probe) -> Outcomes:
        """What may become of a probe."""
        if isinstance(target, Address):
            return self._at_address(source, target, probe)
        # Providers' networks carry no addresses of a cluster's own.
        if source.kind is Kind.OUTSIDE or not self.passes(source, target, probe.port):
            return _REFUSED
        if probe.protocol is Protocol.UDP:
            return _OPEN if target.answers_names or target.kind is Kind.OUTSIDE else _NOBODY
        if probe.port in target.ports:
            return _OPEN
        # A host's own rules may refuse what nobody listens on.
        return frozenset({Outcome.CLOSED}) if target.kind is Kind.POD else _NOBODY

    def _at_address(self, source: Party, target: Address, probe: Probe) -> Outcomes:
        if source.kind is Kind.OUTSIDE and not target.public:
            return _REFUSED
        port = target.ports.get(probe.port)
        if port is None:
            return _NOBODY
        if target.admitted is not None and not source.is_in(target.admitted):
            return _REFUSED
        if probe.protocol is Protocol.UDP and not all(party.answers_names for party in target.behind):
            return _NOBODY
        # Who may reach some of those behind an address comes out at any of them.
        found = [self.passes(source, party, port) for party in target.behind]
        # Who comes out at itself has gone round through its node, which policies may forbid or not.
        alone = source in target.behind and not self._through_policies(source, source, port)
        return (_OPEN if any(found) else frozenset()) | (frozenset() if all(found) and not alone else _REFUSED)

    def passes(self, source: Party, target: Party, port: int) -> bool:
        """Whether `source` may reach a port of `target`, once there is a way to it."""
        if source == target:
            return True
        # The kubelet reaches the pods of its own node, which no policy can forbid.
        if source.kind is Kind.HOST and source.node == target.node:
            return True
        # kube-router lets pods reach the node ports of their own node: where a balancer asks for its health, here.
        if target.kind is Kind.HOST and source.node == target.node and port in _NODE_PORTS:
            return True
        return self._through_policies(source, target, port)

    def _through_policies(self, source: Party, target: Party, port: int) -> bool:
        enters = self._enters(source, target, port)
        # kube-router reads both directions of a policy together: pods of one may open to each other what it lets in.
        together = source.role is not None and source.role is target.role
        return enters and (together or self._leaves(source, target, port))

    def _leaves(self, source: Party, target: Party, port: int) -> bool:
        if source.tier is None or source.tier in self._opened:
            return True
        if source.role is None:
            return False
        if target.answers_names and port == Port.DNS and resolves_names(source.role):
            return True
        if any(
            ip_address(target.address) in destination.network and destination.port == port
            for destination in self._destinations.get(source.role, ())
        ):
            return True
        return any(edge.source is source.role and _ends(edge, target, port) for edge in edges(self._roles))

    def _enters(self, source: Party, target: Party, port: int) -> bool:
        if target.tier is None or target.tier in self._opened:
            return True
        return any(_ends(edge, target, port) and self._is_at(edge.source, source) for edge in edges(self._roles))

    def _is_at(self, end: Role | Outside, source: Party) -> bool:
        match end:
            case Outside.INTERNET:
                return True
            case Outside.TRUSTED:
                return source.is_in(self._trusted)
            case Outside.SCRAPERS:
                return False
        return source.role is end


def _ends(edge: Edge, target: Party, port: int) -> bool:
    return edge.target is target.role and port in edge.ports
