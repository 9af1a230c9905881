"""The names under which a frontend answers: those that it insists on, by refusing requests for any other."""

import re
from collections.abc import Iterator
from itertools import chain

from policies.pack.programs.haproxy.conditions import REFUSALS, condition_of, terms
from policies.pack.programs.haproxy.configuration import Line, Section

_EXACT = re.compile(r"(req\.)?f?hdr(_str)?\(host[,)].*", re.IGNORECASE)
_FLAGS = frozenset({"-i", "-n", "--"})


def insisted_hosts(frontend: Section) -> frozenset[str]:
    """The hosts that `frontend` answers for, in lower case; none where it answers for any."""
    return frozenset(host.lower() for line in frontend.starting("http-request") for host in _insisted(frontend, line))


def _insisted(frontend: Section, line: Line) -> Iterator[str]:
    word, condition = condition_of(line)
    if line[:1] and line[0] in REFUSALS:
        for term in chain.from_iterable(terms(frontend, condition)):
            # Refused unless it is one of them, or if it is none of them.
            if term.negated is (word == "if"):
                yield from (host for definition in term.definitions for host in _named(definition))


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
