"""TLS: towards clients at every entry, and towards Elasticsearch."""

from collections.abc import Iterator

from policies.pack.haproxy.configuration import Bind, Configuration, Section
from policies.pack.images import Program
from policies.pack.reach import Answering
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView

_STRONG = frozenset({"TLSv1.2", "TLSv1.3"})
_FORCED = {"force-sslv3", "force-tlsv10", "force-tlsv11"}


@rule(
    "entries-serve-tls",
    severity=Severity.CRITICAL,
    remedy="Bind with ssl, crt and ssl-min-ver TLSv1.2 (or set ssl-default-bind-options), and let a port without TLS "
    "answer nothing but a redirect to https.",
)
def entries_serve_tls(stack: StackView, _: Options) -> Iterator[Finding]:
    """Every entry speaks TLS 1.2 or newer; plain HTTP is redirected."""
    for entry in stack.entries:
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
    oldest = _oldest_version(answering.configuration, answering.bind)
    if oldest is None:
        return "does not say the oldest TLS version that it accepts"
    return None if oldest in _STRONG else f"accepts {oldest}"


def _only_redirects(frontend: Section) -> bool:
    redirects = (*frontend.starting("http-request", "redirect"), *frontend.starting("redirect"))
    always = [rest for rest in redirects if "if" not in rest and "unless" not in rest]
    secure = any(rest[:2] == ("scheme", "https") or (rest[1:2] and rest[1].startswith("https://")) for rest in always)
    return secure and frontend.mode == "http" and not frontend.backends and not frontend.targets


def _oldest_version(configuration: Configuration, bind: Bind) -> str | None:
    defaults = [
        words for section in configuration.of("global") for words in section.starting("ssl-default-bind-options")
    ]
    for words in (bind.parameters, *reversed(defaults)):
        if forced := next((word for word in words if word in _FORCED), None):
            return forced.removeprefix("force-")
        if "ssl-min-ver" in words[:-1]:
            return words[words.index("ssl-min-ver") + 1]
    return None


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
