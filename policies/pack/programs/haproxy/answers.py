"""What a proxy answers by itself, from what it knows or has on its disk."""

from collections.abc import Iterator

from policies.pack.programs.haproxy.configuration import Section

_RULES = frozenset({"http-after-response", "http-request", "http-response"})
_FILES = frozenset({"errorfiles", "file", "lf-file"})
_SERVICES = frozenset({"cache-use", "use-service"})
_STATISTICS = frozenset({"admin", "auth", "enable", "realm", "scope", "uri"})


def own_answers(section: Section) -> Iterator[str]:
    """The lines of `section` that give clients more than a refusal, a redirect, or a word that it lives."""
    for line in section.lines:
        if line[0] == "stats" and line[1:2] and line[1] in _STATISTICS:
            yield f"stats {line[1]}"
        if line[0] in _RULES and line[1:2] and line[1] in _SERVICES:
            yield f"{line[0]} {line[1]}"
        if line[0] in _RULES and (served := next((word for word in line[2:] if word in _FILES), None)):
            yield f"{line[0]} {line[1]} {served}"
        if line[:2] == ("tcp-request", "content") and line[2:3] == ("use-service",):
            yield "tcp-request content use-service"
