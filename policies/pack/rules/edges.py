"""Edges: who can connect to whom. What the configuration of pods does not lead to must be closed, and the rest open."""

from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address, ip_network

from policies.pack.connections import uses
from policies.pack.connections.admission import Block, Direction
from policies.pack.connections.edges import Connection, Namespaces
from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.ports import EVERY, NONE, Ports, tcp
from policies.pack.kubernetes.workloads import Workload
from policies.pack.roles import Role
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView

_DNS_PORT = 53
_DNS = Ports(tcp=1 << _DNS_PORT, udp=1 << _DNS_PORT)
_DNS_NAMESPACES = frozenset({"kube-system"})

_METADATA = tuple(ip_network(text) for text in ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "fd20:ce::/32"))
"""Link-local addresses and their like: where nodes of clouds ask who they are, and get credentials."""

_CONSOLE_SIDE = frozenset({Role.GUI_API, Role.CONSOLE, Role.WORKER, Role.BALANCER, Role.JOB, Role.OTHER})
_USERS_OF_STORES = frozenset({Role.COLLECTOR, Role.GUI_API, Role.WORKER})
_OF_JOBS = frozenset({Program.API, Program.WORKER, Program.PROXY, Program.MYSQL_ROUTER})


@rule(
    "collectors-reach-no-console",
    severity=Severity.CRITICAL,
    remedy="Take the peer or the port out of the NetworkPolicies, or name in them the pods that are meant: whoever "
    "takes over a pod that faces the internet must find nothing there but the data services.",
)
def collectors_reach_no_console(stack: StackView, _: Options) -> Iterator[Finding]:
    """Pods that strangers reach cannot connect to the GUI API, to the console or to a balancer in front of them."""
    yield from _reported(stack, _towards_the_console)


@rule(
    "only-the-api-reaches-stores",
    severity=Severity.CRITICAL,
    remedy="Let the NetworkPolicies of Elasticsearch, Redis, MySQL and Pulsar name pods with Tracardi's API and its "
    "workers alone, and jobs of their images that use their variables.",
)
def only_the_api_reaches_stores(stack: StackView, _: Options) -> Iterator[Finding]:
    """Of the stack's pods, only the API, its workers and jobs can connect to data services."""
    yield from _reported(stack, _into_a_store)


@rule(
    "stores-are-closed-to-outside",
    severity=Severity.CRITICAL,
    remedy="Take ipBlocks and foreign namespaces out of the NetworkPolicies of data services, and make sure that each "
    "of their pods has a policy for both directions.",
)
def stores_are_closed_to_outside(stack: StackView, _: Options) -> Iterator[Finding]:
    """No data service takes connections from outside the stack or opens any, but for DNS where it needs names."""
    yield from _reported(stack, _between_a_store_and_outside)


@rule(
    "connections-are-intended",
    severity=Severity.HIGH,
    remedy="Narrow the NetworkPolicies to what the configuration of pods leads to, ports included: TCP to the "
    "addresses that API pods need, DNS in kube-system or at one address of your own, clients at ports of balancers "
    "that lead somewhere.",
)
def connections_are_intended(stack: StackView, _: Options) -> Iterator[Finding]:
    """NetworkPolicies allow no connection but those that the configuration of pods leads to."""
    yield from _reported(stack, _of_another_kind)


@rule(
    "intended-connections-are-open",
    severity=Severity.HIGH,
    remedy="Add the missing peer or port to the NetworkPolicies, egress at the one end and ingress at the other.",
)
def intended_connections_are_open(stack: StackView, _: Options) -> Iterator[Finding]:
    """Pods can connect to what their configuration leads to, and clients to the balancers."""
    found = [*_closed_uses(stack), *_closed_to_outside(stack), *_closed_entries(stack)]
    yield from _once(Finding(workload.resource, problem) for workload, problem in found)


_Kind = Callable[[StackView, Connection], bool]


def _reported(stack: StackView, kind: _Kind) -> Iterator[Finding]:
    yield from _once(
        _finding(connection, ports)
        for connection in stack.edges.allowed
        if kind(stack, connection) and (ports := _not_meant(stack, connection))
    )


def _once(findings: Iterable[Finding]) -> Iterator[Finding]:
    yield from {(found.resource.urn if found.resource else "", found.problem): found for found in findings}.values()


def _towards_the_console(stack: StackView, connection: Connection) -> bool:
    source, target = connection.source, connection.target
    return (
        isinstance(source, Workload)
        and isinstance(target, Workload)
        and _collects(stack, source)
        and stack.role(target) in _CONSOLE_SIDE
        and not _collects(stack, target)
    )


def _collects(stack: StackView, workload: Workload) -> bool:
    """Whether pods collect events, or are balancers for those that do."""
    return Role.COLLECTOR in {stack.role(workload), *uses.behind(stack, workload)}


def _into_a_store(stack: StackView, connection: Connection) -> bool:
    source, target = connection.source, connection.target
    if not isinstance(source, Workload) or not isinstance(target, Workload):
        return False
    return stack.role(target).is_store and stack.role(source) not in _USERS_OF_STORES and not _works_for_the_api(source)


def _works_for_the_api(workload: Workload) -> bool:
    """Whether pods are those of a job that runs nothing but Tracardi's API or workers, and tunnels for them."""
    return workload.ends and {container.program for container in workload.containers} <= _OF_JOBS


def _between_a_store_and_outside(stack: StackView, connection: Connection) -> bool:
    source, target = connection.source, connection.target
    if isinstance(source, Workload) and isinstance(target, Workload):
        return False
    return any(isinstance(end, Workload) and stack.role(end).is_store for end in (source, target))


def _of_another_kind(stack: StackView, connection: Connection) -> bool:
    others = (_towards_the_console, _into_a_store, _between_a_store_and_outside)
    judged = connection.source if isinstance(connection.source, Workload) else connection.target
    # What pods mean that cannot be read, nobody knows; that it cannot, others say.
    readable = not isinstance(judged, Workload) or uses.readable(stack, judged)
    return readable and not any(kind(stack, connection) for kind in others)


def _not_meant(stack: StackView, connection: Connection) -> Ports:
    """The ports of `connection` that nothing in the stack leads to."""
    source, target, ports = connection.source, connection.target, connection.ports
    if not isinstance(source, Workload):
        return ports - (_from_outside(stack, source, target) if isinstance(target, Workload) else NONE)
    if isinstance(target, Workload):
        strange = source.ends and _into_a_store(stack, connection)
        if strange or _towards_the_console(stack, connection):
            return ports
        meant = (use.port for use in uses.uses(stack, source) if use.target is target)
        return ports - tcp(*meant)
    return ports - _to_outside(stack, source, target)


def _from_outside(stack: StackView, source: Block | Namespaces, target: Workload) -> Ports:
    if not uses.balances(stack, target):
        return NONE
    if isinstance(source, Block):
        return tcp(*uses.entry_ports(stack, target))
    return tcp(*uses.own_ports(stack, target), *uses.gateway_ports(stack, target))


def _to_outside(stack: StackView, source: Workload, target: Block | Namespaces) -> Ports:
    if isinstance(target, Namespaces):
        resolver = target.names is not None and target.names <= _DNS_NAMESPACES
        return _DNS if resolver and _needs_names(stack, source) else NONE
    network = target.network
    if network is None:
        return NONE
    # Whoever asks a resolver of the internet can tell it anything.
    resolver = network.num_addresses == 1 and not network.network_address.is_global
    found = _DNS if resolver and _needs_names(stack, source) else NONE
    return found | _out(target) if _reaches_out(stack, source) else found


def _out(target: Block) -> Ports:
    """What pods may open to addresses where they may open something: TCP, but not to where a node's secrets are."""
    return NONE if _metadata(target) else Ports(tcp=EVERY.tcp)


def _metadata(target: Block) -> bool:
    return target.network is not None and any(
        target.network.version == special.version and target.network.overlaps(special) for special in _METADATA
    )


def _needs_names(stack: StackView, workload: Workload) -> bool:
    return any(_is_name(address.host) for address in uses.addresses(stack, workload)) or any(uses.uses(stack, workload))


def _is_name(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return not uses.is_local(host)
    return False


def _reaches_out(stack: StackView, workload: Workload) -> bool:
    """Whether pods are there to reach addresses: plugins, destinations and imports of Tracardi's, stores elsewhere."""
    works = any(container.program is Program.WORKER for container in workload.serving)
    return works or workload.runs(Program.API) or bool(uses.external(stack, workload))


def _finding(connection: Connection, ports: Ports) -> Finding:
    source, target = connection.source, connection.target
    names = ", ".join(policy.label for policy in connection.policies)
    because = f"allowed by {names}" if names else "no NetworkPolicy forbids it"
    if isinstance(source, Workload):
        other = target.label if isinstance(target, Workload) else str(target)
        if isinstance(target, Block) and _metadata(target) and not ports.udp:
            other += ", where nodes of clouds get their credentials,"
        return Finding(source.resource, f"can connect to {other} on {ports} ({because})")
    resource = target.resource if isinstance(target, Workload) else None
    return Finding(resource, f"takes connections from {source} on {ports} ({because})")


def _closed_uses(stack: StackView) -> Iterator[tuple[Workload, str]]:
    for workload in stack.workloads:
        wanted: dict[tuple[str, uses.Address], list[uses.Use]] = {}
        for use in uses.uses(stack, workload):
            wanted.setdefault((use.target.resource.urn, use.address), []).append(use)
        for found in wanted.values():
            target, ports = found[0].target, sorted({use.port for use in found})
            if target is workload and stack.instances(workload) < 2:  # noqa: PLR2004 - one has nobody to talk to
                continue
            if not stack.edges.surely(workload, target) & tcp(*ports):
                where = f", where {found[0].address.said_by} leads" if found[0].address.said_by else ""
                numbers = " or ".join(map(str, ports))
                yield workload, f"cannot connect to {target.label} on TCP {numbers}{where}"


def _closed_to_outside(stack: StackView) -> Iterator[tuple[Workload, str]]:
    for workload in stack.workloads:
        ends = list(stack.edges.surely_outside(workload, Direction.EGRESS))
        for address in uses.external(stack, workload):
            ports = tcp(*address.ports)
            if not any(isinstance(end, Block) and ports & opened for end, opened in ends):
                yield workload, f"cannot connect to {address.host} on {ports}, where {address.said_by} leads"
        if _needs_names(stack, workload) and not any(_DNS.udp & opened.udp for _, opened in ends):
            yield workload, "cannot ask DNS (UDP 53) for the names that its configuration has"


def _closed_entries(stack: StackView) -> Iterator[tuple[Workload, str]]:
    for entry in stack.entries:
        for answering in entry.reach.answering:
            if answering.workload not in entry.workloads or answering.bind.ports is None:
                continue
            wanted = tcp(*answering.bind.ports)
            ends = stack.edges.surely_outside(answering.workload, Direction.INGRESS)
            if not any(opened & wanted for _, opened in ends):
                yield (
                    answering.workload,
                    f"takes no connections on {wanted} from anywhere, though {entry.label} leads there",
                )
