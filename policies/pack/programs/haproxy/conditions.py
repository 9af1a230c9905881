"""Allow lists: the `if` and `unless` of the lines that refuse requests, and the ACLs that they name."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeVar

from policies.pack.programs.haproxy.configuration import Line, Section
from policies.pack.programs.haproxy.languages import Pattern

Network = IPv4Network | IPv6Network
T = TypeVar("T")

REFUSALS = frozenset({"deny", "reject", "silent-drop", "tarpit"})
_CONDITIONAL = frozenset({"if", "unless"})
_STATUS = frozenset({"deny_status", "status"})
_PASSES = frozenset({"accept", "allow"})
"""Actions after which the lines that follow in the same layer say nothing."""
_MATCHES = {"path": "str", "path_beg": "beg", "path_reg": "reg"}


@dataclass(frozen=True)
class Paths:
    """Request paths that one ACL matches."""

    match: str
    patterns: tuple[str, ...]
    any_case: bool

    def admit(self, path: str) -> bool:
        """Whether the ACL matches `path`. A pattern that cannot be read might match anything."""
        return any(self._matches(pattern, path) for pattern in self.patterns)

    @property
    def expressions(self) -> tuple[Pattern, ...]:
        """What the ACL matches, as regular expressions."""
        ends = {"str": "$", "beg": ""}
        return tuple(
            Pattern(pattern if self.match == "reg" else f"^{re.escape(pattern)}{ends[self.match]}", self.any_case)
            for pattern in self.patterns
        )

    def _matches(self, pattern: str, path: str) -> bool:
        if self.match == "reg":
            try:
                return re.search(pattern, path, re.IGNORECASE if self.any_case else 0) is not None
            except re.error:
                return True
        wanted, found = (pattern.lower(), path.lower()) if self.any_case else (pattern, path)
        return found == wanted if self.match == "str" else found.startswith(wanted)


def path_lists(frontend: Section) -> Iterator[tuple[Paths, ...]]:
    """The allow lists of paths in `frontend`: a request passes each only if one of its members matches."""
    return (members for _, members in _lists(frontend, ("http-request",), _paths))


def network_lists(frontend: Section, *layer: str) -> Iterator[tuple[int, tuple[Network, ...]]]:
    """The allow lists of source networks in the lines that begin with `layer`, with the place of their lines."""
    for place, members in _lists(frontend, layer, _networks):
        yield place, tuple(network for networks in members for network in networks)


def limited_to(frontend: Section, line: Line) -> tuple[Network, ...] | None:
    """The source networks to which the condition of `line` limits it; None where it is not limited to networks."""
    word, condition = condition_of(line)
    if word != "if":
        return None
    members = [_first(alternative, _networks) for alternative in terms(frontend, condition)]
    if not members or any(member is None for member in members):
        return None
    return tuple(network for member in members for networks in member or () for network in networks)


def condition_of(line: Line) -> tuple[str | None, Line]:
    """`if` or `unless`, and what follows; None where the line holds always.

    The first of both words begins the condition: after it, they are patterns like any other.
    """
    for place, word in enumerate(line):
        if word in _CONDITIONAL:
            return word, line[place + 1 :]
    return None, ()


def refusal(line: Line) -> tuple[str | None, Line]:
    """The condition of a line that refuses and does nothing else, with no argument that could hide a condition."""
    found, condition = condition_of(line)
    arguments = line[1 : len(line) - len(condition) - 1] if found else line[1:]
    plain = not arguments or (len(arguments) == 2 and arguments[0] in _STATUS and arguments[1].isdecimal())  # noqa: PLR2004 - a name and a number
    return (found, condition) if line[:1] and line[0] in REFUSALS and plain else (None, ())


def refuses(frontend: Section, word: str, fetch: Line) -> bool:
    """Whether requests are refused `if` or `unless` (`word`) what `fetch` asks for is so, and whatever else is so."""
    return any(
        [Term(negated=False, definitions=(fetch,))] in alternatives and (word == "if" or len(alternatives) == 1)
        for line in frontend.starting("http-request")
        for found, condition in [refusal(line)]
        if found == word
        for alternatives in [terms(frontend, condition)]
    )


@dataclass(frozen=True)
class Term:
    """An ACL in a condition: its definitions, one of which must match, or none where it is negated."""

    negated: bool
    definitions: tuple[Line, ...]


def _lists(frontend: Section, layer: Line, read: Callable[[Line], T | None]) -> Iterator[tuple[int, tuple[T, ...]]]:
    for place, whole in enumerate(frontend.lines):
        line = whole[len(layer) :]
        if whole[: len(layer)] != layer or not line:
            continue
        if line[0] in _PASSES:
            return
        word, condition = refusal(line)
        if word is not None:
            for members in _allowed(terms(frontend, condition), word, read):
                yield place, members


def _allowed(alternatives: list[list[Term]], word: str, read: Callable[[Line], T | None]) -> Iterator[tuple[T, ...]]:
    if word == "unless":
        # Passes if an alternative holds; each must ask for a list member, or something else would pass as well.
        members = [_first(alternative, read) for alternative in alternatives]
        if members and all(member is not None for member in members):
            yield tuple(entry for member in members for entry in member or ())
        return
    for alternative in alternatives:
        # Refused if none of the list's members matches, and whatever else is so.
        found = [_read(term.definitions, read) if term.negated else None for term in alternative]
        if found and all(entries is not None for entries in found):
            yield tuple(entry for entries in found for entry in entries or ())


def _first(alternative: list[Term], read: Callable[[Line], T | None]) -> tuple[T, ...] | None:
    candidates = (_read(term.definitions, read) for term in alternative if not term.negated)
    return next((found for found in candidates if found is not None), None)


def _read(definitions: Iterable[Line], read: Callable[[Line], T | None]) -> tuple[T, ...] | None:
    found = [read(definition) for definition in definitions]
    entries = tuple(entry for entry in found if entry is not None)
    return entries if found and len(entries) == len(found) else None


def terms(frontend: Section, condition: Line) -> list[list[Term]]:
    """The alternatives of `condition`, each with the terms that must all hold."""
    alternatives: list[list[Term]] = [[]]
    words = iter(condition)
    negated = False
    for word in words:
        if word in {"or", "||"}:
            alternatives.append([])
            continue
        negated ^= word.startswith("!")
        name = word.removeprefix("!")
        if not name:
            continue
        if name == "{":
            inner: list[str] = []
            for inside in words:
                if inside == "}":
                    break
                inner.append(inside)
            definitions: tuple[Line, ...] = (tuple(inner),)
        else:
            definitions = tuple(rest[1:] for rest in frontend.starting("acl") if rest[:1] == (name,))
        alternatives[-1].append(Term(negated, definitions))
        negated = False
    return [alternative for alternative in alternatives if alternative]


def _paths(definition: Line) -> Paths | None:
    if not definition or definition[0] not in _MATCHES:
        return None
    match, any_case = _MATCHES[definition[0]], False
    words = list(definition[1:])
    while words and words[0].startswith("-"):
        flag = words.pop(0)
        if flag == "-m" and words:
            match = words.pop(0)
        elif flag == "-i":
            any_case = True
        elif flag == "--":
            break
        else:
            return None
    return Paths(match, tuple(words), any_case) if words and match in _MATCHES.values() else None


def _networks(definition: Line) -> tuple[Network, ...] | None:
    if definition[:1] != ("src",) or len(definition) == 1:
        return None
    try:
        return tuple(ip_network(word, strict=False) for word in definition[1:])
    except ValueError:
        return None
