"""What holds for everything by which pods reach each other."""

import re
from collections.abc import Iterator

from components.context import context_of
from model.lifecycle import SURGE
from model.roles import Role, Tier
from settings.root import Settings
from tests.unit.engine import JsonObject, Recording, Registered
from tests.unit.invariants.view import containers, kubernetes, labels, place, role, selected, title

Faults = Iterator[str]

_EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})
_NAMESPACE_NAME = "kubernetes.io/metadata.name"
_OUTSIDE = frozenset({"LoadBalancer", "NodePort"})


def namespaces_are_closed(recording: Recording, settings: Settings) -> Faults:
    """Each namespace is restricted, and closed in both directions but for what a policy opens."""
    context = context_of(settings)
    expected = {context.namespace(tier) for tier in Tier}
    found = {each.object_name: each for each in recording.of_kind("Namespace")}
    if found.keys() != expected:
        yield f"the namespaces are {sorted(found)}"
    closed = {
        policy.namespace
        for policy in recording.of_kind("NetworkPolicy")
        if policy.spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    }
    for name, namespace in found.items():
        if namespace.inputs["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{name} is not restricted"
        if name not in closed:
            yield f"{name} is open"


def policies_name_every_peer(recording: Recording, _: Settings) -> Faults:
    """An empty list of peers or ports means all of them, so none is empty."""
    for policy in recording.of_kind("NetworkPolicy"):
        if sorted(policy.spec["policyTypes"]) != ["Egress", "Ingress"]:
            yield f"{title(policy)} leaves a direction to others"
        for direction, ends in (("ingress", "from"), ("egress", "to")):
            for rule in policy.spec.get(direction, ()):
                if not rule.get(ends) or not rule.get("ports"):
                    yield f"{title(policy)} opens {direction} to everybody: {rule}"
                for peer in rule.get(ends, ()):
                    named = peer.get("namespaceSelector", {}).get("matchLabels", {}).get(_NAMESPACE_NAME)
                    if not named and "ipBlock" not in peer:
                        yield f"{title(policy)} names no peer: {peer}"


def the_internet_meets_the_public_balancer_alone(recording: Recording, settings: Settings) -> Faults:
    """Networks that are everybody's come in at one place, and go out nowhere."""
    trusted = {str(network) for network in settings.network.trusted}
    public = {"track-balancer", "track-balancer-entry"}
    for policy in recording.of_kind("NetworkPolicy"):
        for direction, ends in (("ingress", "from"), ("egress", "to")):
            blocks = {
                peer["ipBlock"]["cidr"]
                for rule in policy.spec.get(direction, ())
                for peer in rule.get(ends, ())
                if "ipBlock" in peer
            }
            if blocks & _EVERYWHERE and (direction == "egress" or policy.object_name not in public):
                yield f"{title(policy)} is open to the internet"
    for service in recording.of_kind("Service"):
        if service.spec.get("type", "ClusterIP") not in _OUTSIDE or service.object_name in public:
            continue
        if service.object_name not in {"gui-balancer-entry", "gui-api-balancer-entry"}:
            yield f"{title(service)} is an entry"
        elif service.spec["type"] == "LoadBalancer" and set(service.spec["loadBalancerSourceRanges"]) != trusted:
            yield f"{title(service)} admits {service.spec['loadBalancerSourceRanges']}"


def selectors_meet_one_role(recording: Recording, _: Settings) -> Faults:
    """Whatever chooses pods by labels chooses those of one workload; no Service leads to a port that is closed."""
    for each in kubernetes(recording):
        kind = each.inputs["kind"]
        if kind not in {"Service", "PodDisruptionBudget", "NetworkPolicy", "Deployment", "StatefulSet"}:
            continue
        selector = _selector(each)
        if kind == "NetworkPolicy" and not selector:
            continue
        found = selected(recording, each.namespace, selector)
        if len(found) != 1:
            yield f"{title(each)} selects {[title(workload) for workload in found]}"
        elif each.inputs["metadata"]["labels"].get("app.kubernetes.io/component") != role(found[0]):
            yield f"{title(each)} belongs to another role than {title(found[0])}"
        elif kind == "Service":
            open_ports = {
                port["containerPort"] for container in containers(found[0]) for port in container.get("ports", ())
            }
            closed = {port["targetPort"] for port in each.spec["ports"]} - open_ports
            if closed:
                yield f"{title(each)} leads to {closed}, where nobody listens"


def _selector(resource: Registered) -> JsonObject:
    match resource.inputs["kind"]:
        case "Service":
            return dict(resource.spec["selector"])
        case "NetworkPolicy":
            return dict(resource.spec["podSelector"].get("matchLabels", {}))
        case _:
            return dict(resource.spec["selector"]["matchLabels"])


def balancers_have_a_slot_for_every_instance(recording: Recording, settings: Settings) -> Faults:
    """A missing slot silently starves an instance, the extra one of a rolling update included."""
    context = context_of(settings)
    pattern = re.compile(r"server-template \S+ (\d+) (\S+):\d+$", re.MULTILINE)
    most = {
        each.spec["scaleTargetRef"]["name"]: int(each.spec["maxReplicas"])
        for each in recording.of_kind("HorizontalPodAutoscaler")
    }
    wanted = {
        Role.TRACK_BALANCER: Role.TRACK_API,
        Role.GUI_API_BALANCER: Role.GUI_API,
        Role.GUI_BALANCER: Role.GUI,
    }
    for balancer, instances in wanted.items():
        if balancer not in context.roles:
            continue
        text = recording.find("ConfigMap", balancer.value).inputs["data"]["haproxy.cfg"]
        workload = recording.find("Deployment", instances.value)
        needed = most.get(workload.object_name, int(workload.spec["replicas"])) + SURGE
        found = [(int(slots), host) for slots, host in pattern.findall(text)]
        if [host for _, host in found] != [context.host(instances)]:
            yield f"{balancer} leads to {found}"
        elif found[0][0] < needed:
            yield f"{balancer} has {found[0][0]} slots for {needed} instances of {instances}"


def names_fit_kubernetes(recording: Recording, settings: Settings) -> Faults:
    """Every object has a name and a place of its own, and its labels are what Kubernetes takes."""
    inside = {context_of(settings).namespace(tier) for tier in Tier}
    seen = set()
    for each in kubernetes(recording):
        kind, namespace, name = place(each)
        if (namespace if kind != "Namespace" else name) not in inside:
            yield f"{title(each)} is outside the installation"
        if len(name) > 63 or not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name):  # a label's rule fits every kind
            yield f"{title(each)} has a name that not every kind may have"
        if place(each) in seen:
            yield f"{title(each)} is made twice"
        seen.add(place(each))
        told = dict(each.inputs["metadata"].get("labels", {}))
        for value in (told | (labels(each) if "template" in each.inputs.get("spec", {}) else {})).values():
            if len(value) > 63 or not re.fullmatch(r"([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?", value):
                yield f"{title(each)} has the label {value}"
