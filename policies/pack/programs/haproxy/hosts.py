"""The names under which a frontend answers: those that it insists on, by refusing requests for any other."""

import re
from collections.abc import Iterable, Iterator

from policies.pack.programs.haproxy.configuration import Line, Section

_REFUSALS = frozenset({"deny", "reject", "silent-drop", "tarpit"})
_EXACT = re.compile(r"(req\.)?f?hdr(_str)?\(host[,)].*", re.IGNORECASE)
_FLAGS = frozenset({"-i", "-n", "--"})


def insisted_hosts(frontend: Section) -> frozenset[str]:
    """The hosts that `frontend` answers for, in lower case; none where it answers for any."""
    return frozenset(host.lower() for line in frontend.starting("http-request") for host in _insisted(frontend, line))


def _insisted(frontend: Section, line: Line) -> Iterator[str]:
    if not line or line[0] not in _REFUSALS:
        return
    for word, negated in (("unless", False), ("if", True)):
        if word in line:
            yield from _hosts(frontend, line[line.index(word) + 1 :], negated=negated)


def _hosts(frontend: Section, condition: Line, *, negated: bool) -> Iterator[str]:
    """The hosts of each term of `condition` that is about them and is, or is not, `negated`."""
    words = iter(condition)
    opposite = False
    for word in words:
        opposite ^= word.startswith("!")
        name = word.removeprefix("!")
        if not name:
            continue
        definitions: Iterable[Line]
        if name == "{":
            definitions = [tuple(_braced(words))]
        else:
            definitions = [rest[1:] for rest in frontend.starting("acl") if rest[:1] == (name,)]
        if opposite is negated:
            yield from (host for definition in definitions for host in _named(definition))
        opposite = False


def _braced(words: Iterator[str]) -> Iterator[str]:
    for word in words:
        if word == "}":
            return
        yield word


def _named(definition: Line) -> Iterator[str]:
    if not definition or not _EXACT.fullmatch(definition[0]):
        return
    words = list(definition[1:])
    while words and words[0].startswith("-"):
        flag = words.pop(0)
        if flag == "-m":
            if words[:1] != ["str"]:
                return
            words.pop(0)
        elif flag not in _FLAGS:
            return
    # A port is no part of the name.
    yield from (word.partition(":")[0] for word in words)
