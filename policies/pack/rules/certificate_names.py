"""Who shows which certificate: strangers see none of the stack's own, and everybody one for the host that they ask."""

from collections.abc import Iterable, Iterator

from policies.pack.entry.base import Entry
from policies.pack.entry.gateways import RouteEntry
from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.mounts import Kind, Place
from policies.pack.kubernetes.objects import Proxy
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.programs.haproxy.configuration import Bind, Section
from policies.pack.programs.haproxy.hosts import insisted_hosts
from policies.pack.programs.haproxy.listening import certificate_files, encrypts, only_redirects, redirect_hosts
from policies.pack.programs.haproxy.verification import encrypted, servers
from policies.pack.programs.router import routes
from policies.pack.resources import Resource
from policies.pack.roles import Role, store_addresses
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.tls.certificates import Certificate, of_pods, shown_at, uncovered
from policies.pack.tls.gateway_certificates import gateways_of, listener_certificates, secure_listeners
from policies.pack.tls.trust import pods_at
from policies.pack.unreadable import UnreadableError

_REQUIRED = "required"


@rule(
    "certificates-name-their-hosts",
    severity=Severity.HIGH,
    remedy="Put every host name into the certificate that is shown for it (dnsNames): those that a proxy answers for "
    "and redirects to, those of routes, and those by which others in the cluster verify pods.",
)
def certificates_name_their_hosts(stack: StackView, _: Options) -> Iterator[Finding]:
    """Whoever is asked for a host shows a certificate for it."""
    verified = _verified_by_gateways(stack)
    for proxy in stack.proxies:
        if proxy.configuration is not None:
            wanted = verified.get(proxy.workload.resource.urn)
            for problem in dict.fromkeys(_of_proxy(stack, proxy, wanted)):
                yield Finding(proxy.workload.resource, f"{problem} in container {proxy.container.name}")
    for entry in stack.entries:
        if isinstance(entry, RouteEntry):
            yield from _of_route(stack, entry.resource)
    for client, host, pods in _verifying(stack):
        found = of_pods(stack, pods)
        # Pods without a certificate of the stack may show one that others write, or have it in their image.
        if found and uncovered(host, found):
            yield Finding(pods.resource, f"shows no certificate for {host}, by which {client} verifies it")


def _verified_by_gateways(stack: StackView) -> dict[str, frozenset[str]]:
    """By which names Gateways verify pods; those of the internet are then the Gateway's own."""
    found: dict[str, frozenset[str]] = {}
    for entry in stack.entries:
        if not isinstance(entry, RouteEntry):
            continue
        for service, _ in entry.services:
            hosts = frozenset(
                host
                for policy in stack.of_kind("BackendTLSPolicy")
                if policy.namespace == service.namespace
                and service.object_name in [target["name"].text for target in policy.spec["targetRefs"]]
                and (host := policy.spec.at("validation", "hostname").text)
            )
            for workload in stack.selected(service):
                urn = workload.resource.urn
                found[urn] = found.get(urn, frozenset()) | hosts
    return found


def _of_proxy(stack: StackView, proxy: Proxy, verified: frozenset[str] | None) -> Iterator[str]:
    sections = proxy.configuration.sections if proxy.configuration else ()
    secure = [(section, bind) for section in sections for bind in section.binds if encrypts(bind) and not bind.private]
    for section, bind in secure:
        for path in _paths(proxy, bind):
            found = _place(stack, proxy, path)
            if found is None or (isinstance(found, Place) and _open(found)):
                yield f"frontend {section.name} shows {path}, which no Secret holds,"
        shown = _shown(stack, proxy, bind)
        for host in sorted(verified if verified is not None else insisted_hosts(section)):
            if shown is not None and uncovered(host, shown):
                yield f"frontend {section.name} shows no certificate for {host}"
    known = [shown for _, bind in secure if (shown := _shown(stack, proxy, bind)) is not None]
    if known and len(known) == len(secure):
        yield from _misled(sections, [certificate for shown in known for certificate in shown])


def _misled(sections: Iterable[Section], shown: list[Certificate]) -> Iterator[str]:
    """Redirects to hosts for which the proxy shows no certificate."""
    for section in sections:
        for host in redirect_hosts(section) if only_redirects(section) else ():
            if uncovered(host, shown):
                yield f"frontend {section.name} redirects to {host}, for which there is no certificate"


def _open(found: Place) -> bool:
    """Whether nothing but ConfigMaps is there, which are no place for a key."""
    return bool(found.sources) and all(source.kind is Kind.CONFIG_MAP for source in found.sources)


def _paths(proxy: Proxy, bind: Bind) -> tuple[str, ...]:
    return certificate_files(proxy.configuration, bind) if proxy.configuration else ()


def _place(stack: StackView, proxy: Proxy, path: str) -> tuple[Certificate, ...] | Place | None:
    return shown_at(stack, proxy.workload, proxy.container, path)


def _shown(stack: StackView, proxy: Proxy, bind: Bind) -> tuple[Certificate, ...] | None:
    """The certificates of `bind`; None where one of them cannot be told."""
    found = [_place(stack, proxy, path) for path in _paths(proxy, bind)]
    known = [certificates for certificates in found if isinstance(certificates, tuple)]
    return (
        tuple(certificate for shown in known for certificate in shown) if known and len(known) == len(found) else None
    )


def _of_route(stack: StackView, route: Resource) -> Iterator[Finding]:
    for gateway, _ in gateways_of(stack, route):
        together: list[Certificate] = []
        for listener in secure_listeners(gateway):
            shown = listener_certificates(stack, gateway, listener)
            if shown is None:
                break
            together += shown
            host = listener["hostname"].text
            if host and not _covered(host, shown):
                yield Finding(gateway, f"has a listener that shows no certificate for {host}")
        else:
            for host in (*route.spec["hostnames"].words, *_redirected(route)):
                if together and not _covered(host, together):
                    yield Finding(gateway, f"shows no certificate for {host}, which {route.label} is for")


def _redirected(route: Resource) -> Iterator[str]:
    """The hosts that a route sends clients to."""
    for entry in route.spec["rules"]:
        for filter_ in entry["filters"]:
            if host := filter_.at("requestRedirect", "hostname").text:
                yield host


def _covered(host: str, certificates: Iterable[Certificate]) -> bool:
    """Whether a certificate is for `host`, which may be for a whole domain itself."""
    return any(host.lower() in certificate.names or certificate.covers(host) for certificate in certificates)


def _verifying(stack: StackView) -> Iterator[tuple[str, str, Workload]]:
    """Who verifies pods of the stack by which name."""
    met = set()
    for client, host, namespace in (*_of_proxies(stack), *_of_containers(stack)):
        for pods in pods_at(stack, host, namespace):
            if (key := (client, host, pods.resource.urn)) not in met:
                met.add(key)
                yield client, host, pods


def _of_proxies(stack: StackView) -> Iterator[tuple[str, str, str]]:
    for proxy in stack.proxies:
        for _, server in servers(proxy.configuration) if proxy.configuration else ():
            if encrypted(server):
                yield proxy.workload.label, server.target.host, proxy.workload.namespace


def _of_containers(stack: StackView) -> Iterator[tuple[str, str, str]]:
    for workload in stack.workloads:
        for container in workload.containers:
            hosts = [host for role, host, _ in store_addresses(container) if role is Role.ELASTICSEARCH]
            hosts += _destinations(workload, container) if container.program is Program.MYSQL_ROUTER else []
            yield from ((workload.label, host, workload.namespace) for host in hosts)


def _destinations(workload: Workload, container: Container) -> list[str]:
    try:
        found = routes(workload, container)
    except UnreadableError:
        return []
    return [host for route in found for host in route.hosts]


@rule(
    "public-certificates-are-trusted",
    severity=Severity.HIGH,
    remedy="Take the certificate of an entry that strangers use from an issuer that their browsers know: a Certificate "
    "of cert-manager, or a Secret that others keep.",
    options=(
        Option(
            _REQUIRED, default=True, description="Whether strangers' browsers have to accept the entries.", local=True
        ),
    ),
)
def public_certificates_are_trusted(stack: StackView, options: Options) -> Iterator[Finding]:
    """Strangers are shown no certificate that an authority of the stack's own has signed."""
    if not options.switch(_REQUIRED):
        return
    for entry in stack.internet_entries:
        met = set()
        for resource, certificate in _shown_to_strangers(stack, entry):
            if certificate.own and (key := (resource.urn, certificate.resource.urn)) not in met:
                met.add(key)
                signed = f"shows a certificate that the stack itself has signed ({certificate.resource.label})"
                yield Finding(resource, f"{signed}; {entry.label} leads there")


def _shown_to_strangers(stack: StackView, entry: Entry) -> Iterator[tuple[Resource, Certificate]]:
    if isinstance(entry, RouteEntry):
        for gateway, _ in gateways_of(stack, entry.resource):
            for listener in secure_listeners(gateway):
                for certificate in listener_certificates(stack, gateway, listener) or ():
                    yield gateway, certificate
        return
    first = {answering.workload.resource.urn for answering in entry.reach.answering} & {
        workload.resource.urn for workload in entry.workloads
    }
    for proxy in stack.proxies:
        for section in proxy.configuration.sections if proxy.configuration else ():
            answers = any(found.frontend == section for found in entry.reach.answering)
            if proxy.workload.resource.urn not in first or not answers:
                continue
            for bind in section.binds:
                for certificate in _shown(stack, proxy, bind) or ():
                    yield proxy.workload.resource, certificate
