"""What a state folder tells about a stack without asking Pulumi, which takes a quarter of a second for each answer."""

import json
from pathlib import Path
from typing import Any


def exists(state: Path, project: str, stack: str) -> bool:
    """Whether the folder holds the stack, compressed or not."""
    return any((_stacks(state, project) / f"{stack}.json{ending}").exists() for ending in ("", ".gz", ".zst"))


def pending_operations(state: Path, project: str, stack: str) -> int:
    """How many changes were under way when a command was cut off; 0 where the state is compressed or unreadable."""
    # Where it is unreadable, Pulumi says what is wrong with it.
    return len((_latest(state, project, stack) or {}).get("pending_operations") or ())


def resources(state: Path, project: str, stack: str) -> list[dict[str, Any]] | None:
    """The resources as the state holds them, secrets encrypted; None where the state is compressed or unreadable."""
    latest = _latest(state, project, stack)
    return None if latest is None else list(latest.get("resources") or ())


def _latest(state: Path, project: str, stack: str) -> dict[str, Any] | None:
    file = _stacks(state, project) / f"{stack}.json"
    try:
        return dict(json.loads(file.read_text(encoding="utf-8"))["checkpoint"].get("latest") or {})
    except (OSError, ValueError):
        return None


def _stacks(state: Path, project: str) -> Path:
    return state / ".pulumi" / "stacks" / project
