"""Plain text inside the cluster: where TLS reaches all the way, nothing listens and nobody connects without it."""

from collections.abc import Iterator

from policies.pack.kubernetes.images import Program
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.programs.haproxy.configuration import Configuration
from policies.pack.programs.haproxy.listening import encrypts, only_redirects, only_reports_health, weakness
from policies.pack.programs.haproxy.verification import encrypted, servers
from policies.pack.programs.nginx import plain_ports
from policies.pack.programs.serving import plain_api
from policies.pack.roles import Role
from policies.pack.rule import Finding, Option, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.unreadable import UnreadableError

_REQUIRED, _EXCEPTIONS = "required", "exceptions"
_JUDGED_ELSEWHERE = frozenset({Role.ELASTICSEARCH, Role.REDIS, Role.MYSQL, Role.PULSAR})
"""Elasticsearch has a rule of its own; Tracardi speaks to the others in plain text only, or through tunnels."""
_LOOPBACK = ("127.", "::1", "localhost", "unix@", "abns@", "/")


@rule(
    "full-encryption-has-no-plain-port",
    severity=Severity.HIGH,
    remedy="Let everything that listens do so with a certificate (HAProxy: bind ... ssl, server ... ssl verify "
    "required; API: --ssl-certfile and --ssl-keyfile; nginx: listen ... ssl), but for redirects to https, or list the "
    "workload in exceptions of the pack's configuration, as namespace/name.",
    options=(
        Option(
            _REQUIRED,
            default=False,
            description="Whether TLS has to reach all the way. Where it does in part, it does.",
        ),
        Option(_EXCEPTIONS, (), "Workloads whose ports may be plain, as namespace/name.", local=True),
    ),
)
def full_encryption_has_no_plain_port(stack: StackView, options: Options) -> Iterator[Finding]:
    """Once TLS reaches further than the balancers, it reaches everything but Redis, MySQL and Pulsar."""
    if not (options.switch(_REQUIRED) or _reaches_inside(stack)):
        return
    exceptions = frozenset(options.words(_EXCEPTIONS))
    for workload in stack.workloads:
        known = f"{workload.namespace}/{workload.resource.object_name}" in exceptions
        if workload.ends or known:
            continue
        for container in workload.serving:
            for problem in dict.fromkeys(_plain(stack, workload, container)):
                yield Finding(workload.resource, f"{problem}, in container {container.name}")


def _reaches_inside(stack: StackView) -> bool:
    """Whether a balancer or an instance behind one speaks TLS; tunnels to stores are another matter."""
    balanced = any(
        encrypted(server)
        for proxy in stack.balancers
        for _, server in (servers(proxy.configuration) if proxy.configuration else ())
    )
    return balanced or any(
        container.program is Program.API and plain_api(workload, container) is None
        for workload in stack.workloads
        if not workload.ends
        for container in workload.serving
    )


def _plain(stack: StackView, workload: Workload, container: Container) -> Iterator[str]:
    match container.program:
        case Program.PROXY:
            yield from _of_proxies(stack, workload, container)
        case Program.API:
            if problem := plain_api(workload, container):
                yield f"may answer in plain text ({problem})"
        case Program.GUI:
            yield from _of_console(workload, container)
        case Program.WORKER:
            if list(container.properties["ports"]) or container.properties["ports"].hidden:
                yield "is a worker that may answer in plain text"
        case Program.ELASTICSEARCH | Program.REDIS | Program.MYSQL | Program.MYSQL_ROUTER | Program.PULSAR:
            return
        case _:
            if stack.role(workload) not in _JUDGED_ELSEWHERE:
                yield "runs a program that these rules do not know, which may answer in plain text"


def _of_console(workload: Workload, container: Container) -> Iterator[str]:
    try:
        yield from plain_ports(workload, container)
    except UnreadableError as problem:
        yield f"may answer in plain text ({problem})"


def _of_proxies(stack: StackView, workload: Workload, container: Container) -> Iterator[str]:
    for proxy in stack.proxies_of(workload):
        if proxy.container.name != container.name:
            continue
        if proxy.configuration is None:
            yield f"may answer in plain text ({proxy.problem})"
        else:
            yield from _of_configuration(proxy.configuration)


def _of_configuration(configuration: Configuration) -> Iterator[str]:
    for section in configuration.of("mailers"):
        if section.lines:
            yield f"writes letters in plain text to {section.name}"
    for section, bind in configuration.listening_on(None):
        if not (encrypts(bind) or only_redirects(section) or only_reports_health(section)):
            yield f"answers in plain text at frontend {section.name}"
        elif problem := encrypts(bind) and weakness(configuration, bind):
            yield f"frontend {section.name} {problem}"
    for section, server in servers(configuration):
        if not encrypted(server) and not server.target.host.startswith(_LOOPBACK):
            yield f"speaks to {server.target.host} in plain text, in {section.keyword} {section.name}"
