"""Store addresses: how Tracardi is told where its stores are, in the ways that it understands."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from model.credentials import Credential, fits_urls
from policies.pack.credentials.lookup import UNKNOWN_PURPOSE
from policies.pack.credentials.provenance import roots
from policies.pack.kubernetes.workloads import Container
from policies.pack.resources import Resource
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.rules.releases import api_containers, worker_containers
from policies.pack.stack import StackView

_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_HIGHEST_PORT = 65535
_CONTENTS = ("data", "stringData")


@rule(
    "redis-port-is-set",
    severity=Severity.MEDIUM,
    remedy="Set REDIS_PORT to a number: the port inside REDIS_HOST is ignored.",
)
def redis_port_is_set(stack: StackView, _: Options) -> Iterator[Finding]:
    """API pods say which port Redis listens on, and so do workers that use it."""
    users = (found for found in worker_containers(stack) if "REDIS_HOST" in found[1].environment)
    for workload, container in (*api_containers(stack), *users):
        if not _is_port(container, "REDIS_PORT"):
            yield Finding(workload.resource, f"has no number as REDIS_PORT in container {container.name}")


@rule(
    "redis-host-is-a-host",
    severity=Severity.HIGH,
    remedy="Set REDIS_HOST to a host name alone, and put a tunnel in between where Redis wants TLS: Tracardi ignores a "
    "scheme, a port, a user and a database in it, and speaks plain text.",
)
def redis_host_is_a_host(stack: StackView, _: Options) -> Iterator[Finding]:
    """What REDIS_HOST says is what Tracardi does."""
    users = (found for found in worker_containers(stack) if "REDIS_HOST" in found[1].environment)
    for workload, container in (*api_containers(stack), *users):
        variable, port = container.environment.get("REDIS_HOST"), container.environment.get("REDIS_PORT")
        problem = _misread(variable.value, port.value if port else None) if variable else "no REDIS_HOST"
        if problem:
            yield Finding(workload.resource, f"has {problem} in container {container.name}")


def _misread(host: str | None, port: str | None) -> str | None:
    if not host:
        return "a REDIS_HOST that cannot be seen"
    try:
        parts = urlsplit(host if "://" in host else f"redis://{host}")
        told = parts.port
    except ValueError:
        return "a REDIS_HOST that is no address"
    if parts.scheme != "redis":
        return f"a REDIS_HOST that begins with {parts.scheme}://"
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.username is not None or "," in host:
        return "more than a host in REDIS_HOST"
    if told is not None and str(told) != port:
        return "another port in REDIS_HOST than in REDIS_PORT"
    return None


@rule(
    "mysql-port-is-set",
    severity=Severity.MEDIUM,
    remedy="Set MYSQL_PORT to a number: Tracardi puts whatever it finds there into an address, the variable of a "
    "Service link included.",
)
def mysql_port_is_set(stack: StackView, _: Options) -> Iterator[Finding]:
    """API pods and workers that use MySQL say which port it listens on."""
    for workload, container in (*api_containers(stack), *worker_containers(stack)):
        if "MYSQL_HOST" in container.environment and not _is_port(container, "MYSQL_PORT"):
            yield Finding(workload.resource, f"has no number as MYSQL_PORT in container {container.name}")


def _is_port(container: Container, name: str) -> bool:
    variable = container.environment.get(name)
    text = (variable.value if variable else None) or ""
    return _PORT.fullmatch(text) is not None and int(text) <= _HIGHEST_PORT


@rule(
    "mysql-password-fits-a-url",
    severity=Severity.HIGH,
    remedy="Generate it with special: false, or give one of letters, digits and . _ ~ - only: Tracardi puts it into an "
    "address without escaping it.",
)
def mysql_password_fits_a_url(stack: StackView, _: Options) -> Iterator[Finding]:
    """MySQL's password means itself in the address that Tracardi makes of it."""
    reported = set()
    for use in stack.credentials.uses:
        for secret, text in stack.credentials.found(use) if use.credential is Credential.MYSQL else ():
            if not use.in_file and not fits_urls(text) and secret.urn not in reported:
                reported.add(secret.urn)
                yield Finding(secret, f"has under {use.key} a password for MySQL that breaks an address")
    makers = _makers_of_mysql_password(stack)
    if makers and all(map(_breaks_addresses, makers)):
        for maker in makers:
            yield Finding(maker, "makes a password for MySQL that breaks an address")


def _makers_of_mysql_password(stack: StackView) -> list[Resource]:
    """The generators that may have made it: those behind every Secret that holds it, and behind none that does not."""
    holding: dict[str, tuple[Resource, set[str]]] = {}
    for use in stack.credentials.uses:
        for secret in stack.credentials.secrets(use):
            holding.setdefault(secret.urn, (secret, set()))[1].add(use.purpose)
    behind = [
        (purposes, {source.urn for source in roots(stack, secret.sources(*_CONTENTS))})
        for secret, purposes in holding.values()
    ]
    with_it = [sources for purposes, sources in behind if Credential.MYSQL in purposes and sources]
    without = [
        sources
        for purposes, sources in behind
        if not {Credential.MYSQL, UNKNOWN_PURPOSE} & purposes and len(sources) <= len(purposes)
    ]
    possible = set.intersection(*with_it).difference(*without) if with_it else set()
    return [stack.by_urn[urn] for urn in sorted(possible)]


def _breaks_addresses(maker: Resource) -> bool:
    if maker.kind != "RandomPassword":
        return False
    special, chosen = maker.properties["special"], maker.properties["overrideSpecial"]
    if special.given and special.flag is False:
        return False
    # An empty choice is none: the provider then takes its own.
    return not (chosen.text and fits_urls(chosen.text))
