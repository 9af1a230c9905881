"""What a configuration may say: words whose effect on where requests go is known. All others cannot be judged."""

import re
from collections import Counter
from collections.abc import Iterator

from policies.pack.programs.haproxy.configuration import (
    PROXIES,
    Bind,
    Configuration,
    Line,
    Section,
    Server,
    is_computed,
)
from policies.pack.unreadable import UnreadableError

_SECTIONS = frozenset({*PROXIES, "global", "mailers", "resolvers", "userlist"})
"""Not those that run programs, listen for others, or answer from a store of their own."""

_GLOBAL = re.compile(
    r"""
    ca-base|close-spread-time|cpu-map|crt-base|daemon|description|fd-hard-limit|grace|group|gid|hard-stop-after
    |issuers-chain-path|limited-quic|localpeer|log|log-send-hostname|log-tag|master-worker|max[a-z]+
    |mworker-max-reloads|nbproc|nbthread|no-memory-trimming|no-quic|node|nosplice|pidfile|chroot|spread-checks
    |ssl-(?!provider|engine|propquery).*|stats|strict-limits|thread-groups?|thread-hard-limit
    |tune\.(?!lua|fail|ssl\.keylog).*|ulimit-n|user|uid|zero-warning
    """,
    re.VERBOSE,
)
_RESOLVERS = frozenset({"accepted_payload_size", "hold", "parse-resolv-conf", "resolve_retries", "timeout"})
_PROXY = re.compile(
    r"""
    acl|backlog|balance|bind|capture|(clit|srvt)cpka-(cnt|idle|intvl)|compression|cookie|declare|default-server
    |default_backend|description|disabled|email-alert|enabled|error-log-format|errorloc(302|303)?|force-persist|fullconn
    |guid|hash-balance-factor|hash-preserve-affinity|hash-type|http-after-response|http-check|http-request|http-response
    |http-reuse|http-send-name-header|id|ignore-persist|log|log-format(-sd)?|log-steps|log-tag|max-keep-alive-queue
    |max-session-srv-conns|maxconn|mode|monitor|monitor-uri|option|persist|rate-limit|redirect|retries|retry-on|server
    |server-template|stats|stick|stick-table|tcp-check|tcp-request|tcp-response|timeout|unique-id-(format|header)
    |use-server|use_backend
    """,
    re.VERBOSE,
)
_CLOSED_OPTIONS = frozenset(
    {
        "accept-invalid-http-request",
        "accept-unsafe-violations-in-http-request",
        "external-check",
        "http-use-proxy-header",
        "http_proxy",
        "transparent",
    }
)

_COMMON = (
    r"(un)?set-var(-fmt)?|sc-[a-z0-9-]+|track-sc[0-9]+|set-(log-level|mark|tos|nice|priority-[a-z]+|fc-mark|fc-tos)"
)
_HEADERS = r"(add|del|set)-header|replace-(header|value)|capture|strict-mode|deny|allow|redirect|set-status"
_ACTIONS = {
    "http-request": re.compile(
        rf"{_COMMON}|{_HEADERS}|auth|disable-l7-retry|do-resolve|early-hint|normalize-uri|reject|replace-(path|pathq|uri)"
        r"|return|set-(bandwidth-limit|dst|dst-port|method|path|pathq|query|src|src-port|timeout|uri)|silent-drop|tarpit"
        r"|use-service|wait-for-(body|handshake)"
    ),
    "http-response": re.compile(rf"{_COMMON}|{_HEADERS}|silent-drop|set-timeout|wait-for-body"),
    "http-after-response": re.compile(rf"{_COMMON}|{_HEADERS}"),
    "tcp-request": re.compile(
        rf"{_COMMON}|accept|capture|expect-netscaler-cip|expect-proxy|reject|set-(dst|dst-port|src|src-port)|silent-drop"
    ),
    "tcp-response": re.compile(rf"{_COMMON}|accept|close|reject|silent-drop"),
}
_LAYERS = {"tcp-request": frozenset({"connection", "content", "session"}), "tcp-response": frozenset({"content"})}
_DELAY = "inspect-delay"

_CLOSED_BINDS = frozenset({"ca-sign-file", "expose-fd", "generate-certificates", "namespace", "transparent"})
_CLOSED_SERVERS = frozenset({"check-via-socks4", "namespace", "redir", "socks4", "source", "track", "usesrc"})
_INITIAL = frozenset({"libc", "none"})
"""Where a server's first address may come from: not from an older process, and not from the line itself."""


def check(configuration: Configuration) -> None:
    """Make sure that every word of `configuration` is one whose effect is known.

    Raises:
        UnreadableError: one is not; the message says which, and in which section.
    """
    counted = Counter((section.keyword, section.name) for section in configuration.sections if section.name)
    for section in configuration.sections:
        place = f"section {section.name or section.keyword}"
        if section.keyword not in _SECTIONS:
            raise UnreadableError(f"section {section.keyword}, which these rules do not follow")
        if counted[section.keyword, section.name] > 1:
            raise UnreadableError(f"two sections {section.keyword} {section.name}")
        for problem in _problems(section):
            raise UnreadableError(f"{problem} in {place}, which these rules do not follow")
        for name in section.backends:
            if not is_computed(name) and not counted["backend", name] and not counted["listen", name]:
                raise UnreadableError(f"{place} leads to {name}, which is nowhere")


def _problems(section: Section) -> Iterator[str]:
    for line in section.lines:
        words = line[1:] if line[0] == "no" else line
        if not _known(section.keyword, words) or (words is not line and words[0] not in _NEGATED):
            yield _spelled(line)
    if section.keyword in PROXIES:
        yield from (found for bind in section.binds if (found := _of_bind(bind)))
        yield from (found for server in section.servers if (found := _of_server(server)))


_NEGATED = frozenset({"log", "option", "strict-limits"})


def _spelled(line: Line) -> str:
    # No more: what follows may be secret.
    return " ".join(line[:3] if line[0] in _LAYERS else line[:2])


def _known(keyword: str, line: Line) -> bool:
    if not line:
        return False
    if keyword == "global":
        return _GLOBAL.fullmatch(line[0]) is not None and (line[0] != "stats" or _local_statistics(line))
    if keyword == "resolvers":
        return line[0] in _RESOLVERS
    return keyword not in PROXIES or _known_in_a_proxy(line)


def _known_in_a_proxy(line: Line) -> bool:
    if _PROXY.fullmatch(line[0]) is None:
        return False
    if line[0] == "option":
        return len(line) > 1 and line[1] not in _CLOSED_OPTIONS
    return line[0] not in _ACTIONS or _known_action(line)


def _known_action(line: Line) -> bool:
    rest = line[1:]
    if layers := _LAYERS.get(line[0]):
        if rest[:1] == (_DELAY,):
            return True
        if not rest or rest[0] not in layers:
            return False
        rest = rest[1:]
    return bool(rest) and _ACTIONS[line[0]].fullmatch(rest[0].partition("(")[0]) is not None


def _local_statistics(line: Line) -> bool:
    """Whether a socket for orders to HAProxy is a file, which nobody outside the pod can open."""
    if line[1:2] != ("socket",):
        return line[1:2] in {("timeout",), ("maxconn",)}
    path = (*line, "", "")[2].removeprefix("unix@")
    return path.startswith("/") and "expose-fd" not in line


def _of_bind(bind: Bind) -> str | None:
    closed = next((word for word in bind.parameters if word in _CLOSED_BINDS), None)
    return f"bind {closed}" if closed else None


def _of_server(server: Server) -> str | None:
    if closed := next((word for word in server.parameters if word in _CLOSED_SERVERS), None):
        return f"server {closed}"
    for name, value in zip(server.parameters, server.parameters[1:], strict=False):
        if name == "init-addr" and not _INITIAL.issuperset(value.split(",")):
            return "server init-addr with an address"
    return None
