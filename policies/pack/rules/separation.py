"""Separation: what strangers can reach, proved from the entries inwards."""

from collections.abc import Iterator

from policies.pack.entry import Entry
from policies.pack.gateways import open_listeners
from policies.pack.haproxy.conditions import path_lists
from policies.pack.haproxy.configuration import Section
from policies.pack.images import Program
from policies.pack.reach import Answering, End, unjudged
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.workloads import API_SWITCH

_PROBES = (
    "/",
    "/install",
    "/install/plugins",
    "/user/token",
    "/user/logout",
    "/event/logs/1",
    "/node/logs/1",
    "/flow/logs/1",
    "/info/version",
    "/healthcheck",
    "/openapi.json",
    "/docs",
    "/redoc",
    "/uix/",
    "/profile/1",
    "/test",
    "//install",
    "/track/../install",
    "/tracker/../install",
    "/tracker/%2e%2e/install",
    "/collect/../install",
    "/redirect/../install",
)
"""Paths that no collection route has. Tracardi answers the first ones without a login, whatever EXPOSE_GUI_API says;
the last ones are ways to write `/install`."""

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

_JUDGED = (
    "core/ConfigMap",
    "core/LimitRange",
    "core/Namespace",
    "core/PersistentVolumeClaim",
    "core/ResourceQuota",
    "core/Secret",
    "core/Service",
    "core/ServiceAccount",
    "apps/Deployment",
    "apps/StatefulSet",
    "autoscaling/HorizontalPodAutoscaler",
    "batch/CronJob",
    "batch/Job",
    "cert-manager.io/Certificate",
    "cert-manager.io/Issuer",
    "gateway.networking.k8s.io/BackendTLSPolicy",
    "gateway.networking.k8s.io/Gateway",
    "gateway.networking.k8s.io/HTTPRoute",
    "networking.k8s.io/NetworkPolicy",
    "policy/PodDisruptionBudget",
    "scheduling.k8s.io/PriorityClass",
    # Groups of objects; each member is a resource of its own.
    "kustomize/Directory",
    "helm.sh/Chart",
    "yaml/ConfigFile",
    "yaml/ConfigGroup",
)


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
    "with Tracardi's API image, or with another and EXPOSE_GUI_API=no.",
)
def internet_reaches_only_the_api(stack: StackView, _: Options) -> Iterator[Finding]:
    """Strangers reach Tracardi's API and nothing else; a program that is not known counts as the console's API."""
    for entry, end in _strangers_reach(stack):
        for program in sorted(end.programs - {Program.API}, key=str):
            yield Finding(end.workload.resource, f"runs {program.value}, {_through(entry)}")


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
            variable = container.environment.get(API_SWITCH)
            if container.program is Program.API and (variable is None or variable.value != "no"):
                problem = f"does not say EXPOSE_GUI_API=no in container {container.name}, {_through(entry)}"
                yield Finding(end.workload.resource, problem)


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
    passing = [path for path in _PROBES if all(any(paths.admit(path) for paths in members) for members in lists)]
    return f"lets {passing[0]} pass" if passing else None


def _rewriting(section: Section) -> str | None:
    actions = (rest[0] for rest in section.starting("http-request") if rest)
    return next((f"http-request {action}" for action in actions if action.startswith(_REWRITES)), None)


@rule(
    "entries-can-be-followed",
    severity=Severity.HIGH,
    remedy="Lead entries to pods of this stack only, through its own Gateways, Services with a selector, and proxies "
    "whose configuration is in a ConfigMap of the stack.",
)
def entries_can_be_followed(stack: StackView, _: Options) -> Iterator[Finding]:
    """Every way from an entry inwards can be followed to its end; what cannot be followed cannot be proved."""
    met = set()
    for entry in stack.entries:
        for resource, reason in entry.reach.dead_ends:
            met.add(resource.urn)
            yield Finding(resource, f"{reason}; {entry.label} leads there")
    for proxy in stack.proxies:
        if proxy.configuration is None and proxy.alone and proxy.workload.resource.urn not in met:
            yield Finding(proxy.workload.resource, unjudged(proxy))
    for gateway, reason in open_listeners(stack):
        yield Finding(gateway, reason)


@rule(
    "only-kinds-that-are-judged",
    severity=Severity.HIGH,
    remedy="Use a kind that the rules judge, or list this one in alsoAllowed of the pack's configuration once you have "
    "made sure that it neither runs pods nor opens an entry.",
    options=(Option("alsoAllowed", (), "Further kinds that are allowed, as group/Kind."),),
)
def only_kinds_that_are_judged(stack: StackView, options: Options) -> Iterator[Finding]:
    """No object runs pods or opens an entry in a way that these rules do not look at."""
    allowed = {*_JUDGED, *options.words("alsoAllowed")}
    for resource in stack.resources:
        if resource.is_kubernetes_object and resource.group_kind not in allowed:
            yield Finding(resource, f"is of kind {resource.group_kind}, which no rule judges")
