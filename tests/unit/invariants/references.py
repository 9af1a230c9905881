"""What objects name of each other: an autoscaler its Deployment, a Gateway its certificate, a route its Service."""

from collections.abc import Callable, Iterator

from components.context import context_of
from model.roles import Role
from settings.balancer import Mode
from settings.root import Settings
from tests.unit.engine import Recording, Registered
from tests.unit.invariants.view import Reference, available, kubernetes, place, title

Faults = Iterator[str]

_PAIR = frozenset({"tls.crt", "tls.key"})
_OUTSIDE = frozenset({"LoadBalancer", "NodePort"})


def references_between_objects_hold(recording: Recording, settings: Settings) -> Faults:
    """What autoscalers, StatefulSets, Gateways and their routes name is there."""
    there = available(recording, settings)
    for each in kubernetes(recording):
        find = _REFERENCES.get(each.inputs["kind"])
        for reference in find(each) if find else ():
            if reference.place not in there or not reference.keys <= there[reference.place]:
                yield f"{reference}, and there is none"


def gateways_stand_where_they_are_asked_for(recording: Recording, settings: Settings) -> Faults:
    """An entry is a Gateway or a Service that the outside reaches, never both."""
    entries = {
        Role.TRACK_BALANCER: settings.track.balancer,
        Role.GUI_API_BALANCER: settings.gui_api.balancer,
        Role.GUI_BALANCER: settings.gui.balancer,
    }
    gateways = {name for kind, _, name in map(place, kubernetes(recording)) if kind == "Gateway"}
    for balancer in entries.keys() & context_of(settings).roles:
        asked = entries[balancer].mode is Mode.GATEWAY
        service = recording.find("Service", f"{balancer}-entry")
        if asked != (balancer in gateways):
            yield f"{balancer} has a Gateway, or lacks it"
        if asked and service.spec.get("type", "ClusterIP") in _OUTSIDE:
            yield f"{title(service)} is an entry beside the Gateway"


def _autoscaler(each: Registered) -> Iterator[Reference]:
    target = each.spec["scaleTargetRef"]
    yield Reference(title(each), target["kind"], each.namespace, target["name"])


def _stateful_set(each: Registered) -> Iterator[Reference]:
    yield Reference(title(each), "Service", each.namespace, each.spec["serviceName"])


def _gateway(each: Registered) -> Iterator[Reference]:
    for listener in each.spec["listeners"]:
        for chosen in listener.get("tls", {}).get("certificateRefs", ()):
            yield Reference(title(each), chosen["kind"], each.namespace, chosen["name"], _PAIR)


def _route(each: Registered) -> Iterator[Reference]:
    for parent in each.spec["parentRefs"]:
        yield Reference(title(each), "Gateway", each.namespace, parent["name"])
    for rule in each.spec["rules"]:
        for target in rule.get("backendRefs", ()):
            yield Reference(title(each), "Service", each.namespace, target["name"])


def _encryption(each: Registered) -> Iterator[Reference]:
    for target in each.spec["targetRefs"]:
        yield Reference(title(each), target["kind"], each.namespace, target["name"])
    for authority in each.spec["validation"]["caCertificateRefs"]:
        yield Reference(title(each), authority["kind"], each.namespace, authority["name"], frozenset({"ca.crt"}))


_REFERENCES: dict[str, Callable[[Registered], Iterator[Reference]]] = {
    "HorizontalPodAutoscaler": _autoscaler,
    "StatefulSet": _stateful_set,
    "Gateway": _gateway,
    "HTTPRoute": _route,
    "BackendTLSPolicy": _encryption,
}
