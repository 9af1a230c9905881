"""The findings that are accepted, each with its reason: waivers.yaml."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tests.manifests.findings import Finding
from tools.errors import ToolError

FILE = Path(__file__).with_name("waivers.yaml")

Sentence = Annotated[str, Field(pattern=r"^\s*\S+(\s+\S+){3,}\.\s*$")]
"""Four words or more, and a full stop."""


class WaiverError(ToolError):
    """The file of waivers cannot be used."""


class Waiver(BaseModel):
    """Findings of one rule that are accepted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tool: Literal["kube-score", "checkov"]
    """Which program finds it."""
    rule: str
    """The program's name of the rule."""
    objects: Annotated[tuple[str, ...], Field(min_length=1)]
    """Patterns of `Kind/namespace/name`, as in a shell; a * crosses slashes."""
    message: str = "*"
    """Pattern of the finding's message, where a rule says more than one thing."""
    reason: Sentence
    """Why it is accepted, in one sentence."""

    def accepts(self, finding: Finding, pattern: str) -> bool:
        """Whether the finding is of this waiver's rule, about an object of this pattern."""
        return (
            (self.tool, self.rule) == (finding.tool, finding.rule)
            and fnmatchcase(finding.object, pattern)
            and fnmatchcase(finding.message, self.message)
        )


@dataclass(frozen=True)
class Verdict:
    """What is left after waivers: nothing, if all is well."""

    unwaived: tuple[Finding, ...]
    stale: tuple[str, ...]
    """Waivers, or patterns of them, that match nothing any more."""

    @property
    def passed(self) -> bool:
        """Whether every finding is waived and every waiver is needed."""
        return not self.unwaived and not self.stale


def load(file: Path = FILE) -> tuple[Waiver, ...]:
    """The waivers of a file.

    Raises:
        WaiverError: it is not YAML, or a waiver lacks a key, has one too many, or gives no reason.
    """
    try:
        return TypeAdapter(tuple[Waiver, ...]).validate_python(yaml.safe_load(file.read_text(encoding="utf-8")) or ())
    except yaml.YAMLError as error:
        raise WaiverError(f"{file.name} is not YAML: {error}") from error
    except ValidationError as error:
        wrong = (
            f"  {'.'.join(map(str, each['loc']))}: {each['msg']} (found {each['input']!r})" for each in error.errors()
        )
        raise WaiverError("\n".join((f"{file.name} holds waivers that cannot be used:", *wrong))) from error


def judge(findings: Iterable[Finding], waivers: Iterable[Waiver]) -> Verdict:
    """Which findings no waiver accepts, and which waivers accept nothing."""
    patterns = [(waiver, pattern) for waiver in waivers for pattern in waiver.objects]
    left, used = list[Finding](), set[int]()
    for finding in findings:
        accepting = {index for index, each in enumerate(patterns) if each[0].accepts(finding, each[1])}
        used |= accepting
        if not accepting:
            left.append(finding)
    stale = (each for index, each in enumerate(patterns) if index not in used)
    return Verdict(tuple(left), tuple(f"{waiver.tool} {waiver.rule} {pattern}" for waiver, pattern in stale))
