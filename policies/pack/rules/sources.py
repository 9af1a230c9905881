"""Source lists: who may use an entry that is not for everybody, said in each layer and never too widely."""

from collections.abc import Iterator

from model.limits import WIDEST_TRUSTED_PREFIX_V4, WIDEST_TRUSTED_PREFIX_V6
from model.networks import Network, too_wide
from policies.pack.connections.admission import Direction, Peer, catches, ends, governs, rules
from policies.pack.entry.base import Entry
from policies.pack.entry.guards import listed
from policies.pack.entry.reach import Answering
from policies.pack.entry.services import ServiceEntry, source_ranges
from policies.pack.kubernetes.ports import EVERY, opened, tcp
from policies.pack.kubernetes.workloads import Workload
from policies.pack.programs.haproxy.clients import client_lists, told_by_proxies
from policies.pack.resources import Resource
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView


def _trusted(stack: StackView) -> Iterator[Entry]:
    """Entries that are not for everybody, and lead anywhere."""
    return (entry for entry in stack.entries if not entry.open_because and entry.reach.ends)


def _first(entry: Entry) -> Iterator[Answering]:
    """The proxies that see whoever uses the entry; those behind them see proxies."""
    first = {workload.resource.urn for workload in entry.workloads}
    return (answering for answering in entry.reach.answering if answering.workload.resource.urn in first)


@rule(
    "trusted-entries-are-closed-in-each-layer",
    severity=Severity.CRITICAL,
    remedy="No layer trusts another: give the Service loadBalancerSourceRanges and "
    "externalTrafficPolicy: Local, and no externalIPs; each HAProxy frontend behind it a list "
    "of client networks (tcp-request connection reject unless { src ... }; behind a Gateway http-request deny after "
    "set-src), and the pods a NetworkPolicy that admits those networks, or the Gateway's pods, and nobody else.",
)
def trusted_entries_are_closed_in_each_layer(stack: StackView, _: Options) -> Iterator[Finding]:
    """An entry for known networks is closed by the balancer, by HAProxy and by NetworkPolicy, each for itself."""
    for entry in _trusted(stack):
        if isinstance(entry, ServiceEntry) and entry.balanced and source_ranges(entry.resource) is None:
            yield Finding(entry.resource, "is for known networks, and has no loadBalancerSourceRanges")
        if isinstance(entry, ServiceEntry) and entry.has_addresses:
            yield Finding(entry.resource, "has externalIPs, which no loadBalancerSourceRanges guard")
        for answering in _first(entry):
            if isinstance(entry, ServiceEntry) and entry.hides_clients and not told_by_proxies(answering.frontend):
                lost = f"hides clients' addresses from the list of frontend {answering.frontend.name}"
                yield Finding(entry.resource, f"{lost} (externalTrafficPolicy is not Local)")
            if not listed(answering, entry.told):
                where = f"frontend {answering.frontend.name} has no list of the client networks that it is for"
                yield Finding(answering.workload.resource, f"{where}; {entry.label} leads there")
        for workload in entry.workloads:
            ports = {answering.bind.ports for answering in _first(entry) if answering.workload is workload} or {None}
            for problem in sorted({found for port in ports for found in _admits(stack, workload, port)}):
                yield Finding(workload.resource, f"{problem}; {entry.label}, which is for known networks, leads there")


def _admits(stack: StackView, workload: Workload, ports: range | None) -> Iterator[str]:
    """How NetworkPolicies let others than known networks and pods connect to `ports`."""
    policies = stack.of_kind("NetworkPolicy")
    if not any(catches(policy, workload) and governs(policy, Direction.INGRESS) for policy in policies):
        yield "has no NetworkPolicy that limits who connects"
    for policy, networks in _networks(stack, workload, ports):
        wide = "everybody" if networks is None else too_wide(networks)
        if wide:
            yield f"is open to {wide} by {policy.label}"


def _networks(
    stack: StackView, workload: Workload, ports: range | None
) -> Iterator[tuple[Resource, tuple[Network, ...] | None]]:
    """The addresses that policies admit to `ports`, for each policy and for all together; None for everybody."""
    together: list[Network] = []
    last: Resource | None = None
    for policy, found in _admitting(stack, workload, ports):
        networks = [network for peer in found if (network := _network(peer)) is not None]
        unlimited = any(peer.block is not None and peer.block.network is None for peer in found)
        together += networks
        last = policy
        yield policy, None if unlimited else tuple(networks)
    if last is not None:
        yield last, tuple(together)


def _admitting(
    stack: StackView, workload: Workload, ports: range | None
) -> Iterator[tuple[Resource, tuple[Peer, ...]]]:
    """Each rule of a policy that may open one of `ports`, and who is at its other end; None stands for any port."""
    wanted = EVERY if ports is None else tcp(*ports)
    for policy in stack.of_kind("NetworkPolicy"):
        if catches(policy, workload) is not False:
            for admitting in rules(policy, Direction.INGRESS):
                if opened(admitting["ports"], workload, surely=False) & wanted:
                    yield policy, ends(admitting, Direction.INGRESS)


def _network(peer: Peer) -> Network | None:
    return peer.block.network if peer.block else None


@rule(
    "source-lists-are-narrow",
    severity=Severity.HIGH,
    remedy="List the networks of your offices and VPNs, and nothing around them; the limit is widestIPv4 and "
    "widestIPv6 of the pack's configuration.",
    options=(
        Option(
            "widestIPv4",
            WIDEST_TRUSTED_PREFIX_V4,
            "Shortest prefix of a trusted IPv4 network; one that is shorter than /8 is never trusted.",
        ),
        Option(
            "widestIPv6",
            WIDEST_TRUSTED_PREFIX_V6,
            "Shortest prefix of a trusted IPv6 network; one that is shorter than /32 is never trusted.",
        ),
    ),
)
def source_lists_are_narrow(stack: StackView, options: Options) -> Iterator[Finding]:
    """No list of trusted networks is wider than anybody's own, alone or with others of the list."""
    widest = options.number("widestIPv4"), options.number("widestIPv6")
    for entry in _trusted(stack):
        for resource, what, networks in _lists(stack, entry):
            if wide := too_wide(networks, *widest):
                yield Finding(resource, f"{what} that add up to {wide}; {entry.label} is for known networks")


def _lists(stack: StackView, entry: Entry) -> Iterator[tuple[Resource, str, tuple[Network, ...]]]:
    if isinstance(entry, ServiceEntry) and entry.balanced:
        yield entry.resource, "has loadBalancerSourceRanges", source_ranges(entry.resource) or ()
    for answering in _first(entry):
        for found in client_lists(answering.frontend):
            what = f"frontend {answering.frontend.name} has a list of client networks"
            yield answering.workload.resource, what, found.networks
        for policy, networks in _networks(stack, answering.workload, answering.bind.ports):
            yield policy, "admits networks", networks or ()
