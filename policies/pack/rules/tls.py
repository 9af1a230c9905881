"""TLS: towards clients at every entry, from proxies to what is behind them, and towards Elasticsearch."""

from collections.abc import Iterator

from policies.pack.gateways import RouteEntry
from policies.pack.haproxy.configuration import Section
from policies.pack.haproxy.verification import STRONG, encrypted, oldest_version, servers, weakness
from policies.pack.images import Program
from policies.pack.reach import Answering
from policies.pack.resources import Resource
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView


@rule(
    "entries-serve-tls",
    severity=Severity.CRITICAL,
    remedy="Bind with ssl, crt and ssl-min-ver TLSv1.2 (or set ssl-default-bind-options), and let a port without TLS "
    "answer nothing but a redirect to https.",
)
def entries_serve_tls(stack: StackView, _: Options) -> Iterator[Finding]:
    """Every entry speaks TLS 1.2 or newer; plain HTTP is redirected."""
    for entry in stack.entries:
        if entry.plain_because:
            yield Finding(entry.resource, entry.plain_because)
        for end in entry.reach.ends:
            if not end.proxied:
                yield Finding(end.workload.resource, f"answers {entry.label} itself, without a proxy that speaks TLS")
        for answering in entry.reach.answering:
            if answering.workload in entry.workloads and (problem := _weakness(answering)):
                where = f"frontend {answering.frontend.name} {problem}"
                yield Finding(answering.workload.resource, f"{where}; {entry.label} leads there")


def _weakness(answering: Answering) -> str | None:
    if "ssl" not in answering.bind.parameters:
        return None if _only_redirects(answering.frontend) else "answers without TLS"
    if answering.bind.parameter("crt") is None and answering.bind.parameter("crt-list") is None:
        return "has no certificate"
    oldest = oldest_version(answering.configuration, answering.bind.parameters, "ssl-default-bind-options")
    if oldest is None:
        return "does not say the oldest TLS version that it accepts"
    return None if oldest in STRONG else f"accepts {oldest}"


def _only_redirects(frontend: Section) -> bool:
    redirects = (*frontend.starting("http-request", "redirect"), *frontend.starting("redirect"))
    always = [rest for rest in redirects if "if" not in rest and "unless" not in rest]
    secure = any(rest[:2] == ("scheme", "https") or (rest[1:2] and rest[1].startswith("https://")) for rest in always)
    return secure and frontend.mode == "http" and not frontend.backends and not frontend.targets


@rule(
    "backends-are-verified",
    severity=Severity.CRITICAL,
    remedy="Give each server that is spoken to over TLS ssl verify required, ca-file, verifyhost with the name under "
    "which it is found, and ssl-min-ver TLSv1.2 (or set ssl-default-server-options).",
)
def backends_are_verified(stack: StackView, _: Options) -> Iterator[Finding]:
    """A proxy that speaks TLS to what is behind it makes sure whom it speaks to."""
    for proxy in stack.proxies:
        if proxy.configuration is None:
            continue
        for section, server in servers(proxy.configuration):
            if encrypted(server) and (problem := weakness(proxy.configuration, server)):
                where = f"{section.keyword} {section.name} of container {proxy.container.name}"
                yield Finding(proxy.workload.resource, f"{server.target.host} {problem}, in {where}")


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
                if not any(_verifies(policy, service) for policy in stack.of_kind("BackendTLSPolicy")):
                    yield Finding(service, f"has no BackendTLSPolicy that verifies its pods; {entry.label} leads there")


def _verifies(policy: Resource, service: Resource) -> bool:
    meant = any(
        (target["kind"].text, target["name"].text) == ("Service", service.object_name)
        # One that is for a port of it says nothing about the others.
        and not target["sectionName"].given
        for target in policy.spec["targetRefs"]
    )
    validation = policy.spec["validation"]
    authority = any(validation["caCertificateRefs"]) or validation["wellKnownCACertificates"].text == "System"
    return meant and policy.namespace == service.namespace and bool(validation["hostname"].text) and authority


@rule(
    "elasticsearch-is-verified",
    severity=Severity.HIGH,
    remedy="Set ELASTIC_HOST to https:// addresses, ELASTIC_VERIFY_CERTS to yes, and ELASTIC_CA_FILE where the "
    "authority is your own; releases from 0.9 on do not verify by default.",
)
def elasticsearch_is_verified(stack: StackView, _: Options) -> Iterator[Finding]:
    """Whoever talks to Elasticsearch does so over TLS, and verifies whom it talks to."""
    for workload in stack.workloads:
        for container in workload.containers:
            environment = container.environment
            serves = container.program is Program.API and not workload.ends
            if not serves and "ELASTIC_HOST" not in environment:
                continue
            for name, expected in (("ELASTIC_HOST", "https://"), ("ELASTIC_VERIFY_CERTS", "yes")):
                value = (environment[name].value if name in environment else None) or ""
                if not all(part.strip().startswith(expected) for part in value.split(",")):
                    problem = f"has no {name} that begins with {expected}"
                    yield Finding(workload.resource, f"{problem} in container {container.name}")
