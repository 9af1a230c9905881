"""Gateways of the Gateway API: routes as ways into the stack, and what stands in front of the pods there."""

from collections.abc import Iterator
from functools import cached_property

from policies.pack.entry import Entry
from policies.pack.haproxy.clients import Told, client_lists
from policies.pack.objects import Objects
from policies.pack.reach import Reach, reach_of_services
from policies.pack.resources import Resource
from policies.pack.values import Value
from policies.pack.workloads import Workload

GROUP = "gateway.networking.k8s.io"
_RULE = frozenset({"backendRefs", "filters", "matches", "name", "timeouts"})
_BACKEND = frozenset({"group", "kind", "name", "namespace", "port", "weight"})


def routes(stack: Objects) -> tuple["RouteEntry", ...]:
    """Every route of the stack."""
    found = (resource for resource in stack.of_kind("HTTPRoute") if resource.group_kind.startswith(GROUP))
    return tuple(RouteEntry(stack, resource) for resource in found)


class RouteEntry(Entry):
    """An HTTPRoute: requests from a Gateway, which everybody can reach, to Services."""

    @property
    def workloads(self) -> tuple[Workload, ...]:
        return tuple(workload for service, _ in self.services for workload in self.stack.selected(service))

    @cached_property
    def services(self) -> tuple[tuple[Resource, int | None], ...]:
        """The Services that requests go to, each with the port."""
        found = [(self._service(backend), backend["port"].number) for backend in self._backends()]
        return tuple((service, int(port) if port else None) for service, port in found if service)

    @cached_property
    def reach(self) -> Reach:
        reach = reach_of_services(self.stack, self.services)
        reach.dead_ends.extend((self.resource, reason) for reason in self._not_followed())
        return reach

    @cached_property
    def open_because(self) -> str | None:
        if not self._leads_anywhere:
            return None
        everybody = "its Gateway admits everybody"
        if not self.reach.answering or self.reach.dead_ends or not all(end.proxied for end in self.reach.ends):
            return f"{everybody}, and not all that it leads to is a proxy with a source allow list"
        for answering in self.reach.answering:
            lists = [found for found in client_lists(answering.frontend) if found.told is Told.HEADER]
            if not any(found.limits for found in lists):
                return f"{everybody}, and frontend {answering.frontend.name} has no list of the clients that it tells"
        return None

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
        return any(rule["backendRefs"].given for rule in self._rules()) or bool(list(self._not_followed()))

    def _rules(self) -> Iterator[Value]:
        return iter(self.resource.spec["rules"])

    def _backends(self) -> Iterator[Value]:
        return (backend for rule in self._rules() for backend in rule["backendRefs"])

    def _service(self, backend: Value) -> Resource | None:
        namespace = backend["namespace"].text or self.resource.namespace
        return self.stack.service(backend["name"].text or "", namespace) if _is_service(backend) else None

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

    def _not_followed(self) -> Iterator[str]:
        spec = self.resource.spec
        if spec["parentRefs"].hidden or not list(self._rules()):
            yield "has rules or parents that cannot be seen"
        for parent in spec["parentRefs"]:
            if self._gateway(parent) is None:
                yield f"belongs to {parent['name'].text or 'something'}, which is no Gateway of the stack"
        for rule in self._rules():
            yield from _unknown(rule)
        for backend in self._backends():
            if self._service(backend) is None:
                yield f"leads to {backend['name'].text or 'something'}, which is no Service of the stack"


def _is_service(backend: Value) -> bool:
    return not backend["group"].text and backend["kind"].text in {None, "Service"} and not backend["kind"].hidden


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


def open_listeners(stack: Objects) -> Iterator[tuple[Resource, str]]:
    """Gateways with a listener that takes routes from other namespaces."""
    for gateway in stack.of_kind("Gateway"):
        if gateway.spec["listeners"].hidden:
            yield gateway, "has listeners that cannot be seen"
        for listener in gateway.spec["listeners"]:
            allowed = listener.at("allowedRoutes", "namespaces", "from")
            if allowed.given and allowed.text != "Same":
                name = listener["name"].text or "(unnamed)"
                yield gateway, f"takes routes from other namespaces at its listener {name}"
