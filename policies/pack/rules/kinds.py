"""Kinds of resources, and objects that are declared: whether all that there is can be judged."""

from collections.abc import Iterator

from policies.pack.resources import Resource
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView

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

_HARMLESS_PACKAGES = frozenset({"random", "tls"})
"""Providers that compute, and reach nothing."""
_ENGINE = frozenset({"pulumi:index:Stash", "pulumi:pulumi:Stack", "pulumi:pulumi:StackReference"})
_PROVIDERS = "pulumi:providers:"

_CLUSTER_WIDE = frozenset({"Namespace", "PriorityClass"})
_GROUPS = frozenset({"kustomize", "helm.sh", "yaml"})


@rule(
    "only-kinds-that-are-judged",
    severity=Severity.HIGH,
    remedy="Use a kind that the rules judge, or list this one in alsoAllowed of the pack's configuration once you have "
    "made sure that it neither runs pods nor opens an entry.",
    options=(
        Option(
            "alsoAllowed",
            (),
            "Further kinds that are allowed: group/Kind of Kubernetes objects, the whole type of other resources.",
            local=True,
        ),
    ),
)
def only_kinds_that_are_judged(stack: StackView, options: Options) -> Iterator[Finding]:
    """No resource runs pods or opens an entry in a way that these rules do not look at."""
    allowed = {*_JUDGED, *options.words("alsoAllowed")}
    for resource in stack.resources:
        if resource.is_kubernetes_object:
            if resource.group_kind not in allowed:
                yield Finding(resource, f"is of kind {resource.group_kind}, which no rule judges")
            elif problem := _disguised(resource):
                yield Finding(resource, problem)
        elif resource.raw.made and not _harmless(resource.raw.token) and resource.raw.token not in allowed:
            yield Finding(resource, f"is of type {resource.raw.token}, which no rule judges")


def _harmless(token: str) -> bool:
    return token.partition(":")[0] in _HARMLESS_PACKAGES or token in _ENGINE or token.startswith(_PROVIDERS)


def _disguised(resource: Resource) -> str | None:
    """How what is sent to Kubernetes differs from what the resource is called."""
    version, kind = resource.properties["apiVersion"], resource.properties["kind"]
    group = resource.group_kind.partition("/")[0]
    if group in _GROUPS:
        return None
    if kind.given and kind.text != resource.kind:
        return f"calls itself {kind.text or 'something that cannot be seen'}"
    said = version.text or ""
    # The core group has no name, and a version alone.
    if version.given and (said.partition("/")[0] if "/" in said else "core" if said else "") != group:
        return f"calls itself one of {said or 'a group that cannot be seen'}"
    return None


@rule(
    "objects-are-declared-once",
    severity=Severity.HIGH,
    remedy="Declare each object once, in one cluster, with a name that is written down: of two, one would be judged "
    "and the other applied.",
)
def objects_are_declared_once(stack: StackView, _: Options) -> Iterator[Finding]:
    """What is judged is what is applied: no two resources are one object, and all objects are in one cluster."""
    seen: dict[tuple[str, str, str], Resource] = {}
    clusters: dict[str, Resource] = {}
    for resource in stack.resources:
        if not resource.is_kubernetes_object or not resource.raw.made:
            continue
        metadata = resource.properties["metadata"]
        if metadata.hidden or metadata["name"].hidden or metadata["namespace"].hidden:
            yield Finding(resource, "has a name or namespace that cannot be seen")
        elif metadata["name"].text:
            other = seen.setdefault(_identity(resource), resource)
            if other is not resource:
                yield Finding(resource, f"is declared twice, as {other.raw.name} and as {resource.raw.name}")
        if resource.raw.provider is not None:
            clusters.setdefault(resource.raw.provider, resource)
    ordered = list(clusters.values())
    for resource in ordered[1:]:
        yield Finding(resource, f"has another provider than {ordered[0].label}, so perhaps another cluster")


def _identity(resource: Resource) -> tuple[str, str, str]:
    namespace = "" if resource.kind in _CLUSTER_WIDE else resource.namespace
    return resource.group_kind, namespace, resource.object_name
