"""Numbers of instances that are written as a number or as a percentage."""

import re

from policies.pack.values import Value

_PERCENT = re.compile(r"(?P<digits>[0-9]{1,9})%")
_WHOLE = 100


def scaled(value: Value, count: int, *, up: bool) -> int | None:
    """How many of `count` instances `value` means, parts of one rounded `up` or down; None where nobody can tell."""
    if value.number is not None:
        return int(value.number) if value.number >= 0 and value.number.is_integer() else None
    found = _PERCENT.fullmatch(value.text or "")
    if found is None:
        return None
    parts = count * int(found["digits"])
    return -(-parts // _WHOLE) if up else parts // _WHOLE
