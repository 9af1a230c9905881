"""What `make env` gives a shell, and how to find behind it what the shell's owner had set.

A command that runs in such a shell must not take our own exports for choices of the user: the embedded cluster's state
would become the state of a real cluster, and its well-known passphrase would lock real secrets.
"""

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

RECORD = "TRACARDI_ENV"
"""Variable with what `make env` replaced: for each name the value before it (or null) and its own."""
PATH_PREFIX = "TRACARDI_ENV_PATH"
"""Variable with what `make env` put before PATH; the Makefile takes it off again."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def users_own(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what `make env` put there. A value that was changed after it stays as it is now."""
    own = {name: value for name, value in environment.items() if name not in {RECORD, PATH_PREFIX}}
    for name, (before, ours) in _record(environment).items():
        if own.get(name) == ours:
            own.pop(name)
            if before is not None:
                own[name] = before
    prefix = environment.get(PATH_PREFIX, "")
    if prefix and "PATH" in own:
        own["PATH"] = own["PATH"].replace(prefix, "")
    return own


def with_exports(own: Mapping[str, str], variables: Mapping[str, str], folders: tuple[Path, ...]) -> dict[str, str]:
    """An environment for Pulumi and for shells: `variables` set and `folders` first on PATH, both recorded."""
    prefix = "".join(f"{folder}{os.pathsep}" for folder in folders)
    record = {name: (own.get(name), value) for name, value in variables.items() if own.get(name) != value}
    path = prefix + own.get("PATH", os.defpath)
    return {**own, **variables, "PATH": path, PATH_PREFIX: prefix, RECORD: json.dumps(record)}


def script(current: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
    """Lines of shell that make the variables of `wanted`, which differ or are ours, out of those of `current`."""
    ours = {*_record(wanted), RECORD, PATH_PREFIX, "PATH"}
    for name in sorted(ours | {name for name in current if current[name] != wanted.get(name)}):
        if name in wanted:
            yield f"export {name}={shlex.quote(wanted[name])}"
        elif _NAME.fullmatch(name):
            yield f"unset {name}"


def _record(environment: Mapping[str, str]) -> dict[str, tuple[str | None, str]]:
    try:
        return {name: (before, ours) for name, (before, ours) in json.loads(environment.get(RECORD, "{}")).items()}
    except (AttributeError, TypeError, ValueError):
        return {}  # not written by us: nothing to take back
