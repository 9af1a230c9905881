"""The sections of a configuration: what listens where, and where it leads to."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import takewhile

from policies.pack.unreadable import UnreadableError

_KEYWORDS = frozenset(
    {
        "acme",
        "backend",
        "cache",
        "crt-store",
        "defaults",
        "fcgi-app",
        "frontend",
        "global",
        "http-errors",
        "listen",
        "log-forward",
        "log-profile",
        "mailers",
        "peers",
        "program",
        "resolvers",
        "ring",
        "traces",
        "userlist",
    }
)
PROXIES = frozenset({"backend", "defaults", "frontend", "listen"})
"""Sections that take over what `defaults` says."""
_LISTENING = frozenset({"frontend", "listen"})
_PORT = re.compile(r"(?P<host>[^/@]*):(?P<first>[0-9]{1,5})(-(?P<last>[0-9]{1,5}))?")
_SPECIAL = re.compile(r"[\\\"'#]")
_QUOTE = re.compile(r"[\"']")
_VARIABLE = re.compile(r"\"[^\"]*\$[{A-Za-z_]")
"""Between double quotes, HAProxy puts a variable of its environment in."""
_CODED = re.compile(r"\\[rntx]")
_KEPT_BACKSLASH = re.compile(r"\\(?![ \\#rntx$])")
"""A shell drops a backslash before any other character; HAProxy keeps it, so that `\\.` stays a dot in a pattern."""

Line = tuple[str, ...]


@dataclass(frozen=True)
class Bind:
    """An address of a `bind` line: the ports that it listens on, and the parameters of the line."""

    host: str
    ports: range | None
    """None where the line does not say it in figures."""
    parameters: Line

    @property
    def private(self) -> bool:
        """Whether nothing outside the pod can reach it."""
        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    def parameter(self, name: str) -> str | None:
        """What follows the parameter `name`."""
        return next(
            (after for word, after in zip(self.parameters, self.parameters[1:], strict=False) if word == name), None
        )


@dataclass(frozen=True)
class Target:
    """Where requests are sent: a host and a port, or something else (port None)."""

    host: str
    port: int | None


@dataclass(frozen=True)
class Server:
    """A server, or a template of servers."""

    target: Target
    parameters: Line
    """Its own after those that it takes over."""


@dataclass(frozen=True)
class Section:
    """A section with the lines that it takes over from `defaults`, in their order."""

    keyword: str
    name: str
    lines: tuple[Line, ...]

    def starting(self, *words: str) -> Iterator[Line]:
        """The rest of each line that starts with `words`."""
        return (line[len(words) :] for line in self.lines if line[: len(words)] == words)

    @property
    def mode(self) -> str:
        """What the proxy understands of the traffic. HAProxy's default is tcp."""
        modes = [rest[0] for rest in self.starting("mode") if rest]
        return modes[-1] if modes else "tcp"

    @property
    def binds(self) -> tuple[Bind, ...]:
        """What the section listens on."""
        return tuple(bind for rest in self.starting("bind") for bind in _binds(rest))

    @property
    def targets(self) -> tuple[Target, ...]:
        """Where the servers of the section are."""
        return tuple(server.target for server in self.servers)

    @property
    def servers(self) -> tuple[Server, ...]:
        """The servers of the section. What `default-server` says holds for those that follow it."""
        return tuple(_servers(self.lines))

    @property
    def backends(self) -> tuple[str, ...]:
        """Names of the backends that requests may go to."""
        chosen = [rest[0] for keyword in ("default_backend", "use_backend") for rest in self.starting(keyword) if rest]
        return tuple(chosen)


@dataclass(frozen=True)
class Configuration:
    """A whole configuration."""

    sections: tuple[Section, ...]

    def of(self, keyword: str) -> tuple[Section, ...]:
        """The sections that start with `keyword`."""
        return tuple(section for section in self.sections if section.keyword == keyword)

    def listening_on(self, port: int | None) -> tuple[tuple[Section, Bind], ...]:
        """Who may answer others on `port`: all where it is None, and every bind that names no port in figures."""
        return tuple(
            (section, bind)
            for section in self.sections
            if section.keyword in _LISTENING
            for bind in section.binds
            if not bind.private and (bind.ports is None or port is None or port in bind.ports)
        )

    def behind(self, frontend: Section) -> tuple[Section, ...]:
        """The sections whose servers `frontend` sends requests to; all of them where the name is computed."""
        wanted = frontend.backends
        candidates = self.of("backend") + self.of("listen")
        computed = any(is_computed(name) for name in wanted)
        named = tuple(section for section in candidates if computed or section.name in wanted)
        return named if frontend in named or frontend.keyword == "frontend" else (frontend, *named)


def is_computed(name: str) -> bool:
    """Whether a backend's name depends on the request."""
    return "%" in name or "$" in name


def parse(text: str) -> Configuration:
    """The configuration that `text` is.

    Raises:
        UnreadableError: `text` has something that this reader does not know.
    """
    sections: list[tuple[Line, list[Line]]] = []
    text = text.replace("\r\n", "\n")
    for number, line in enumerate(text.split("\n"), start=1):
        words = _words(line, number)
        if not words:
            continue
        if words[0] in _KEYWORDS:
            sections.append((words, []))
        elif not sections or words[0].startswith("."):
            raise UnreadableError(f"line {number}: {words[0]}")
        else:
            sections[-1][1].append(words)
    if not any(header[0] in _LISTENING for header, _ in sections):
        raise UnreadableError("nothing in it listens")
    return Configuration(tuple(_inherited(sections)))


def _words(line: str, number: int) -> Line:
    # Neither what a reader takes for the end of a line or a word, and HAProxy does not, nor the other way round.
    if strange := next((character for character in line if not (character.isprintable() or character == "\t")), None):
        raise UnreadableError(f"line {number}: the character {strange!r}")
    if _CODED.search(line):
        raise UnreadableError(f"line {number}: a character by its code")
    if not _SPECIAL.search(line):
        return tuple(line.split())
    if _VARIABLE.search(line):
        raise UnreadableError(f"line {number}: a variable of the environment")
    if not _QUOTE.search(line):
        line = _KEPT_BACKSLASH.sub(r"\\\\", line)
    try:
        return tuple(shlex.split(line, comments=True))
    except ValueError as problem:
        raise UnreadableError(f"line {number}: {problem}") from problem


def _inherited(sections: list[tuple[Line, list[Line]]]) -> Iterator[Section]:
    unnamed: tuple[Line, ...] = ()
    named: dict[str, tuple[Line, ...]] = {}
    for header, own in sections:
        keyword, *rest = header
        name = next(takewhile(lambda word: word != "from", rest), "")
        parent = rest[rest.index("from") + 1 :][:1] if "from" in rest else []
        lines = (*(named.get(parent[0], ()) if parent else unnamed), *own)
        if keyword == "defaults":
            lines = (*(named.get(parent[0], ()) if parent else ()), *own)
            named[name] = lines
            unnamed = lines
        yield Section(keyword, name, lines if keyword in PROXIES else tuple(own))


def _binds(rest: Line) -> Iterator[Bind]:
    if not rest:
        return
    for address in rest[0].split(","):
        found = _PORT.fullmatch(address)
        first = int(found["first"]) if found else 0
        ports = range(first, int(found["last"] or first) + 1) if found else None
        yield Bind(found["host"] if found else address, ports, rest[1:])


def _servers(lines: tuple[Line, ...]) -> Iterator[Server]:
    shared: Line = ()
    for line in lines:
        if line[0] == "default-server":
            shared += line[1:]
        # A template has the number of its servers before their address.
        address = {"server": 2, "server-template": 3}.get(line[0])
        if address is not None and len(line) > address:
            yield Server(_target(line[address]), shared + line[address + 1 :])


def _target(address: str) -> Target:
    found = _PORT.fullmatch(address)
    if found is None or found["last"]:
        return Target(address, None)
    return Target(found["host"].strip("[]"), int(found["first"]))
