"""TLS at Elasticsearch: at its nodes, and at whoever talks to them."""

import re
from collections.abc import Iterator

from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.programs.elasticsearch import settings
from policies.pack.programs.haproxy.listening import STRONG
from policies.pack.roles import Role, store_addresses
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.tls.trust import unknown_authority
from policies.pack.unreadable import UnreadableError

_SECURITY = "xpack.security"
_DEMANDED = {
    f"{_SECURITY}.enabled": frozenset({"true"}),
    f"{_SECURITY}.http.ssl.enabled": frozenset({"true"}),
    f"{_SECURITY}.transport.ssl.enabled": frozenset({"true"}),
}
_ALLOWED = {
    f"{_SECURITY}.transport.ssl.verification_mode": frozenset({"certificate", "full"}),
    f"{_SECURITY}.transport.ssl.client_authentication": frozenset({"required"}),
    f"{_SECURITY}.http.ssl.verification_mode": frozenset({"certificate", "full"}),
}
"""What a node does if nobody says otherwise is as safe."""
_PROTOCOLS = frozenset({f"{_SECURITY}.http.ssl.supported_protocols", f"{_SECURITY}.transport.ssl.supported_protocols"})
_CIPHERS = frozenset({f"{_SECURITY}.http.ssl.cipher_suites", f"{_SECURITY}.transport.ssl.cipher_suites"})
_WEAK = re.compile(r"NULL|anon|EXPORT|RC4|DES|MD5", re.IGNORECASE)
_FORBIDDEN = f"{_SECURITY}.authc.anonymous."


@rule(
    "elasticsearch-is-verified",
    severity=Severity.HIGH,
    remedy="Set ELASTIC_HOST to https:// addresses, ELASTIC_VERIFY_CERTS to yes, and ELASTIC_CA_FILE to a file with "
    "the authority where that is your own; releases from 0.9 on do not verify by default.",
)
def elasticsearch_is_verified(stack: StackView, _: Options) -> Iterator[Finding]:
    """Whoever talks to Elasticsearch does so over TLS, and verifies whom it talks to."""
    for workload in stack.workloads:
        for container in workload.containers:
            serves = container.program is Program.API and not workload.ends
            if serves or "ELASTIC_HOST" in container.environment:
                for problem in _unverified(stack, workload, container):
                    yield Finding(workload.resource, f"{problem} in container {container.name}")


def _unverified(stack: StackView, workload: Workload, container: Container) -> Iterator[str]:
    addresses = _told(container, "ELASTIC_HOST")
    if not all(address.strip().startswith("https://") for address in addresses.split(",")):
        yield "has no ELASTIC_HOST that begins with https://"
    # Anything else, in any other spelling, is no to Tracardi.
    if _told(container, "ELASTIC_VERIFY_CERTS") != "yes":
        yield "has no ELASTIC_VERIFY_CERTS that is yes"
    if "ELASTIC_SCHEME" in container.environment and _told(container, "ELASTIC_SCHEME") != "https":
        yield "has an ELASTIC_SCHEME that is not https"
    file = _told(container, "ELASTIC_CA_FILE")
    hosts = dict.fromkeys(host for role, host, _ in store_addresses(container) if role is Role.ELASTICSEARCH)
    found = (unknown_authority(stack, workload, container, file, host) for host in hosts)
    yield from (f"does not accept Elasticsearch's certificate: it {problem}" for problem in {*found} - {None})


def _told(container: Container, name: str) -> str:
    """The value of a variable; empty where it cannot be seen."""
    return (container.environment[name].value or "") if name in container.environment else ""


@rule(
    "elasticsearch-serves-tls",
    severity=Severity.CRITICAL,
    remedy="Set xpack.security.enabled, xpack.security.http.ssl.enabled and xpack.security.transport.ssl.enabled to "
    "true in elasticsearch.yml, in a ConfigMap of the stack, and let nodes verify each other.",
)
def elasticsearch_serves_tls(stack: StackView, _: Options) -> Iterator[Finding]:
    """Elasticsearch in the stack asks for a password and speaks TLS, to everybody and among its nodes."""
    for workload in stack.in_role(Role.ELASTICSEARCH):
        for container in _nodes(workload):
            try:
                found = settings(workload, container)
            except UnreadableError as unreadable:
                yield Finding(workload.resource, f"cannot be judged ({unreadable}) in container {container.name}")
                continue
            for problem in dict.fromkeys(each for told in found for each in _open(told)):
                yield Finding(workload.resource, f"{problem} in container {container.name}")


def _nodes(workload: Workload) -> tuple[Container, ...]:
    """The containers that are nodes: those of its image, or any where none has it."""
    known = tuple(container for container in workload.serving if container.program is Program.ELASTICSEARCH)
    return known or workload.serving


def _open(told: dict[str, str]) -> Iterator[str]:
    for name, values in _DEMANDED.items():
        if told.get(name) not in values:
            yield f"does not say {name}: true"
    for name, values in _ALLOWED.items():
        if name in told and told[name] not in values:
            yield f"has {name}: {told[name]}"
    for name, value in told.items():
        if name in _PROTOCOLS and not {each.strip() for each in value.split(",")} <= STRONG:
            yield f"has {name}: {value}"
        if name in _CIPHERS and (weak := next((each for each in value.split(",") if _WEAK.search(each)), None)):
            yield f"offers {weak.strip()} ({name})"
        if name.startswith(_FORBIDDEN):
            yield f"lets in whoever shows no password ({name})"
