"""Runs kube-score and checkov on files of manifests, with nothing of the user's own settings and without a network."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.manifests.findings import CHECKOV, KUBE_SCORE, Finding, Json, of_checkov, of_kube_score
from tests.manifests.rendering import object_id, write
from tests.unit.engine import JsonObject
from tools.errors import ToolError

OLDEST_KUBERNETES = "v1.31"
"""The oldest release that stacks run on."""

_KUBE_SCORE = (
    "score",
    "--output-format=json",
    f"--kubernetes-version={OLDEST_KUBERNETES}",
    # Off unless asked for, and fulfilled.
    "--enable-optional-test=container-ports-check",
    "--enable-optional-test=container-seccomp-profile",
    # Waivers stand in one file, not in annotations.
    "--disable-ignore-checks-annotations",
)
_CHECKOV = ("--framework=kubernetes", "--skip-download", "--quiet", "--compact", "--output=json")
_OFFLINE = {"CKV_SKIP_PACKAGE_UPDATE_CHECK": "true"}
_SHOWN = 2000
"""Characters of what a program that failed has said."""


class ProgramError(ToolError):
    """A program could not do its work."""


def findings(programs: Path, stacks: Mapping[str, Sequence[JsonObject]]) -> list[Finding]:
    """What the programs in the folder `programs` find in the manifests of stacks, given under their names.

    Raises:
        ProgramError: a program failed.
        UnusableAnswerError: a program did not judge everything.
    """
    names = [object_id(each) for objects in stacks.values() for each in objects]
    with TemporaryDirectory(prefix="manifests-") as name:
        folder = Path(name)
        for stack, objects in stacks.items():
            write(objects, folder / f"{stack}.yaml")
        files = [f"{stack}.yaml" for stack in stacks]
        kube_score = _ask(folder, programs / KUBE_SCORE, *_KUBE_SCORE, *files)
        checkov = _ask(folder, programs / CHECKOV, *_CHECKOV, "--directory=.")
    return [*of_kube_score(kube_score, names), *of_checkov(checkov, names)]


def _ask(folder: Path, program: Path, *arguments: str) -> Json:
    """What a program answers; its exit status does not tell findings from failures."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), **_OFFLINE}
    ended = subprocess.run(
        [program, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    try:
        return json.loads(ended.stdout)
    except ValueError as error:
        said = (ended.stderr or ended.stdout).strip()[-_SHOWN:]
        raise ProgramError(f"{program.name} ended with status {ended.returncode} and no answer: {said}") from error
