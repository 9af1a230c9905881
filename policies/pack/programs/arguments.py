"""What a command line tells a program."""

from collections.abc import Sequence
from itertools import zip_longest


def told(line: Sequence[str], name: str, short: str | None = None) -> str | None:
    """The last value of the option `name`, or `short`, as the program takes it: after it, or in one word with it."""
    value = None
    for word, after in zip_longest(line, line[1:], fillvalue=""):
        flag, equals, written = word.partition("=")
        if flag in {name, short}:
            value = written if equals else after
        elif short and word.startswith(short) and not word.startswith("--"):
            value = word.removeprefix(short)
    return value
