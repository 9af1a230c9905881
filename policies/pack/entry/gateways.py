"""Gateways of the Gateway API: routes as ways into the stack, and what stands in front of the pods there."""

from collections.abc import Iterator
from functools import cached_property

from policies.pack.entry.routing import RoutedEntry
from policies.pack.kubernetes.objects import Objects
from policies.pack.resources import Resource
from policies.pack.values import Value

GROUP = "gateway.networking.k8s.io"
_HTTP = frozenset({"GRPCRoute", "HTTPRoute"})
_KINDS = (*sorted(_HTTP), "TCPRoute", "TLSRoute", "UDPRoute")
_ROUTE = frozenset({"hostnames", "parentRefs", "rules"})
_RULE = frozenset({"backendRefs", "filters", "matches", "name", "timeouts"})
_BACKEND = frozenset({"group", "kind", "name", "namespace", "port", "weight"})
_GATEWAY = frozenset({"addresses", "gatewayClassName", "infrastructure", "listeners"})
_INFRASTRUCTURE = frozenset({"annotations", "labels"})
_LISTENER = frozenset({"allowedRoutes", "hostname", "name", "port", "protocol", "tls"})
_TLS = frozenset({"certificateRefs", "mode"})
_PROTOCOLS = frozenset({"HTTP", "HTTPS"})


def routes(stack: Objects) -> tuple["RouteEntry", ...]:
    """Every route of the stack."""
    found = (resource for kind in _KINDS for resource in stack.of_kind(kind))
    return tuple(RouteEntry(stack, resource) for resource in found if resource.group_kind.partition("/")[0] == GROUP)


class RouteEntry(RoutedEntry):
    """A route: requests from a Gateway, which everybody can reach, to Services."""

    @property
    def admits(self) -> str:
        return "its Gateway admits everybody"

    @property
    def tells_clients(self) -> bool:
        return self.resource.kind in _HTTP

    @cached_property
    def services(self) -> tuple[tuple[Resource, int | None], ...]:
        found = [(self._service(backend), backend["port"].number) for backend in self._backends()]
        return tuple((service, int(port) if port else None) for service, port in found if service)

    @cached_property
    def plain_because(self) -> str | None:
        for parent in self.resource.spec["parentRefs"]:
            gateway = self._gateway(parent)
            if gateway is None:
                continue
            for listener in gateway.spec["listeners"]:
                if self._leads_anywhere and _attached(parent, listener) and not _terminates_tls(listener):
                    name = listener["name"].text or "(unnamed)"
                    return f"listener {name} of {gateway.label} takes its requests without a certificate"
        return None

    @property
    def _leads_anywhere(self) -> bool:
        return any(rule["backendRefs"].given for rule in self._rules()) or self.leads_anywhere

    def _rules(self) -> Iterator[Value]:
        return iter(self.resource.spec["rules"])

    def _backends(self) -> Iterator[Value]:
        return (backend for rule in self._rules() for backend in rule["backendRefs"])

    def _service(self, backend: Value) -> Resource | None:
        if backend["namespace"].hidden or not _is_service(backend):
            return None
        return self.stack.service(backend["name"].text or "", backend["namespace"].text or self.resource.namespace)

    def _gateway(self, parent: Value) -> Resource | None:
        namespace = parent["namespace"].text or self.resource.namespace
        known = (parent["kind"].text or "Gateway", parent["group"].text or GROUP) == ("Gateway", GROUP)
        return next(
            (
                gateway
                for gateway in self.stack.of_kind("Gateway")
                if known and (gateway.namespace, gateway.object_name) == (namespace, parent["name"].text)
            ),
            None,
        )

    def not_followed(self) -> Iterator[str]:
        spec = self.resource.spec
        if spec["parentRefs"].hidden or not list(self._rules()):
            yield "has rules or parents that cannot be seen"
        if unknown := sorted(name for name, value in spec.fields.items() if value.given and name not in _ROUTE):
            yield f"has {unknown[0]}, which these rules do not follow"
        for parent in spec["parentRefs"]:
            if self._gateway(parent) is None:
                yield f"belongs to {parent['name'].text or 'something'}, which is no Gateway of the stack"
        for rule in self._rules():
            yield from _unknown(rule)
        for backend in self._backends():
            if self._service(backend) is None:
                yield f"leads to {backend['name'].text or 'something'}, which is no Service of the stack"


def _is_service(backend: Value) -> bool:
    kind, group = backend["kind"], backend["group"]
    return not group.hidden and not group.text and kind.text in {None, "Service"} and not kind.hidden


def _unknown(rule: Value) -> Iterator[str]:
    """What a rule does with requests that could lead elsewhere, or pretend something."""
    if rule.hidden or rule["backendRefs"].hidden or rule["filters"].hidden:
        yield "has a rule that cannot be seen"
    filters = [entry["type"].text or "of a type that cannot be seen" for entry in rule["filters"]]
    names = [f"filter {kind}" for kind in filters if kind != "RequestRedirect"]
    names += sorted(rule.fields.keys() - _RULE)
    names += sorted(key for backend in rule["backendRefs"] for key in backend.fields.keys() - _BACKEND)
    for name in names:
        yield f"has a rule with {name}, which these rules do not follow"


def _attached(parent: Value, listener: Value) -> bool:
    """Whether requests at `listener` come to a route with `parent`."""
    section, port = parent["sectionName"], parent["port"]
    other = section.text and listener["name"].text and section.text != listener["name"].text
    return not other and not (port.number and listener["port"].number and port.number != listener["port"].number)


def _terminates_tls(listener: Value) -> bool:
    tls = listener["tls"]
    terminated = tls["mode"].text == "Terminate" or not tls["mode"].given
    return listener["protocol"].text == "HTTPS" and terminated and any(tls["certificateRefs"])


def unfollowed_gateways(stack: Objects) -> Iterator[tuple[Resource, str]]:
    """Gateways that take routes from elsewhere, or do what cannot be judged, and what that is."""
    for gateway in stack.of_kind("Gateway"):
        for problem in _of_gateway(gateway.spec):
            yield gateway, problem
        for listener in gateway.spec["listeners"]:
            name = listener["name"].text or "(unnamed)"
            for problem in _of_listener(listener):
                yield gateway, f"{problem} at its listener {name}"


def _of_gateway(spec: Value) -> Iterator[str]:
    if spec.hidden or not isinstance(spec["listeners"].raw, list) or spec["infrastructure"].hidden:
        yield "has listeners that cannot be seen"
    for name in _others(spec, _GATEWAY):
        yield f"has {name}, which these rules do not follow"
    for name in _others(spec["infrastructure"], _INFRASTRUCTURE):
        yield f"has infrastructure.{name}, which these rules do not follow"


def _of_listener(listener: Value) -> Iterator[str]:
    allowed = listener["allowedRoutes"]
    origin = allowed.at("namespaces", "from")
    if allowed.hidden or allowed["namespaces"].hidden or (origin.given and origin.text != "Same"):
        yield "takes routes from other namespaces"
    if listener.hidden or listener["tls"].hidden or listener["protocol"].text not in _PROTOCOLS:
        yield f"takes {listener['protocol'].text or 'an unknown protocol'}, which these rules do not follow,"
    for name in (*_others(listener, _LISTENER), *(f"tls.{found}" for found in _others(listener["tls"], _TLS))):
        yield f"has {name}, which these rules do not follow,"


def _others(value: Value, known: frozenset[str]) -> list[str]:
    return sorted(name for name, member in value.fields.items() if member.given and name not in known)
