"""Entries: where they may lead, whoever they are for, and how many there are."""

from collections.abc import Iterator

from policies.pack.entry.base import Entry
from policies.pack.entry.entries import OpenPods
from policies.pack.entry.reach import End
from policies.pack.kubernetes.images import Program
from policies.pack.roles import Role
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView

_INTENDED = frozenset({Role.COLLECTOR, Role.GUI_API, Role.CONSOLE})
_PROGRAMS = frozenset({Program.API, Program.GUI})


@rule(
    "entries-lead-only-where-intended",
    severity=Severity.CRITICAL,
    remedy="Lead entries to balancers, and those to pods of Tracardi's API or console; whoever needs a store from "
    "outside reaches it through the API.",
)
def entries_lead_only_where_intended(stack: StackView, _: Options) -> Iterator[Finding]:
    """Even from known networks, an entry leads to the API or the console, through a balancer, and nowhere else."""
    for entry in stack.entries:
        # What strangers reach is for other rules to say.
        if entry.open_because:
            continue
        found = {(end.workload.resource.urn, problem) for end in entry.reach.ends for problem in _of(stack, end)}
        for urn, problem in sorted(found):
            yield Finding(stack.by_urn[urn], f"{problem}, and {entry.label} leads there")


def _of(stack: StackView, end: End) -> Iterator[str]:
    role = stack.role(end.workload)
    if role not in _INTENDED:
        yield f"is {role.value}"
    else:
        yield from (f"runs {other.value}" for other in sorted(end.programs - _PROGRAMS, key=str))
    if not end.proxied:
        yield "answers by itself, without a balancer before it"


@rule(
    "each-balancer-has-one-entry",
    severity=Severity.HIGH,
    remedy="Take the further entry away, or list it in alsoAllowed of the pack's configuration, as namespace/name.",
    options=(Option("alsoAllowed", (), "Further entries that are allowed, as namespace/name.", local=True),),
)
def each_balancer_has_one_entry(stack: StackView, options: Options) -> Iterator[Finding]:
    """Pods are reached from outside in one way: a second one is forgotten when the first is closed."""
    allowed = frozenset(options.words("alsoAllowed"))
    found: dict[str, list[Entry]] = {}
    for entry in stack.entries:
        # A policy that opens pods is no way of its own.
        if isinstance(entry, OpenPods) or _place(entry) in allowed:
            continue
        for workload in entry.workloads:
            found.setdefault(workload.resource.urn, []).append(entry)
    for urn, (first, *others) in found.items():
        for entry in others:
            pods = stack.by_urn[urn].label
            yield Finding(entry.resource, f"is a further entry to {pods}, beside {first.label}")


def _place(entry: Entry) -> str:
    return f"{entry.resource.namespace}/{entry.resource.object_name}"
