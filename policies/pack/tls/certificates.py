"""Certificates of the stack: what each Secret will hold, told by what it is made of, before anything is made."""

from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.pack.kubernetes.mounts import Kind, Place, mounted_secrets, place
from policies.pack.kubernetes.objects import Objects
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.resources import Resource
from policies.pack.tls import x509
from policies.pack.unreadable import UnreadableError
from policies.pack.values import Value

SECRET_TYPE = "kubernetes.io/tls"  # noqa: S105 - a type of object
_CERTIFICATE = "tls.crt"
_PROVIDER = "tls:index/"
_CERT_MANAGER = "cert-manager.io/"


@dataclass(frozen=True)
class Certificate:
    """A certificate that somebody shows."""

    resource: Resource
    """What declares it."""
    names: frozenset[str]
    authorities: frozenset[str] = frozenset()
    """URNs of what signs it, where that is in the stack."""
    own: bool = False
    """Whether an authority of the stack's own signs it, or nobody but itself."""

    def covers(self, host: str) -> bool:
        """Whether it is for `host`. An asterisk stands for one label."""
        wanted = host.lower().rstrip(".")
        return any(name == wanted or _matches(name, wanted) for name in self.names)


def _matches(name: str, host: str) -> bool:
    first, _, rest = host.partition(".")
    return bool(first) and name.startswith("*.") and name.removeprefix("*.") == rest


def names(*lists: Value) -> frozenset[str]:
    """The names in `lists`, as far as they can be seen."""
    return frozenset(name.lower() for found in lists for name in found.words)


def of_provider(stack: Objects, kind: str) -> tuple[Resource, ...]:
    """The resources of pulumi-tls of `kind`."""
    return tuple(resource for resource in stack.of_kind(kind) if resource.raw.token.startswith(_PROVIDER))


def of_cert_manager(stack: Objects, kind: str) -> tuple[Resource, ...]:
    """The objects of cert-manager of `kind`."""
    return tuple(resource for resource in stack.of_kind(kind) if resource.group_kind.startswith(_CERT_MANAGER))


def made_of(stack: Objects, resource: Resource, kind: str, *properties: str) -> tuple[Resource, ...]:
    """The resources of pulumi-tls of `kind` that went into `properties`."""
    found = (stack.by_urn.get(urn) for urn in sorted(resource.sources(*properties)))
    return tuple(one for one in found if one and one.kind == kind and one.raw.token.startswith(_PROVIDER))


def is_authority(certificate: Resource) -> bool:
    """Whether a certificate of pulumi-tls may sign others."""
    properties = certificate.properties
    return properties["isCaCertificate"].flag is True or "cert_signing" in properties["allowedUses"].words


def texts(secret: Resource) -> Iterator[tuple[str, str]]:
    """The keys of a Secret with their texts, as far as those can be seen."""
    yield from secret.properties["stringData"].texts.items()
    for key, encoded in secret.properties["data"].texts.items():
        try:
            yield key, b64decode(encoded, validate=True).decode("utf-8")
        except ValueError:
            continue


def secrets(stack: Objects, namespace: str, name: str) -> tuple[Resource, ...]:
    """The Secrets of the stack that are called `name` in `namespace`."""
    return tuple(
        secret
        for secret in stack.of_kind("Secret")
        if secret.is_kubernetes_object and (secret.namespace, secret.object_name) == (namespace, name)
    )


def held(stack: Objects, namespace: str, name: str) -> tuple[Certificate, ...] | None:
    """The certificates in the Secret `name`; None where that cannot be told, because others write it."""
    asked = tuple(
        _issued(stack, found)
        for found in of_cert_manager(stack, "Certificate")
        if (found.namespace, found.spec["secretName"].text) == (namespace, name)
    )
    written = secrets(stack, namespace, name)
    if not asked and not written:
        return None
    inside = [_written(stack, secret) for secret in written]
    if any(found is None for found in inside):
        return None
    return (*asked, *(certificate for found in inside for certificate in found or ()))


def _written(stack: Objects, secret: Resource) -> tuple[Certificate, ...] | None:
    made = (
        *made_of(stack, secret, "LocallySignedCert", "data", "stringData"),
        *made_of(stack, secret, "SelfSignedCert", "data", "stringData"),
    )
    leaves = tuple(_signed(stack, found) for found in made if not is_authority(found))
    if leaves:
        return leaves
    shown = dict(texts(secret)).get(_CERTIFICATE, "")
    if x509.has_certificate(shown):
        return _read(secret, shown)
    # One for something else than certificates has none; of any other, nobody can tell.
    return None if secret.properties["type"].text == SECRET_TYPE or secret.properties["type"].hidden else ()


def _read(secret: Resource, text: str) -> tuple[Certificate, ...]:
    try:
        first, *_ = x509.certificates(text)
    except UnreadableError:
        return (Certificate(secret, frozenset()),)
    return (Certificate(secret, first.names, own=first.self_signed),)


def _signed(stack: Objects, certificate: Resource) -> Certificate:
    properties = certificate.properties
    if certificate.kind == "SelfSignedCert":
        found = names(properties["dnsNames"], properties["ipAddresses"])
        return Certificate(certificate, found, frozenset({certificate.urn}), own=True)
    requests = made_of(stack, certificate, "CertRequest", "certRequestPem")
    found = frozenset(
        name
        for request in requests
        for name in names(request.properties["dnsNames"], request.properties["ipAddresses"])
    )
    return Certificate(certificate, found, authorities(stack, certificate), own=True)


def authorities(stack: Objects, certificate: Resource) -> frozenset[str]:
    """URNs of what signs a LocallySignedCert, authorities of authorities included."""
    found: set[str] = set()
    waiting = [certificate]
    while waiting:
        one = waiting.pop()
        for kind in ("SelfSignedCert", "LocallySignedCert"):
            for signer in made_of(stack, one, kind, "caCertPem"):
                if signer.urn not in found:
                    found.add(signer.urn)
                    waiting.append(signer)
    return frozenset(found)


def _issued(stack: Objects, certificate: Resource) -> Certificate:
    spec = certificate.spec
    found = names(spec["dnsNames"], spec["ipAddresses"])
    reference = spec["issuerRef"]
    issuers = [
        issuer
        for issuer in of_cert_manager(stack, reference["kind"].text or "Issuer")
        if issuer.object_name == reference["name"].text
        and (issuer.kind == "ClusterIssuer" or issuer.namespace == certificate.namespace)
    ]
    own = any(issuer.spec["selfSigned"].given or issuer.spec["ca"].given for issuer in issuers)
    return Certificate(certificate, found, own=own)


def shown_at(
    stack: Objects, workload: Workload, container: Container, path: str
) -> tuple[Certificate, ...] | Place | None:
    """The certificates in the file or folder `path`; its place where they cannot be told, None where there is none."""
    found = place(workload, container, path)
    if found is None or not found.sources:
        return found
    inside = [held(stack, workload.namespace, source.name) for source in found.sources if source.kind is Kind.SECRET]
    if not inside or any(certificates is None for certificates in inside):
        return found
    return tuple(certificate for certificates in inside for certificate in certificates or ())


def of_pods(stack: Objects, workload: Workload) -> tuple[Certificate, ...] | None:
    """The certificates that pods can show; None where one of their Secrets is written by others."""
    inside = [
        held(stack, workload.namespace, source.name)
        for source in mounted_secrets(workload)
        if source.shows(_CERTIFICATE)
    ]
    if any(found is None for found in inside):
        return None
    return tuple(certificate for found in inside for certificate in found or ())


def uncovered(host: str, certificates: Iterable[Certificate]) -> bool:
    """Whether none of `certificates` is for `host`."""
    return not any(certificate.covers(host) for certificate in certificates)
