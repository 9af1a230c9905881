"""Debian's programs from their folder, without entering it, and what happens when one fails."""

import subprocess
from pathlib import Path

from tools.errors import ToolError


def debian(root: Path, program: str) -> list[str]:
    """What runs a program of the folder (`usr/sbin/ip`) with the folder's own libraries."""
    loader = root / "usr/lib64/ld-linux-x86-64.so.2"
    libraries = root / "usr/lib/x86_64-linux-gnu"
    return [str(loader), "--library-path", str(libraries), str(root / program)]


def run(command: list[str], text: str = "") -> str:
    """The standard output of a command. Raises ToolError with what it said where it fails."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise ToolError("\n  ".join([f"{' '.join(command[-8:])} failed with status {done.returncode}:", *said]))
    return done.stdout
