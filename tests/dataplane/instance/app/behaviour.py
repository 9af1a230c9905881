"""How this instance behaves, as its environment says."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Moment = Literal["begin", "end"]


@dataclass(frozen=True)
class Behaviour:
    """The variables are Tracardi's own, or tests' (`COST_MS`, `LATENCY_MS`, `STORED`, `STORE_AT`)."""

    instance: str
    """Who answers: the host name."""
    private: bool
    """Whether what needs a login may be used with one (`EXPOSE_GUI_API`; nothing but `yes` means yes)."""
    installation_token: str
    """Without one, every token is right."""
    cost: float
    """Seconds of the only thread that an event takes."""
    latency: float
    """Seconds that an event waits for something else, while others go on."""
    stored: Path | None
    """File with a line for each stored event: its id and who stored it. Processes may share it."""
    store_at: Moment
    """Whether an event is stored before the time that it takes, or after it, just before the answer."""

    @classmethod
    def read(cls, environment: Mapping[str, str], instance: str) -> "Behaviour":
        """Raises ValueError for what cannot be meant."""
        stored = environment.get("STORED")
        return cls(
            instance=instance,
            private=environment.get("EXPOSE_GUI_API", "yes") == "yes",
            installation_token=environment.get("INSTALLATION_TOKEN", "tracardi"),
            cost=float(environment.get("COST_MS", "0")) / 1000,
            latency=float(environment.get("LATENCY_MS", "0")) / 1000,
            stored=Path(stored) if stored else None,
            store_at=_moment(environment.get("STORE_AT", "end")),
        )


def _moment(text: str) -> Moment:
    match text:
        case "begin" | "end":
            return text
        case _:
            raise ValueError(f"STORE_AT is {text}: begin or end")
