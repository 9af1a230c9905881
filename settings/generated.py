"""Files that are generated from the settings and kept in the repository."""

import sys
from pathlib import Path


def write_or_check(file: Path, text: str, arguments: list[str]) -> int:
    """Write `text` to `file`, or with `--check` among `arguments` compare it and say how to refresh it; exit status."""
    if "--check" not in arguments:
        file.write_text(text, encoding="utf-8")
        return 0
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{file.name} is out of date; run `make schema` and commit it.\n")
    return 1
