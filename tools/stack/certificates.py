"""Certificates of a stack's own making that come near their end.

Whatever `up` runs in a certificate's last 90 days renews it, and a preview shows that as any other change: rules see
the new certificate, of which nothing is known yet, and would accept a stack whose certificates end tomorrow. What is
deployed now stands in the state, and only there (docs/decisions/0012-certificates-near-their-end.md).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tools.stack import checkpoint, report
from tools.stack.session import Session

JsonObject = dict[str, Any]

LEAST_DAYS = 30
"""A certificate with fewer days left fails a preview: nobody has run `up` for two months in which it would have helped,
and this is the time to find out why."""

_TYPES = frozenset({"tls:index/locallySignedCert:LocallySignedCert", "tls:index/selfSignedCert:SelfSignedCert"})


@dataclass(frozen=True)
class Ending:
    """A certificate that the next `up` renews."""

    name: str
    """Name of its resource in the stack."""
    end: datetime | None
    """None where the state does not show it."""

    def overdue(self, now: datetime) -> bool:
        """Whether it must not wait any longer."""
        return self.end is None or self.end - now < timedelta(days=LEAST_DAYS)

    def told(self, now: datetime) -> str:
        """Its end in words."""
        if self.end is None:
            return f"{self.name} has an end that cannot be read"
        if self.end <= now:
            return f"{self.name} ended on {self.end:%Y-%m-%d}"
        return f"{self.name} ends on {self.end:%Y-%m-%d}, in {(self.end - now).days} days"


@dataclass(frozen=True)
class Examination:
    """The certificates near their end, for a person to read."""

    lines: tuple[str, ...]
    overdue: bool
    """Whether one of them must not wait any longer."""


def examine(session: Session, now: datetime | None = None) -> Examination:
    """What is to be said of the certificates that the stack's state holds; ToolError where nobody can read that."""
    moment = now or datetime.now(UTC)
    found = sorted(endings(_resources(session), moment), key=lambda ending: ending.name)
    overdue = [ending for ending in found if ending.overdue(moment)]
    due = [ending for ending in found if ending not in overdue]
    up = report.make("up", session)
    lines: list[str] = []
    if due:
        lines += [f"preview: certificates come near their end; the next `{up}` renews them:", *_listed(due, moment)]
    if overdue:
        lines += [
            f"preview: certificates are left with fewer than {LEAST_DAYS} days; `{up}` renews them, and is overdue:",
            *_listed(overdue, moment),
        ]
    return Examination(tuple(lines), overdue=bool(overdue))


def endings(resources: Iterable[JsonObject], now: datetime) -> Iterator[Ending]:
    """Those of the stack's certificates that are due for renewal at `now`, or have too few days left."""
    for resource in resources:
        if resource.get("type") not in _TYPES or resource.get("delete"):
            continue
        end = _moment(dict(resource.get("outputs") or {}).get("validityEndTime"))
        hours = dict(resource.get("inputs") or {}).get("earlyRenewalHours")
        early = timedelta(hours=hours if isinstance(hours, int | float) else 0)
        ending = Ending(str(resource["urn"]).rpartition("::")[2], end)
        if ending.overdue(now) or (end is not None and end - early <= now):
            yield ending


def _resources(session: Session) -> list[JsonObject]:
    state = session.target.state
    known = checkpoint.resources(state, session.project, session.stack.stack) if state is not None else None
    return session.exported() if known is None else known


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _listed(found: Iterable[Ending], now: datetime) -> list[str]:
    return [f"  {ending.told(now)}" for ending in found]
