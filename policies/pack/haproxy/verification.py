"""Whether a proxy verifies the servers that it speaks TLS to."""

from collections.abc import Iterator

from policies.pack.haproxy.configuration import Configuration, Line, Section, Server

STRONG = frozenset({"TLSv1.2", "TLSv1.3"})
_FORCED = {"force-sslv3", "force-tlsv10", "force-tlsv11"}

_SWITCHES = frozenset({"backup", "check", "check-ssl", "no-check", "no-check-ssl", "no-ssl", "no-tls-tickets", "ssl"})
_WITH_VALUE = frozenset(
    {
        "alpn",
        "ca-file",
        "check-alpn",
        "check-sni",
        "ciphers",
        "ciphersuites",
        "crl-file",
        "crt",
        "error-limit",
        "fall",
        "fastinter",
        "downinter",
        "id",
        "init-addr",
        "inter",
        "maxconn",
        "maxqueue",
        "minconn",
        "observe",
        "on-error",
        "pool-low-conn",
        "pool-max-conn",
        "pool-purge-delay",
        "port",
        "proto",
        "resolve-net",
        "resolve-opts",
        "resolve-prefer",
        "resolvers",
        "rise",
        "slowstart",
        "sni",
        "ssl-max-ver",
        "ssl-min-ver",
        "verify",
        "verifyhost",
        "weight",
    }
)


def encrypted(server: Server) -> bool:
    """Whether requests to `server` go through TLS. Parameters that are not known are no promise of it."""
    switches = [name for name, _ in _parameters(server) if name in {"ssl", "no-ssl"}]
    return switches[-1:] == ["ssl"]


def weakness(configuration: Configuration, server: Server) -> str | None:
    """Why `server`, to which TLS is spoken, could be somebody else; None where it could not."""
    said = dict(_parameters(server))
    if unknown := next((name for name, value in said.items() if value is None), None):
        return f"has the parameter {unknown}, which these rules do not know"
    if said.get("verify") != "required" or not said.get("ca-file"):
        return "is not verified"
    if said.get("verifyhost") != server.target.host:
        return "may show a certificate for another name"
    if said.get("ssl-max-ver", "TLSv1.3") not in STRONG:
        return f"is spoken to in {said['ssl-max-ver']} at most"
    oldest = oldest_version(configuration, server.parameters, "ssl-default-server-options")
    return None if oldest in STRONG else f"may be spoken to in {oldest or 'any TLS version'}"


def servers(configuration: Configuration) -> Iterator[tuple[Section, Server]]:
    """Every server, with the section that it stands in."""
    return (
        (section, server)
        for section in configuration.sections
        if section.keyword != "defaults"
        for server in section.servers
    )


def oldest_version(configuration: Configuration, parameters: Line, defaults: str) -> str | None:
    """The oldest TLS version of a line with `parameters`, or of the global line `defaults`; None where nobody says."""
    shared = [words for section in configuration.of("global") for words in section.starting(defaults)]
    for words in (parameters, *reversed(shared)):
        if forced := next((word for word in words if word in _FORCED), None):
            return forced.removeprefix("force-")
        if "ssl-min-ver" in words[:-1]:
            return words[words.index("ssl-min-ver") + 1]
    return None


def _parameters(server: Server) -> Iterator[tuple[str, str | None]]:
    """Parameters with their values, switches with an empty one, and unknown ones with None."""
    words = iter(server.parameters)
    for word in words:
        if word in _WITH_VALUE:
            yield word, next(words, "")
        else:
            yield word, "" if word in _SWITCHES else None
