"""Amounts of CPU and memory as Kubernetes spells them."""

import re
from decimal import Decimal

from policies.pack.values import Value

_QUANTITY = re.compile(
    r"\+?(?P<number>[0-9]+(\.[0-9]*)?|\.[0-9]+)((?P<suffix>[numkMGTPE]|[KMGTPE]i)|[eE](?P<exponent>[+-]?[0-9]{1,2}))?"
)
_SUFFIXES = {
    **{suffix: Decimal(10) ** power for suffix, power in zip("num", (-9, -6, -3), strict=True)},
    **{suffix: Decimal(10) ** power for suffix, power in zip("kMGTPE", range(3, 21, 3), strict=True)},
    **{f"{suffix}i": Decimal(1024) ** power for suffix, power in zip("KMGTPE", range(1, 7), strict=True)},
}


def quantity(value: Value) -> Decimal | None:
    """The amount that stands at `value`, in units or bytes; None where none does that can be read."""
    if value.number is not None:
        return Decimal(value.number)
    found = _QUANTITY.fullmatch(value.text or "")
    if found is None:
        return None
    factor = _SUFFIXES[found["suffix"]] if found["suffix"] else Decimal(10) ** int(found["exponent"] or 0)
    return Decimal(found["number"]) * factor
