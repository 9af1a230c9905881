"""Separation: what strangers can reach, proved from the entries inwards."""

from collections.abc import Iterator

from policies.pack.entry.base import Entry
from policies.pack.entry.gateways import unfollowed_gateways
from policies.pack.entry.reach import Answering, End, unjudged
from policies.pack.kubernetes.images import Program, parse, program
from policies.pack.kubernetes.workloads import API_SWITCH, Container, Workload
from policies.pack.programs.code import replaced
from policies.pack.programs.haproxy.answers import own_answers
from policies.pack.programs.haproxy.collection import beyond_collection
from policies.pack.programs.haproxy.conditions import path_lists
from policies.pack.programs.haproxy.configuration import Section
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView

_REWRITES = (
    "allow",
    "lua.",
    "normalize-uri",
    "replace-path",
    "replace-uri",
    "set-dst",
    "set-method",
    "set-path",
    "set-query",
    "set-uri",
    "do-resolve",
)
"""Actions on requests after which a path that was let pass is no longer the path that is asked for, or asked there."""


def _strangers_reach(stack: StackView) -> Iterator[tuple[Entry, End]]:
    """Each end that strangers reach, once for each of the entries that lead there."""
    for entry in stack.internet_entries:
        seen = set()
        for end in entry.reach.ends:
            if (key := (end.workload.resource.urn, end.programs)) not in seen:
                seen.add(key)
                yield entry, end


def _through(entry: Entry) -> str:
    return f"and the internet reaches it through {entry.label} ({entry.open_because})"


@rule(
    "internet-reaches-only-the-api",
    severity=Severity.CRITICAL,
    remedy="Give the entry loadBalancerSourceRanges of your own networks and allocateLoadBalancerNodePorts: false, or "
    "the balancer behind a Gateway a list of them after set-src; or lead it only to pods that collect events: those "
    "with Tracardi's API image, or with another whose repository is listed in alsoApi of the pack's configuration "
    "because it is a build of it, and with nothing mounted over its program.",
    options=(Option("alsoApi", (), "Repositories of images that are builds of Tracardi's API.", local=True),),
)
def internet_reaches_only_the_api(stack: StackView, options: Options) -> Iterator[Finding]:
    """Strangers reach Tracardi's API and nothing else; a program that is not known counts as the console's API."""
    builds = frozenset(options.words("alsoApi"))
    for entry, end in _strangers_reach(stack):
        for other in sorted(end.programs - {Program.API}, key=str):
            yield Finding(end.workload.resource, f"runs {other.value}, {_through(entry)}")
        for problem in _replaced(end):
            yield Finding(end.workload.resource, f"{problem}, {_through(entry)}")
        if Program.API in end.programs:
            for image in _pretenders(end.workload, builds):
                problem = f"runs {image}, which may serve the GUI API whatever it is told"
                yield Finding(end.workload.resource, f"{problem}, {_through(entry)}")


def _replaced(end: End) -> Iterator[str]:
    """How the API at `end` may be another program than that of its image."""
    for container in end.workload.serving:
        if container.program is Program.API:
            yield from (f"{problem} in container {container.name}" for problem in replaced(container))


def _pretenders(workload: Workload, builds: frozenset[str]) -> Iterator[str]:
    """Images that are told to be the API, and of which nobody knows whether they are."""
    for container in workload.serving:
        known = program(container.image) is not Program.OTHER or parse(container.image).repository in builds
        if container.program is Program.API and not known:
            yield container.image or "an image that cannot be seen"


@rule(
    "internet-reaches-no-gui-api",
    severity=Severity.CRITICAL,
    remedy="Set EXPOSE_GUI_API to no in these pods, or give the entry loadBalancerSourceRanges of your own networks, "
    "or the balancer behind a Gateway a list of them after set-src.",
)
def internet_reaches_no_gui_api(stack: StackView, _: Options) -> Iterator[Finding]:
    """An API pod that strangers reach says EXPOSE_GUI_API=no: its duty follows from who can reach it."""
    for entry, end in _strangers_reach(stack):
        for container in end.workload.serving:
            if container.program is Program.API and not _says_no(container):
                problem = f"does not say EXPOSE_GUI_API=no in container {container.name}, {_through(entry)}"
                yield Finding(end.workload.resource, problem)


def _says_no(container: Container) -> bool:
    variable = container.environment.get(API_SWITCH)
    variables = container.properties["env"]
    # One whose name cannot be seen may be the switch once more, and so may a word of the command line.
    seen = not variables.hidden and all(entry["name"].text is not None for entry in variables)
    elsewhere = any(API_SWITCH in word for word in container.command_line)
    return variable is not None and variable.value == "no" and seen and not elsewhere


@rule(
    "internet-finds-only-collection-routes",
    severity=Severity.CRITICAL,
    remedy="Let the proxy refuse every path but Tracardi's collection routes, such as: http-request deny unless "
    "{ path /track }; EXPOSE_GUI_API=no leaves 33 other operations open.",
)
def internet_finds_only_collection_routes(stack: StackView, _: Options) -> Iterator[Finding]:
    """Between strangers and the API stands a proxy with an allow list of paths."""
    for entry, end in _strangers_reach(stack):
        if not end.proxied:
            yield Finding(
                end.workload.resource, f"has no proxy with an allow list of paths before it, {_through(entry)}"
            )
    for entry in stack.internet_entries:
        for answering in entry.reach.answering:
            if problem := _unlisted(answering):
                where = f"frontend {answering.frontend.name} {problem}"
                yield Finding(answering.workload.resource, f"{where}, {_through(entry)}")


def _unlisted(answering: Answering) -> str | None:
    """Why the frontend lets more pass than collection routes; None where it does not."""
    frontend = answering.frontend
    behind = [section for section in answering.configuration.behind(frontend) if section.targets]
    if not behind:
        return None
    if frontend.mode != "http":
        return "does not read requests (mode http), so it cannot refuse any"
    for section in (frontend, *behind):
        if rewriting := _rewriting(section):
            return f"has {rewriting} in section {section.name}, which leads past an allow list"
    lists = list(path_lists(frontend))
    if not lists:
        return "has no allow list of paths"
    passing = beyond_collection(lists)
    return f"lets {passing} pass" if passing is not None else None


def _rewriting(section: Section) -> str | None:
    for line in section.lines:
        # The action comes after the layer, where there are layers.
        action = line[2:3] if line[0] == "tcp-request" else line[1:2] if line[0] == "http-request" else ()
        if action and action[0].startswith(_REWRITES):
            return " ".join(line[: line.index(action[0]) + 1])
    return None


@rule(
    "entries-can-be-followed",
    severity=Severity.HIGH,
    remedy="Lead entries to pods of this stack only, through its own Gateways, Services with a selector, and proxies "
    "whose configuration is in a ConfigMap of the stack and does nothing but forward, refuse and redirect.",
)
def entries_can_be_followed(stack: StackView, _: Options) -> Iterator[Finding]:
    """Every way from an entry inwards can be followed to its end; what cannot be followed cannot be proved."""
    met = set()
    for entry in stack.entries:
        for resource, reason in entry.reach.dead_ends:
            met.add(resource.urn)
            yield Finding(resource, f"{reason}; {entry.label} leads there")
        for answering in entry.reach.answering:
            if problem := _own_answer(answering):
                yield Finding(answering.workload.resource, f"{problem}; {entry.label} leads there")
    for proxy in stack.proxies:
        if proxy.configuration is None and proxy.alone and proxy.workload.resource.urn not in met:
            yield Finding(proxy.workload.resource, unjudged(proxy))
    for gateway, reason in unfollowed_gateways(stack):
        yield Finding(gateway, reason)


def _own_answer(answering: Answering) -> str | None:
    """What the proxy answers itself to whoever asks, out of what it knows and others should not."""
    for section in (answering.frontend, *answering.configuration.behind(answering.frontend)):
        if found := next(own_answers(section), None):
            return f"{section.keyword} {section.name} of its HAProxy answers by itself ({found})"
    return None
