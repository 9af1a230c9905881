"""How a frontend answers whoever connects: over TLS, and how strong it is; or in plain text, and what with."""

from collections.abc import Iterator
from itertools import pairwise, takewhile

from policies.pack.programs.haproxy.ciphers import weak_cipher, weak_suite
from policies.pack.programs.haproxy.conditions import REFUSALS, condition_of
from policies.pack.programs.haproxy.configuration import Bind, Configuration, Line, Section

STRONG = frozenset({"TLSv1.2", "TLSv1.3"})
FORCED = {
    "force-sslv3": "SSLv3",
    "force-tlsv10": "TLSv1.0",
    "force-tlsv11": "TLSv1.1",
    "force-tlsv12": "TLSv1.2",
    "force-tlsv13": "TLSv1.3",
}
"""Switches that leave one version alone."""

_SWITCHES = frozenset(
    {
        *FORCED,
        "accept-netscaler-cip",
        "accept-proxy",
        "defer-accept",
        "expose-fd",
        "no-alpn",
        "no-ca-names",
        "no-sslv3",
        "no-tls-tickets",
        "no-tlsv10",
        "no-tlsv11",
        "no-tlsv12",
        "no-tlsv13",
        "prefer-client-ciphers",
        "quic-force-retry",
        "ssl",
        "strict-sni",
        "tfo",
        "tls-tickets",
        "transparent",
        "v4v6",
        "v6only",
    }
)
_WITH_VALUE = frozenset(
    {
        "alpn",
        "backlog",
        "ca-file",
        "ca-verify-file",
        "ciphers",
        "ciphersuites",
        "crl-file",
        "crt",
        "curves",
        "default-crt",
        "ecdhe",
        "gid",
        "group",
        "guid-prefix",
        "id",
        "interface",
        "level",
        "maxconn",
        "mode",
        "mss",
        "name",
        "namespace",
        "nbconn",
        "nice",
        "process",
        "proto",
        "shards",
        "sigalgs",
        "ssl-max-ver",
        "ssl-min-ver",
        "tcp-ut",
        "thread",
        "tls-ticket-keys",
        "uid",
        "user",
        "verify",
    }
)
_AFFECTED = frozenset({"backend", "frontend", "listen"})
_SERVES = frozenset({"allow", "auth", "cache-use", "return", "switch-mode", "use-service"})
"""Actions that answer a request with something else than a refusal or a redirect, or let it pass one."""
_SAYS_NOTHING = frozenset(
    {
        "acl",
        "backlog",
        "balance",
        "bind",
        "capture",
        "clitcpka-cnt",
        "clitcpka-idle",
        "clitcpka-intvl",
        "compression",
        "default-server",
        "description",
        "enabled",
        "errorfile",
        "errorfiles",
        "errorloc",
        "errorloc302",
        "errorloc303",
        "fullconn",
        "hash-type",
        "http-after-response",
        "http-error",
        "http-request",
        "http-response",
        "http-reuse",
        "id",
        "load-server-state-from-file",
        "log",
        "log-format",
        "log-tag",
        "maxconn",
        "mode",
        "monitor",
        "monitor-uri",
        "option",
        "rate-limit",
        "redirect",
        "retries",
        "retry-on",
        "srvtcpka-cnt",
        "srvtcpka-idle",
        "srvtcpka-intvl",
        "stick-table",
        "tcp-request",
        "timeout",
        "unique-id-format",
        "unique-id-header",
    }
)
"""Lines of a section that lead a request nowhere, and answer none with anything that could be kept secret."""
_LEADS_ON = frozenset({("option", "http_proxy"), ("option", "transparent")})
"""What sends requests to where their sender wanted them to go."""


def encrypts(bind: Bind) -> bool:
    """Whether a client speaks TLS to `bind`."""
    return "ssl" in dict(parameters(bind))


def parameters(bind: Bind) -> Iterator[tuple[str, str | None]]:
    """Parameters with their values, switches with an empty one, and unknown ones with None."""
    words = iter(bind.parameters)
    for word in words:
        if word in _WITH_VALUE:
            yield word, next(words, "")
        else:
            yield word, "" if word in _SWITCHES else None


def certificate_files(configuration: Configuration, bind: Bind) -> tuple[str, ...]:
    """The files, or folders, with the certificates that `bind` shows."""
    said = [value for name, value in parameters(bind) if name in {"crt", "default-crt"} and value]
    return tuple(based(configuration, "crt-base", value) for value in said)


def based(configuration: Configuration, base: str, file: str) -> str:
    """`file` below the folder that the global line `base` names, unless it says by itself where it is."""
    folders = [rest[0] for section in configuration.of("global") for rest in section.starting(base) if rest]
    return file if not folders or file.startswith(("/", "@")) else f"{folders[-1]}/{file}"


def weakness(configuration: Configuration, bind: Bind) -> str | None:
    """What is wrong with the TLS of `bind`; None where nothing is."""
    said = list(parameters(bind))
    if listed := next((name for name, _ in said if name in {"crt-list", "crt-ignore-err"}), None):
        return f"has {listed}, which these rules do not follow"
    if unknown := next((name for name, value in said if value is None), None):
        return f"has the parameter {unknown}, which these rules do not know"
    if not any(name in {"crt", "default-crt"} and value for name, value in said):
        return "has no certificate"
    return protocol_weakness(configuration, bind.parameters, "bind")


def protocol_weakness(configuration: Configuration, words: Line, side: str) -> str | None:
    """What is wrong with the TLS versions and ciphers of a line with `words`, on the `side` bind or server."""
    name = f"ssl-default-{side}-options"
    shared = [line for section in configuration.of("global") for line in section.starting(name)]
    # What is said after a line has no effect on it; what is weak there has some on the lines that follow.
    before = takewhile(lambda section: section.keyword not in _AFFECTED, configuration.sections)
    said = [line for section in before if section.keyword == "global" for line in section.starting(name)]
    if oldest_version(words, said) is None:
        return "does not say the oldest TLS version that it accepts"
    oldest = oldest_version(words, shared)
    if oldest not in STRONG:
        return f"accepts {oldest}"
    newest = [version for line in (words, *shared) for version in _following(line, "ssl-max-ver")]
    if weak := next((version for version in newest if version not in STRONG), None):
        return f"accepts {weak} at most"
    return _weak_ciphers(configuration, words, side)


def oldest_version(words: Line, shared: list[Line]) -> str | None:
    """The oldest TLS version of a line with `words`, or else of global lines, by the weakest thing that is said."""
    if forced := next((FORCED[word] for line in (words, *shared) for word in line if word in FORCED), None):
        return forced
    for said in (
        _following(words, "ssl-min-ver"),
        [each for line in shared for each in _following(line, "ssl-min-ver")],
    ):
        if said:
            return next((version for version in said if version not in STRONG), said[-1])
    return None


def _weak_ciphers(configuration: Configuration, words: Line, side: str) -> str | None:
    for name, judge in (("ciphers", weak_cipher), ("ciphersuites", weak_suite)):
        shared = [
            " ".join(line)
            for section in configuration.of("global")
            for line in section.starting(f"ssl-default-{side}-{name}")
        ]
        for text in _following(words, name) or shared:
            if weak := judge(text):
                return f"offers {weak} in its {name}, which is weak or not known to these rules"
    levels = [line for section in configuration.of("global") for line in section.starting("ssl-security-level")]
    return "lowers OpenSSL's security level" if any(level[:1] == ("0",) for level in levels) else None


def _following(words: Line, name: str) -> list[str]:
    return [after for word, after in pairwise(words) if word == name]


def only_redirects(frontend: Section) -> bool:
    """Whether every request that `frontend` does not refuse is sent to https."""
    redirects = (*frontend.starting("http-request", "redirect"), *frontend.starting("redirect"))
    always = [rest for rest in redirects if not _conditional(rest)]
    # What a condition sends elsewhere must go to https as well.
    return bool(always) and all(_to_https(rest) for rest in redirects) and _leads_nowhere(frontend)


def only_reports_health(frontend: Section) -> bool:
    """Whether `frontend` answers one page that says that it lives, and refuses everything else."""
    refused = any(
        rest[:1] and rest[0] in REFUSALS and not _conditional(rest) for rest in frontend.starting("http-request")
    )
    redirects = (*frontend.starting("http-request", "redirect"), *frontend.starting("redirect"))
    return refused and not any(redirects) and _leads_nowhere(frontend)


def redirect_hosts(frontend: Section) -> Iterator[str]:
    """The hosts that `frontend` sends clients to, as far as they are told in letters."""
    for rest in (*frontend.starting("http-request", "redirect"), *frontend.starting("redirect")):
        if rest[:1] in {("prefix",), ("location",)} and len(rest) > 1:
            host = rest[1].partition("//")[2].partition("/")[0].partition(":")[0]
            if host and "%" not in host and "$" not in host:
                yield host


def _conditional(rest: Line) -> bool:
    return condition_of(rest)[0] is not None


def _to_https(rest: Line) -> bool:
    kind, target = (*rest, "", "")[:2]
    return (kind == "scheme" and target == "https") or (
        kind in {"location", "prefix"} and target.startswith("https://") and len(target) > len("https://")
    )


def _leads_nowhere(frontend: Section) -> bool:
    answers = any(
        word in _SERVES or word.startswith("lua.")
        for line in frontend.lines
        if line[0].startswith(("http-", "tcp-"))
        for word in line[1:3]
    )
    known = all(line[0] in _SAYS_NOTHING and line[:2] not in _LEADS_ON for line in frontend.lines)
    return known and not answers and frontend.mode == "http" and not frontend.backends and not frontend.targets
