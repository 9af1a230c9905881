"""The certificates that Gateways show."""

from collections.abc import Iterator

from policies.pack.kubernetes.objects import Objects
from policies.pack.resources import Resource
from policies.pack.tls.certificates import Certificate, held
from policies.pack.values import Value


def gateways_of(stack: Objects, route: Resource) -> Iterator[tuple[Resource, Value]]:
    """The Gateways of the stack that `route` belongs to, each with the reference that says so."""
    for parent in route.spec["parentRefs"]:
        namespace = parent["namespace"].text or route.namespace
        for gateway in stack.of_kind("Gateway"):
            if (gateway.namespace, gateway.object_name) == (namespace, parent["name"].text):
                yield gateway, parent


def listener_certificates(stack: Objects, gateway: Resource, listener: Value) -> tuple[Certificate, ...] | None:
    """The certificates of `listener`; None where one of them cannot be told, or none is named."""
    references = list(listener.at("tls", "certificateRefs"))
    found = [
        held(stack, reference["namespace"].text or gateway.namespace, reference["name"].text or "")
        for reference in references
    ]
    if not found or any(certificates is None for certificates in found):
        return None
    return tuple(certificate for certificates in found for certificate in certificates or ())


def secure_listeners(gateway: Resource) -> tuple[Value, ...]:
    """The listeners of `gateway` that show a certificate."""
    return tuple(listener for listener in gateway.spec["listeners"] if any(listener.at("tls", "certificateRefs")))
