"""Ingress objects: requests from an ingress controller, which everybody can reach, to Services."""

from collections.abc import Iterator
from functools import cached_property

from policies.pack.entry.routing import RoutedEntry
from policies.pack.kubernetes.objects import Objects
from policies.pack.resources import Resource
from policies.pack.values import Value


def ingresses(stack: Objects) -> Iterator["IngressEntry"]:
    """Every Ingress of the stack, whatever group it is of."""
    return (IngressEntry(stack, resource) for resource in stack.of_kind("Ingress"))


class IngressEntry(RoutedEntry):
    """An Ingress."""

    @property
    def admits(self) -> str:
        return "its controller admits everybody"

    @cached_property
    def services(self) -> tuple[tuple[Resource, int | None], ...]:
        found = [(self._service(backend), backend) for backend in self._backends()]
        return tuple((service, _port(service, backend)) for service, backend in found if service)

    @cached_property
    def plain_because(self) -> str | None:
        secured = [host for entry in self.resource.spec["tls"] for host in _hosts_with_certificates(entry)]
        for rule in self.resource.spec["rules"]:
            host = rule["host"].text or ""
            if not any(_covers(pattern, host) for pattern in secured):
                return f"has no certificate for {host or 'requests to any host'} in its tls"
        if self.resource.spec["defaultBackend"].given or not list(self.resource.spec["rules"]):
            return "answers requests to any host, with or without a certificate"
        return None

    def not_followed(self) -> Iterator[str]:
        spec = self.resource.spec
        if any(part.hidden for part in (spec, spec["rules"], spec["defaultBackend"])) or not list(self._backends()):
            yield "has rules that cannot be seen"
        for rule in spec["rules"]:
            if rule.hidden or rule["http"].hidden or rule.at("http", "paths").hidden:
                yield "has a rule that cannot be seen"
        for backend in self._backends():
            if self._service(backend) is None:
                name = backend.at("service", "name").text or "something else"
                yield f"leads to {name}, which is no Service of the stack"

    def _backends(self) -> Iterator[Value]:
        default = self.resource.spec["defaultBackend"]
        if default.given:
            yield default
        for rule in self.resource.spec["rules"]:
            for path in rule.at("http", "paths"):
                yield path["backend"]

    def _service(self, backend: Value) -> Resource | None:
        if backend["resource"].given:
            return None
        return self.stack.service(backend.at("service", "name").text or "", self.resource.namespace)


def _port(service: Resource, backend: Value) -> int | None:
    port = backend.at("service", "port")
    if port["number"].number:
        return int(port["number"].number)
    named = [entry["port"].number for entry in service.spec["ports"] if entry["name"].text == port["name"].text]
    return int(named[0]) if len(named) == 1 and named[0] else None


def _hosts_with_certificates(entry: Value) -> Iterator[str]:
    return iter(entry["hosts"].words if entry["secretName"].text else ())


def _covers(pattern: str, host: str) -> bool:
    """Whether a certificate for `pattern` is one for `host`."""
    wanted, known = host.lower().partition("."), pattern.lower().partition(".")
    return bool(host) and (host.lower() == pattern.lower() or (known[0] == "*" and known[2] == wanted[2] != ""))
