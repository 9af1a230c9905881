"""Copies of the pack that hold one rule more, for tests of what becomes of its verdict."""

from pathlib import Path

from tests.unit.stacks import REPOSITORY

ADDED = "added-by-a-test"
"""Name of the rule."""

_PROJECT = """\
description: The pack of this repository, and a rule more.
version: 0.1.0
runtime:
  name: python
  options: {{toolchain: pip, virtualenv: "{virtualenv}"}}
"""

_PROGRAM = """\
import sys

sys.path.insert(0, {repository!r})

from pulumi_policy import EnforcementLevel, PolicyPack, StackValidationPolicy

from policies.pack.crossguard import policies
from policies.pack.decoding import decode_once
from policies.pack.registry import RULES


def check(args, report):
    {check}


decode_once()
added = StackValidationPolicy(name={name!r}, description="For a test.", validate=check)
PolicyPack("tracardi-production", [*policies(RULES), added], enforcement_level=EnforcementLevel.MANDATORY)
"""


def pack_with(folder: Path, check: str) -> Path:
    """A pack in `folder`: that of this repository, and a mandatory rule with the statement `check`.

    The statement may use `args`, what the SDK shows a policy, and `report`.
    """
    folder.mkdir()
    (folder / "PulumiPolicy.yaml").write_text(_PROJECT.format(virtualenv=REPOSITORY / ".venv"), encoding="utf-8")
    program = _PROGRAM.format(repository=str(REPOSITORY), check=check, name=ADDED)
    (folder / "__main__.py").write_text(program, encoding="utf-8")
    return folder
