"""Affinity: no client is bound to one instance, by whoever stands between it and the instances."""

import re
from collections.abc import Iterator

from policies.pack.programs.haproxy.configuration import Line, Section
from policies.pack.resources import Resource
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.values import Value

_SPREADING = frozenset({"leastconn", "random", "roundrobin", "static-rr"})
"""Ways to choose a server that do not look at who asks."""

_BINDING = frozenset({"appsession", "cookie", "dispatch", "force-persist", "persist", "stick", "use-server"})
_STANDING_BY = frozenset({"backup", "disabled", "redir"})
"""Parameters of servers that get no request, or have clients come to them alone."""

_STICKY = re.compile(r"stick(y|iness)|session[-_.]?(affinity|persist|stick)|persistence|cookie", re.IGNORECASE)
_STICKY_MEMBER = re.compile(
    r"(?P<name>[\w.-]*(?:stick(?:y|iness)|session[-_.]?(?:affinity|persist|stick)|persistence)[\w.-]*)"
    r"[\"']?\s*[:=]\s*[\"']?(?P<value>[^\"',;}\s]*)",
    re.IGNORECASE,
)
"""In a list of attributes, or in JSON."""
_SWITCHED_OFF = frozenset({"", "0", "disable", "disabled", "false", "no", "none", "off"})
_BY_CLIENT = frozenset(
    {"client_ip", "clientip", "cookie", "cookies", "ip_hash", "source_hash", "source_ip", "source_ip_port"}
)
"""Ways in which clouds choose an instance by who asks; with - or _, in any case."""
_ENTRIES = ("Service", "Gateway", "HTTPRoute", "Ingress")


@rule(
    "no-session-affinity",
    severity=Severity.MEDIUM,
    remedy="Remove it: Tracardi's API keeps no state, and requests must spread over all instances.",
)
def no_session_affinity(stack: StackView, _: Options) -> Iterator[Finding]:
    """Requests are spread over all instances, whoever sends them."""
    for service in stack.of_kind("Service"):
        affinity = service.spec["sessionAffinity"]
        if affinity.given and affinity.text != "None":
            yield Finding(service, "has session affinity")
    for route in stack.of_kind("HTTPRoute"):
        if any(each["sessionPersistence"].given for each in route.spec["rules"]):
            yield Finding(route, "has session persistence")
    for resource in (found for kind in _ENTRIES for found in stack.of_kind(kind)):
        yield from (Finding(resource, problem) for problem in _asked_of_clouds(resource))
    for proxy in stack.proxies:
        sections = proxy.configuration.sections if proxy.configuration else ()
        # What defaults say is in the sections that take it over.
        for section in (each for each in sections if each.keyword != "defaults"):
            where = f"{section.keyword} {section.name}".strip()
            for what in _bindings(section):
                yield Finding(proxy.workload.resource, f"binds clients to an instance: {what} in {where}")


def _bindings(section: Section) -> Iterator[str]:
    for line in section.lines:
        if _binds(line):
            yield " ".join(line[:2])
    for server in section.servers:
        if found := sorted(_STANDING_BY.intersection(server.parameters)):
            yield f"a server that is {found[0]}"
        weights = [
            after for word, after in zip(server.parameters, server.parameters[1:], strict=False) if word == "weight"
        ]
        if "0" in weights:
            yield "a server of weight 0"


def _binds(line: Line) -> bool:
    keyword, first, *_ = (*line, "")
    match keyword:
        case "balance":
            return first.partition("(")[0] not in _SPREADING
        case "option":
            return first == "prefer-last-server"
        case "use_backend":
            # An expression can choose by the client.
            return "%[" in first
        case _:
            return keyword in _BINDING


def _asked_of_clouds(resource: Resource) -> Iterator[str]:
    places = (resource.properties.at("metadata", "annotations"), resource.spec.at("infrastructure", "annotations"))
    for annotations in places:
        if annotations.given and not isinstance(annotations.raw, dict):
            yield "has annotations that cannot be seen, and may ask a cloud for session affinity"
        for name, value in annotations.fields.items():
            if value.given and _asks(name, value):
                yield f"asks a cloud for session affinity: annotation {name}"


def _asks(name: str, value: Value) -> bool:
    if value.text is None:
        return bool(_STICKY.search(name))
    text = value.text.strip().lower()
    if text in _SWITCHED_OFF:
        return False
    if _STICKY.search(name) or text.replace("-", "_") in _BY_CLIENT:
        return True
    members = {found["name"].lower(): found["value"] for found in _STICKY_MEMBER.finditer(text)}
    # Where a list says that it is off, it does not matter what else it says of it.
    off = {
        name.rpartition(".")[0] for name, each in members.items() if name.endswith(".enabled") and each in _SWITCHED_OFF
    }
    return any(each not in _SWITCHED_OFF and name.rpartition(".")[0] not in off for name, each in members.items())
