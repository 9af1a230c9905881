"""What one request of a visitor stores: its events, and what Tracardi adds about the visitor."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .elastic import Document
from .names import EVENT, PROFILE, SESSION, Names

_HIDDEN = ("authorization", "cookie")


@dataclass(frozen=True)
class Visit:
    """One request, and who it is from."""

    source: str
    session: str
    profile: str
    new_session: bool
    new_profile: bool
    events: Sequence[Mapping[str, Any]]
    headers: Mapping[str, str]
    context: Mapping[str, Any]

    @property
    def new(self) -> bool:
        """Whether anything about the visitor has to be made."""
        return self.new_session or self.new_profile

    def operations(self, names: Names) -> list[tuple[str, str, Document]]:
        """What is written: index, id and document of each."""
        now = datetime.now(UTC)
        events = [
            *((str(event["type"]), event.get("properties") or {}) for event in self.events),
            *((kind, {}) for kind in self._added()),
        ]
        operations = [_operation(names, now, self._event(now, kind, properties)) for kind, properties in events]
        time = {"insert": now.isoformat(), "update": now.isoformat()}
        if self.new_profile:
            record = {"id": self.profile, "ids": [self.profile], "metadata": {"time": time}, "traits": {}}
            operations.append((names.index(PROFILE, now), self.profile, record))
        if self.new_session:
            session = {"id": self.session, "profile": {"id": self.profile}, "metadata": {"time": time}}
            operations.append((names.index(SESSION, now), self.session, session))
        return operations

    def _added(self) -> list[str]:
        created = ["profile-created"] if self.new_profile else []
        return [*created, "session-opened", "visit-started"] if self.new_session else created

    def _event(self, now: datetime, kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        return {
            # One of its own at each attempt: a client that sends an event twice has it stored twice.
            "id": str(uuid.uuid4()),
            "type": kind,
            "name": kind.replace("-", " ").capitalize(),
            # The address stays out, whatever USE_X_FORWARDED_IP says.
            "metadata": {"time": {"insert": now.isoformat()}, "ip": None, "status": "collected"},
            "source": {"id": self.source},
            "session": {"id": self.session},
            "profile": {"id": self.profile},
            "context": dict(self.context),
            "properties": dict(properties),
            "request": {name: value for name, value in self.headers.items() if name not in _HIDDEN},
        }


def _operation(names: Names, now: datetime, event: dict[str, Any]) -> tuple[str, str, Document]:
    return names.index(EVENT, now), event["id"], event
