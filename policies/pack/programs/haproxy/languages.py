"""What a regular expression matches, compared with what it may match: a proof where examples are only guesses.

Expressions become automata: states with moves on sets of characters. Whatever this reader does not know is an error,
never a guess.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from policies.pack.unreadable import UnreadableError

Characters = frozenset[str]

_ALL = frozenset(map(chr, range(256)))
_DIGITS = frozenset("0123456789")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_CLASSES = {"d": _DIGITS, "w": _DIGITS | _LETTERS | {"_"}, "D": _ALL - _DIGITS}
_MOST_STATES = 4000
_MOST_STEPS = 20000
_DEEPEST = 20
"""Groups within groups."""


@dataclass
class _Automaton:
    """States by number; 0 is where texts begin."""

    silent: list[list[int]] = field(default_factory=list)
    """For each state, the states that it leads to without a character."""
    moves: list[list[tuple[Characters, int]]] = field(default_factory=list)
    ends: set[int] = field(default_factory=set)

    def state(self) -> int:
        if len(self.moves) >= _MOST_STATES:
            raise UnreadableError("a pattern that is too long to be judged")
        self.silent.append([])
        self.moves.append([])
        return len(self.moves) - 1

    def closed(self, states: Iterable[int]) -> frozenset[int]:
        """`states`, and those that they lead to without a character."""
        found, waiting = set(states), list(states)
        while waiting:
            for following in self.silent[waiting.pop()]:
                if following not in found:
                    found.add(following)
                    waiting.append(following)
        return frozenset(found)

    def after(self, states: Iterable[int], character: str) -> frozenset[int]:
        return self.closed([to for state in states for wanted, to in self.moves[state] if character in wanted])


class _Reader:
    """Reads one expression into an automaton that several expressions may share."""

    def __init__(self, automaton: _Automaton, pattern: str, *, any_case: bool) -> None:
        self._automaton, self._pattern, self._place, self._any_case = automaton, pattern, 0, any_case
        self._depth = 0
        if not pattern.isascii():
            raise self._unknown()

    def add(self) -> None:
        """Put the expression into the automaton, as one that is searched for in a text."""
        begin = self._automaton.state()
        self._automaton.silent[0].append(begin)
        while True:
            start, end = begin, self._automaton.state()
            if not self._take("^"):
                self._automaton.moves[start].append((_ALL, start))
            self._connect(start, self._sequence(anchored=True), end)
            if not self._take("$"):
                self._automaton.moves[end].append((_ALL, end))
            self._automaton.ends.add(end)
            if not self._take("|"):
                break
            begin = self._automaton.state()
            self._automaton.silent[0].append(begin)
        if self._place < len(self._pattern):
            raise self._unknown()

    def _unknown(self) -> UnreadableError:
        return UnreadableError(f"the pattern {self._pattern}")

    @property
    def _next(self) -> str:
        return self._pattern[self._place : self._place + 1]

    def _take(self, text: str) -> bool:
        if self._pattern.startswith(text, self._place):
            self._place += len(text)
            return True
        return False

    def _one(self) -> str:
        if not self._next:
            raise self._unknown()
        self._place += 1
        return self._pattern[self._place - 1]

    def _connect(self, start: int, parts: tuple[int, int], end: int) -> None:
        self._automaton.silent[start].append(parts[0])
        self._automaton.silent[parts[1]].append(end)

    def _alternatives(self) -> tuple[int, int]:
        start, end = self._automaton.state(), self._automaton.state()
        self._connect(start, self._sequence(), end)
        while self._take("|"):
            self._connect(start, self._sequence(), end)
        return start, end

    def _sequence(self, *, anchored: bool = False) -> tuple[int, int]:
        start = last = self._automaton.state()
        while self._next and self._next not in "|)" and not (anchored and self._next == "$"):
            begin, end = self._repeated()
            self._automaton.silent[last].append(begin)
            last = end
        return start, last

    def _repeated(self) -> tuple[int, int]:
        place = self._place
        part = self._part()
        least, most = self._times()
        if (least, most) == (1, 1):
            return part
        start = last = self._automaton.state()
        after = self._place
        for count in range(most or least):
            # Each time from the text, because an automaton has no copies.
            self._place = place
            begin, end = self._part()
            self._automaton.silent[last].append(begin)
            if count >= least:
                self._automaton.silent[last].append(end)
            last = end
        self._place = place
        if most is None:
            begin, end = self._part()
            self._connect(last, (begin, end), last)
        self._place = after
        stop = self._automaton.state()
        self._automaton.silent[last].append(stop)
        return start, stop

    def _times(self) -> tuple[int, int | None]:
        if self._take("*"):
            times: tuple[int, int | None] = (0, None)
        elif self._take("+"):
            times = (1, None)
        elif self._take("?"):
            times = (0, 1)
        elif self._take("{"):
            low, comma, high = self._until("}").partition(",")
            if not low.isdecimal() or (high and not high.isdecimal()):
                raise self._unknown()
            times = (int(low), (int(high) if high else None) if comma else int(low))
        else:
            return 1, 1
        if self._take("?") or self._next in {"+", "*", "{"}:
            raise self._unknown()
        if times[0] > _MOST_STATES or (times[1] is not None and not times[0] <= times[1] <= _MOST_STATES):
            raise self._unknown()
        return times

    def _until(self, end: str) -> str:
        text = ""
        while not self._take(end):
            text += self._one()
        return text

    def _part(self) -> tuple[int, int]:
        if self._take("("):
            if self._next == "?" and not self._take("?:"):
                raise self._unknown()
            self._depth += 1
            if self._depth > _DEEPEST:
                raise self._unknown()
            found = self._alternatives()
            if not self._take(")"):
                raise self._unknown()
            self._depth -= 1
            return found
        start, end = self._automaton.state(), self._automaton.state()
        self._automaton.moves[start].append((self._folded(self._characters()), end))
        return start, end

    def _characters(self) -> Characters:
        character = self._one()
        if character == ".":
            return _ALL
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escaped()
        if character in "^$*+?{}|)":
            raise self._unknown()
        return frozenset({character})

    def _escaped(self) -> Characters:
        character = self._one()
        if character in _CLASSES:
            return _CLASSES[character]
        if character.isalnum():
            raise self._unknown()
        return frozenset({character})

    def _class(self) -> Characters:
        excluded = self._take("^")
        found: set[str] = set()
        if self._next == "]":
            raise self._unknown()
        while not self._take("]"):
            character = self._one()
            if character == "[":
                raise self._unknown()
            members = self._escaped() if character == "\\" else frozenset({character})
            if self._next == "-" and self._pattern[self._place + 1 : self._place + 2] != "]":
                self._place += 1
                last = self._one()
                if len(members) != 1 or last in "\\[":
                    raise self._unknown()
                members = frozenset(map(chr, range(ord(min(members)), ord(last) + 1)))
            found |= members
        return _ALL - found if excluded else frozenset(found)

    def _folded(self, characters: Characters) -> Characters:
        if not self._any_case:
            return characters
        return characters | {other for character in characters for other in (character.lower(), character.upper())}


@dataclass(frozen=True)
class Pattern:
    """A regular expression that is searched for in a text."""

    expression: str
    any_case: bool = False


@cache
def _automaton(patterns: tuple[Pattern, ...]) -> _Automaton:
    automaton = _Automaton()
    automaton.state()
    for pattern in patterns:
        _Reader(automaton, pattern.expression, any_case=pattern.any_case).add()
    return automaton


@cache
def outside(patterns: tuple[Pattern, ...], allowed: tuple[Pattern, ...]) -> str | None:
    """A shortest text that one of `patterns` matches and none of `allowed`; None where there is none.

    Raises:
        UnreadableError: a pattern has something that this reader does not know.
    """
    mine, theirs = _automaton(patterns), _automaton(allowed)
    begin = (mine.closed([0]), theirs.closed([0]))
    waiting, seen = [(begin, "")], {begin}
    for (here, there), text in waiting:
        if here & mine.ends and not there & theirs.ends:
            return text
        for character in _representatives((mine, here), (theirs, there)):
            following = (mine.after(here, character), theirs.after(there, character))
            if following[0] and following not in seen:
                seen.add(following)
                waiting.append((following, text + character))
        if len(seen) > _MOST_STEPS:
            raise UnreadableError("a pattern that is too long to be judged")
    return None


def _representatives(*places: tuple[_Automaton, frozenset[int]]) -> Iterator[str]:
    """A character for each way to go on: those that every move takes alike need not all be tried."""
    parts = [_ALL]
    moves = {wanted for automaton, states in places for state in states for wanted, _ in automaton.moves[state]}
    for wanted in moves:
        parts = [piece for part in parts for piece in (part & wanted, part - wanted) if piece]
    yield from sorted(min(part, key=_unusual) for part in parts)


def _unusual(character: str) -> tuple[int, str]:
    """How strange a character looks in an example."""
    return (
        0 if character in _LETTERS else 1 if character in _DIGITS else 2 if "!" <= character <= "~" else 3
    ), character
