"""Whether those who verify a certificate know the authority that signed it."""

from pathlib import PurePosixPath

from policies.pack.kubernetes.mounts import Kind, Source, place
from policies.pack.kubernetes.objects import Objects
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.resources import Resource
from policies.pack.tls.certificates import of_pods


def pods_at(stack: Objects, host: str, namespace: str) -> tuple[Workload, ...]:
    """The pods that answer as `host`, seen from `namespace`."""
    service = stack.service_at(host, namespace)
    return stack.selected(service) if service else ()


def unknown_authority(
    stack: Objects, workload: Workload, container: Container, file: str | None, host: str
) -> str | None:
    """Why `container`, which verifies with `file`, does not accept the pods that answer as `host`.

    None where it does, and where those who sign for these pods are not in the stack.
    """
    signers = _signers(stack, pods_at(stack, host, workload.namespace))
    if not signers:
        return None
    if not file:
        return "names no file with the authority that signed it, which is the stack's own"
    found = place(workload, container, file)
    if found is None or not found.sources:
        return f"verifies with {file}, which no ConfigMap or Secret holds"
    for source in found.sources:
        if (kept := _kept(stack, workload.namespace, source)) is not None:
            return _stranger(kept, source, found.inside, signers)
    return f"verifies with {file}, which no ConfigMap or Secret of the stack holds"


def lacks_authority(stack: Objects, policy: Resource, pods: tuple[Workload, ...]) -> bool:
    """Whether no object that a BackendTLSPolicy refers to has the authority that signs for `pods`."""
    signers = _signers(stack, pods)
    kept = [
        found
        for reference in policy.spec.at("validation", "caCertificateRefs")
        for found in stack.of_kind(reference["kind"].text or "")
        if (found.namespace, found.object_name) == (policy.namespace, reference["name"].text)
    ]
    return bool(signers) and not any(found.sources("data", "stringData") & signers for found in kept)


def _signers(stack: Objects, pods: tuple[Workload, ...]) -> frozenset[str]:
    shown = [certificate for workload in pods for certificate in of_pods(stack, workload) or ()]
    return frozenset(urn for certificate in shown for urn in certificate.authorities)


def _kept(stack: Objects, namespace: str, source: Source) -> Resource | None:
    kind = "Secret" if source.kind is Kind.SECRET else "ConfigMap"
    return next(
        (
            found
            for found in stack.of_kind(kind)
            if found.is_kubernetes_object and (found.namespace, found.object_name) == (namespace, source.name)
        ),
        None,
    )


def _stranger(kept: Resource, source: Source, inside: PurePosixPath, signers: frozenset[str]) -> str | None:
    properties = ("data", "binaryData", "stringData")
    key = source.key_at(inside)
    seen = [kept.properties[name] for name in properties if kept.properties[name].given]
    if key is None or not (any(data.hidden for data in seen) or any(data[key].given for data in seen)):
        return f"verifies with a file that {kept.label} does not have"
    if not kept.sources(*properties) & signers:
        return f"verifies with {kept.label}, which does not have the authority that signed it"
    return None
