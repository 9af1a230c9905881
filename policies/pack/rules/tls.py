"""TLS: towards clients at every entry, and from proxies and Gateways to what is behind them."""

from collections.abc import Iterator

from policies.pack.entry.gateways import RouteEntry
from policies.pack.kubernetes.objects import Proxy
from policies.pack.programs.haproxy.configuration import Configuration, Section, Server
from policies.pack.programs.haproxy.listening import encrypts, only_redirects
from policies.pack.programs.haproxy.listening import weakness as weakness_of_bind
from policies.pack.programs.haproxy.verification import authority_file, encrypted, servers, weakness
from policies.pack.resources import Resource
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.tls.trust import lacks_authority, unknown_authority
from policies.pack.values import Value


@rule(
    "entries-serve-tls",
    severity=Severity.CRITICAL,
    remedy="Bind with ssl, crt and ssl-min-ver TLSv1.2 (or set ssl-default-bind-options), offer suites with "
    "authentication and encryption alone, and let a port without TLS answer nothing but a redirect to https.",
)
def entries_serve_tls(stack: StackView, _: Options) -> Iterator[Finding]:
    """Every entry speaks TLS 1.2 or newer; plain HTTP is redirected."""
    for entry in stack.entries:
        if entry.plain_because:
            yield Finding(entry.resource, entry.plain_because)
        if isinstance(entry, RouteEntry):
            yield from (Finding(entry.resource, problem) for problem in _redirects(entry.resource))
        for end in entry.reach.ends:
            if not end.proxied:
                yield Finding(end.workload.resource, f"answers {entry.label} itself, without a proxy that speaks TLS")
        first = [answering for answering in entry.reach.answering if answering.workload in entry.workloads]
        for answering in first:
            for problem in _problems(answering.configuration, answering.frontend):
                where = f"frontend {answering.frontend.name} {problem}"
                yield Finding(answering.workload.resource, f"{where}; {entry.label} leads there")


def _problems(configuration: Configuration, frontend: Section) -> Iterator[str]:
    """What is wrong at any of the addresses that `frontend` listens on: a Service may lead to each of them."""
    for bind in frontend.binds:
        if bind.private:
            continue
        if encrypts(bind):
            problem = weakness_of_bind(configuration, bind)
        else:
            problem = None if only_redirects(frontend) else "answers without TLS"
        if problem:
            yield problem


def _redirects(route: Resource) -> Iterator[str]:
    for entry in route.spec["rules"]:
        if any(filter_["type"].text == "RequestRedirect" and not _to_https(filter_) for filter_ in entry["filters"]):
            yield "redirects requests without the scheme https"


def _to_https(filter_: Value) -> bool:
    return filter_.at("requestRedirect", "scheme").text == "https"


@rule(
    "backends-are-verified",
    severity=Severity.CRITICAL,
    remedy="Give each server that is spoken to over TLS ssl verify required, verifyhost with the name under which it "
    "is found, ca-file with the authority that signed its certificate, and ssl-min-ver TLSv1.2 (or set "
    "ssl-default-server-options).",
)
def backends_are_verified(stack: StackView, _: Options) -> Iterator[Finding]:
    """A proxy that speaks TLS to what is behind it makes sure whom it speaks to."""
    for proxy in stack.proxies:
        if proxy.configuration is None:
            continue
        for section, server in servers(proxy.configuration):
            if problem := encrypted(server) and _unverified(stack, proxy, proxy.configuration, server):
                where = f"{section.keyword} {section.name} of container {proxy.container.name}"
                yield Finding(proxy.workload.resource, f"{server.target.host} {problem}, in {where}")


def _unverified(stack: StackView, proxy: Proxy, configuration: Configuration, server: Server) -> str | None:
    if problem := weakness(configuration, server):
        return problem
    file, host = authority_file(configuration, server), server.target.host
    unknown = unknown_authority(stack, proxy.workload, proxy.container, file, host)
    return f"is refused: the proxy {unknown}" if unknown else None


@rule(
    "gateways-verify-balancers",
    severity=Severity.HIGH,
    remedy="Add a BackendTLSPolicy for the Service, with the host name of its pods' certificate and the authority that "
    "signed it.",
)
def gateways_verify_balancers(stack: StackView, _: Options) -> Iterator[Finding]:
    """A Gateway speaks TLS to what is behind it, and makes sure whom it speaks to."""
    for entry in stack.entries:
        if isinstance(entry, RouteEntry):
            for service, _port in entry.services:
                verifying = [policy for policy in stack.of_kind("BackendTLSPolicy") if _verifies(policy, service)]
                if not verifying:
                    yield Finding(service, f"has no BackendTLSPolicy that verifies its pods; {entry.label} leads there")
                for policy in verifying:
                    if lacks_authority(stack, policy, stack.selected(service)):
                        yield Finding(policy, f"does not name the authority that signs for the pods of {service.label}")


def _verifies(policy: Resource, service: Resource) -> bool:
    meant = any(
        (target["kind"].text, target["name"].text) == ("Service", service.object_name)
        # One that is for a port of it says nothing about the others.
        and not target["sectionName"].given
        and (target["group"].text == "" or not target["group"].given)
        for target in policy.spec["targetRefs"]
    )
    validation = policy.spec["validation"]
    authority = any(validation["caCertificateRefs"]) or validation["wellKnownCACertificates"].text == "System"
    return meant and policy.namespace == service.namespace and bool(validation["hostname"].text) and authority
