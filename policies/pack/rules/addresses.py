"""Clients' addresses: who may tell them to a proxy, because allow lists and limits judge by them."""

from collections.abc import Iterator

from policies.pack.connections.admission import admitted, namespace_of
from policies.pack.entry.reach import Answering
from policies.pack.programs.haproxy.clients import misplaced_trust, told_by_header
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView


@rule(
    "client-addresses-are-told-by-known-proxies",
    severity=Severity.CRITICAL,
    remedy="Expect the PROXY protocol from the addresses of your own proxies alone (tcp-request connection "
    "expect-proxy layer4 if { src ... }). Count X-Forwarded-For from its end, refuse requests that lack it or have a "
    "quotation mark in it, and let a NetworkPolicy admit the Gateway's namespace and nobody else.",
)
def client_addresses_are_told_by_known_proxies(stack: StackView, _: Options) -> Iterator[Finding]:
    """Nobody chooses the address that allow lists and limits judge them by."""
    for entry in stack.entries:
        for answering in entry.reach.answering:
            problems = [*misplaced_trust(answering.frontend, answering.bind)]
            if answering.workload in entry.workloads and told_by_header(answering.frontend):
                problems += _others(stack, answering)
            for problem in problems:
                where = f"frontend {answering.frontend.name} {problem}"
                yield Finding(answering.workload.resource, f"{where}; {entry.label} leads there")


def _others(stack: StackView, answering: Answering) -> Iterator[str]:
    """Who can connect to a proxy that believes a header, and is no Gateway."""
    own = {namespace.object_name for namespace in stack.of_kind("Namespace")}
    tellers = set()
    for policy, peer in admitted(stack, answering.workload, answering.bind.ports):
        namespace = namespace_of(peer)
        if namespace is None or namespace in own:
            yield f"believes a header, and {policy.label} admits others than a Gateway"
        else:
            tellers.add(namespace)
    if len(tellers) > 1:
        yield f"believes a header, and pods of several namespaces may connect: {', '.join(sorted(tellers))}"
