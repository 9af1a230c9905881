"""How long certificates live, and how much of that is left when somebody renews them."""

import re
from datetime import UTC, datetime

from policies.pack.values import Value

HOURS_PER_DAY = 24
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:h|ms|us|µs|ns|m|s))+")
_PART = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>h|ms|us|µs|ns|m|s)")
_HOURS = {"h": 1.0, "m": 1 / 60, "s": 1 / 3600}
_LONGEST = 12
"""Digits of a number of hours that is still one."""
_USUAL_HOURS = 90 * HOURS_PER_DAY
"""cert-manager's own choice."""
_USUAL_SHARE = 1 / 3
_ALL = 100


def hours(value: Value) -> float | None:
    """The hours of a duration as Go writes it, such as 2160h0m; None where there is none."""
    text = value.text or ""
    if len(text) > _LONGEST or not _DURATION.fullmatch(text):
        return None
    # Parts of a second are none of a certificate's life.
    return sum(float(part["number"]) * _HOURS.get(part["unit"], 0) for part in _PART.finditer(text))


def asked_of_cert_manager(spec: Value) -> tuple[float, float] | None:
    """Hours that a Certificate lives, and that are left when it is renewed; None where that cannot be told."""
    life = hours(spec["duration"]) if spec["duration"].given else float(_USUAL_HOURS)
    if life is None:
        return None
    if spec["renewBefore"].given:
        left = hours(spec["renewBefore"])
        return None if left is None else (life, left)
    share = spec["renewBeforePercentage"]
    if share.given:
        return None if share.number is None else (life, life * share.number / _ALL)
    return life, life * _USUAL_SHARE


def moment(text: str) -> datetime | None:
    """The moment that `text` names, as RFC 3339 writes it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def days_until(end: datetime) -> int:
    """Whole days from now until `end`; negative once it is over."""
    return (end - datetime.now(UTC)).days
