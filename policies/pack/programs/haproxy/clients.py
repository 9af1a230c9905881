"""Whose address a frontend takes for the client's: that of whoever connects, or one that it is told."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from model.networks import too_wide
from policies.pack.programs.haproxy.conditions import Network, limited_to, network_lists, refuses
from policies.pack.programs.haproxy.configuration import Bind, Line, Section

_FROM_ANYBODY = frozenset({"accept-netscaler-cip", "accept-proxy"})
_EXPECTED = frozenset({"expect-netscaler-cip", "expect-proxy"})
_NEAREST = re.compile(r"(req\.)?hdr_ip\(x-forwarded-for,-[1-9]\)", re.IGNORECASE)
"""Counted from the end: what is counted from the start, clients write themselves."""
_VARIABLE = re.compile(r"var\((?P<name>[a-z.]+)\)")
_QUOTED = ("req.fhdr(x-forwarded-for)", "-m", "sub", '"')


class Told(Enum):
    """How a frontend learns the address that a list judges."""

    CONNECTION = "by the connection, or the PROXY protocol"
    HEADER = "by a header of the request"


@dataclass(frozen=True)
class ClientList:
    """An allow list of client networks."""

    networks: tuple[Network, ...]
    told: Told

    @property
    def limits(self) -> bool:
        """Whether it keeps strangers out."""
        return bool(self.networks) and too_wide(self.networks) is None


def client_lists(frontend: Section) -> Iterator[ClientList]:
    """The allow lists that judge clients, and not the proxies that tell their addresses."""
    layers: Iterable[Line] = (("tcp-request", "session"), ("tcp-request", "content"))
    if not any(_believed(frontend)):
        layers = (("tcp-request", "connection"), *layers)
    replaced = [place for place, line in enumerate(frontend.lines) if _sets_source(line)]
    if not any(frontend.lines[place][0] == "tcp-request" for place in replaced):
        for layer in layers:
            yield from (ClientList(networks, Told.CONNECTION) for _, networks in network_lists(frontend, *layer))
    for place, networks in network_lists(frontend, "http-request"):
        told = Told.HEADER if replaced and place > replaced[0] else Told.CONNECTION
        yield ClientList(networks, told)


def told_by_header(frontend: Section) -> bool:
    """Whether a header decides whom the frontend takes for the client."""
    return any(_sets_source(line) for line in frontend.lines)


def told_by_proxies(frontend: Section) -> bool:
    """Whether proxies tell the frontend by the PROXY protocol whom it is connected with."""
    return any(_believed(frontend))


def misplaced_trust(frontend: Section, bind: Bind) -> Iterator[str]:
    """In what ways strangers can choose the address that they are judged by."""
    if found := sorted(_FROM_ANYBODY.intersection(bind.parameters)):
        yield f"lets everybody tell a client's address ({found[0]})"
    for line in _believed(frontend):
        networks = limited_to(frontend, line)
        wide = too_wide(networks) if networks else "any address"
        if wide:
            yield f"lets {wide} tell a client's address ({line[0]})"
    replacing = [line for line in frontend.lines if _sets_source(line)]
    if replacing and not _counted_from_the_end(frontend, replacing):
        yield "takes a client's address from where clients can write it (set-src)"


def _believed(frontend: Section) -> Iterator[Line]:
    return (line for line in frontend.starting("tcp-request", "connection") if line[:1] and line[0] in _EXPECTED)


def _sets_source(line: Line) -> bool:
    return any(word == "set-src" for word in line[1:3])


def _counted_from_the_end(frontend: Section, replacing: list[Line]) -> bool:
    if len(replacing) != 1 or replacing[0][:2] != ("http-request", "set-src") or len(replacing[0]) != 3:  # noqa: PLR2004 - without a condition
        return False
    told = replacing[0][2]
    source = _source_of(frontend, told)
    # Whoever tells nothing would be judged by the proxy's own address; a quotation mark hides what comes after it.
    return (
        source is not None
        and _NEAREST.fullmatch(source) is not None
        and refuses(frontend, "unless", (told, "-m", "found"))
        and refuses(frontend, "if", _QUOTED)
    )


def _source_of(frontend: Section, told: str) -> str | None:
    """What `told` was read from: itself, or what the variable that it names was set to, once and for all requests."""
    variable = _VARIABLE.fullmatch(told)
    if variable is None:
        return told
    name = variable["name"]
    others = [line for line in frontend.lines if any(name in word and word != told for word in line)]
    if len(others) != 1 or others[0][:2] != ("http-request", f"set-var({name})") or len(others[0]) != 3:  # noqa: PLR2004 - without a condition
        return None
    set_before = frontend.lines.index(others[0]) < frontend.lines.index(("http-request", "set-src", told))
    return others[0][2] if set_before else None
