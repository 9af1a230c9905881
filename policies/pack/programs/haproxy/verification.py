"""Whether a proxy verifies the servers that it speaks TLS to."""

from collections.abc import Iterator

from policies.pack.programs.haproxy.configuration import Configuration, Section, Server
from policies.pack.programs.haproxy.listening import FORCED, based, protocol_weakness

_SWITCHES = frozenset(
    {*FORCED, "backup", "check", "check-ssl", "no-check", "no-ssl", "no-ssl-reuse", "no-tls-tickets", "ssl"}
)
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
    return protocol_weakness(configuration, server.parameters, "server")


def servers(configuration: Configuration) -> Iterator[tuple[Section, Server]]:
    """Every server, with the section that it stands in."""
    return (
        (section, server)
        for section in configuration.sections
        if section.keyword != "defaults"
        for server in section.servers
    )


def _parameters(server: Server) -> Iterator[tuple[str, str | None]]:
    """Parameters with their values, switches with an empty one, and unknown ones with None."""
    words = iter(server.parameters)
    for word in words:
        if word in _WITH_VALUE:
            yield word, next(words, "")
        else:
            yield word, "" if word in _SWITCHES else None


def authority_file(configuration: Configuration, server: Server) -> str | None:
    """The file with the authorities that `server` is verified with."""
    file = dict(_parameters(server)).get("ca-file")
    return based(configuration, "ca-base", file) if file else None
