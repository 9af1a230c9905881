"""Spread: a lost host takes one instance of a cluster with it, or of many no more than a share."""

from collections.abc import Iterator

from model.limits import MIN_NODES
from policies.pack import clusters
from policies.pack.kubernetes.selectors import matches
from policies.pack.kubernetes.workloads import Workload
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.values import Value

_HOST = "kubernetes.io/hostname"
_REVISION = "pod-template-hash"
_EACH_ITS_OWN = frozenset({"apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name"})
"""Labels that tell each pod of a set from the others, so that none of them is compared with another."""
_HOSTS = "hosts"
_SCHEDULER = "default-scheduler"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


@rule(
    "instances-on-hosts-of-their-own",
    severity=Severity.HIGH,
    remedy=f"Add a topology spread constraint on {_HOST} that selects the workload's pods and no others, with "
    "maxSkew 1, whenUnsatisfiable: DoNotSchedule, nodeTaintsPolicy: Honor, minDomains of at least the instances and in "
    f"a Deployment, matchLabelKeys: [{_REVISION}] (there the option {_HOSTS} limits what minDomains must be); or a "
    "required anti-affinity on the same key. Name no host.",
    options=(
        Option("required", default=True, description="Whether a preference for other hosts is not enough."),
        Option(_HOSTS, MIN_NODES, "Hosts that a Deployment's instances need at least; fewer have one each.", least=2),
    ),
    relaxable=True,
)
def instances_on_hosts_of_their_own(stack: StackView, options: Options) -> Iterator[Finding]:
    """A lost host takes one instance of a cluster with it, or of many no more than a share."""
    required = options.switch("required")
    for workload in stack.workloads:
        scale = stack.scale(workload)
        if workload.ends or not scale.several:
            continue
        hosts = _hosts_for(workload, scale.least, options.number(_HOSTS))
        for problem in _brought_together(workload, hosts):
            yield Finding(workload.resource, problem)
        if not _spread(stack, workload, hosts if required else None) and not _kept_apart(
            workload, (workload,), required=required
        ):
            what = "does not require" if required else "does not even prefer"
            which = "hosts of their own" if hosts >= scale.least else f"{hosts} hosts"
            count = scale.least if scale.most is not None else "unknown number of"
            yield Finding(workload.resource, f"{what} {which} for its {count} instances")
    yield from _single_ones(stack, required=required)


def _single_ones(stack: StackView, *, required: bool) -> Iterator[Finding]:
    """A cluster can be made of many workloads with an instance each; to Kubernetes they have nothing in common."""
    for cluster in (clusters.collectors, clusters.console_apis, clusters.consoles, clusters.searches):
        found = cluster(stack)
        for workload in found:
            if (
                len(found) > 1
                and not stack.scale(workload).several
                and not _kept_apart(workload, found, required=required)
            ):
                others = ", ".join(other.label for other in found if other is not workload)
                yield Finding(workload.resource, f"does not require another host than {others}, which does the same")


def _hosts_for(workload: Workload, instances: int, enough: int) -> int:
    """How many hosts a cluster must have; instances of a set have data, and two on one host would be lost together."""
    return min(instances, enough) if workload.resource.kind == "Deployment" else instances


def _brought_together(workload: Workload, needed: int) -> Iterator[str]:
    pod = workload.pod
    if pod["nodeName"].given:
        yield "names the one node that all its instances run on"
    if pod["schedulerName"].given and pod["schedulerName"].text != _SCHEDULER:
        yield "has a scheduler that these rules do not know"
    if pod["nodeSelector"].hidden or pod["nodeSelector"][_HOST].given:
        yield "selects the one host that all its instances run on"
    if pod["affinity"].hidden or pod.at("affinity", "nodeAffinity").hidden:
        yield "has an affinity that cannot be seen"
    terms = list(pod.at("affinity", "nodeAffinity", _REQUIRED, "nodeSelectorTerms"))
    named = [_hosts(term) for term in terms]
    if named and all(hosts is not None for hosts in named):
        hosts = frozenset(host for each in named for host in each or ())
        if len(hosts) < max(needed, 2):
            yield f"may run on {len(hosts)} named hosts only"
    for term in _pod_terms(pod.at("affinity", "podAffinity")):
        if (
            term["topologyKey"].text in {_HOST, None}
            and matches(term["labelSelector"], workload.known_labels) is not False
        ):
            yield "draws its instances to the same host (podAffinity)"


def _hosts(term: Value) -> frozenset[str] | None:
    """The hosts that a term of a node affinity limits pods to; None where it names none."""
    expressions = [entry for entry in term["matchExpressions"] if entry["key"].text == _HOST]
    fields = [entry for entry in term["matchFields"] if entry["key"].text == "metadata.name"]
    named = [frozenset(entry["values"].words) for entry in (*expressions, *fields) if entry["operator"].text == "In"]
    return frozenset.intersection(*named) if named else None


def _spread(stack: StackView, workload: Workload, needed: int | None) -> bool:
    """Whether a constraint spreads instances: over so many hosts, or at all."""
    return any(
        _spreads(constraint, workload, required=needed is not None)
        and _selects_only(stack, constraint["labelSelector"], workload)
        and (needed is None or (_holds(constraint, needed) and stack.scale(workload).most is not None))
        for constraint in workload.pod["topologySpreadConstraints"]
    )


def _spreads(constraint: Value, workload: Workload, *, required: bool) -> bool:
    keys = constraint["matchLabelKeys"]
    revised = required and workload.resource.kind == "Deployment"
    return (
        constraint["topologyKey"].text == _HOST
        and constraint["maxSkew"].number == 1
        and _compares(keys)
        # Otherwise a rolling update counts what it replaces, and puts two new pods beside each other.
        and (not revised or _REVISION in keys.words)
    )


def _holds(constraint: Value, needed: int) -> bool:
    """Whether the scheduler obeys, and has not to wait for hosts that never take a pod."""
    affinity = constraint["nodeAffinityPolicy"]
    return (
        constraint["whenUnsatisfiable"].text == "DoNotSchedule"
        and constraint["nodeTaintsPolicy"].text == "Honor"
        and (not affinity.given or affinity.text == "Honor")
        and (constraint["minDomains"].number or 1) >= needed
    )


def _selects_only(stack: StackView, selector: Value, workload: Workload) -> bool:
    """Whether `selector` selects the pods of `workload`; with others among them, these could make up for a skew."""
    if not selector.given or matches(selector, workload.known_labels) is not True:
        return False
    return all(
        matches(selector, other.known_labels) is False
        for other in stack.workloads
        if other.namespace == workload.namespace and other is not workload
    )


def _kept_apart(workload: Workload, all_of: tuple[Workload, ...], *, required: bool) -> bool:
    """Whether an anti-affinity of `workload` keeps its pods away from the pods of `all_of`."""
    affinity = workload.pod.at("affinity", "podAntiAffinity")
    terms = list(affinity[_REQUIRED]) if required else list(_pod_terms(affinity))
    return any(
        term["topologyKey"].text == _HOST
        and term["labelSelector"].given
        and not term["mismatchLabelKeys"].given
        and _compares(term["matchLabelKeys"])
        and all(
            matches(term["labelSelector"], other.known_labels) is True and _looks_into(term, workload, other)
            for other in all_of
        )
        for term in terms
    )


def _pod_terms(affinity: Value) -> Iterator[Value]:
    """The terms of an affinity between pods, those that are only preferred among them."""
    yield from affinity[_REQUIRED]
    for weighted in affinity[_PREFERRED]:
        yield weighted["podAffinityTerm"]


def _looks_into(term: Value, workload: Workload, other: Workload) -> bool:
    if term["namespaceSelector"].given:
        # The empty one selects every namespace; labels of namespaces are not ours to know.
        return term["namespaceSelector"].raw == {} or other.namespace in term["namespaces"].words
    return other.namespace in (term["namespaces"].words if term["namespaces"].given else (workload.namespace,))


def _compares(keys: Value) -> bool:
    """Whether pods that are alike but for their names are compared with each other."""
    seen = not keys.given or (isinstance(keys.raw, list) and len(keys.words) == len(keys.raw))
    return seen and not _EACH_ITS_OWN.intersection(keys.words)
