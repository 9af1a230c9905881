"""What a state folder tells about a stack without asking Pulumi, which takes a quarter of a second for each answer."""

import json
from pathlib import Path


def exists(state: Path, project: str, stack: str) -> bool:
    """Whether the folder holds the stack, compressed or not."""
    return any((_stacks(state, project) / f"{stack}.json{ending}").exists() for ending in ("", ".gz", ".zst"))


def pending_operations(state: Path, project: str, stack: str) -> int:
    """How many changes were under way when a command was cut off; 0 where the state is compressed or unreadable."""
    file = _stacks(state, project) / f"{stack}.json"
    try:
        latest = json.loads(file.read_text(encoding="utf-8"))["checkpoint"].get("latest") or {}
    except (OSError, ValueError):
        return 0  # Pulumi says what is wrong with it
    return len(latest.get("pending_operations") or ())


def _stacks(state: Path, project: str) -> Path:
    return state / ".pulumi" / "stacks" / project
