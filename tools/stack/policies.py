"""The policy pack, and what its verdict is worth."""

import re
import subprocess
from pathlib import Path

# What the Python SDK of policies reports, as advice, where a rule needs a value that is only known after the change.
_NOT_RUN = re.compile(r"can't run (?:policy|remediation) '([^']+)'")
# What a rule of the pack says of itself (policies/pack/crossguard.py).
_FAILED = re.compile(r"\brule '([^']+)' failed: ")
_FORBIDDEN = re.compile(r"^ +- \[mandatory\](?: \[severity: \w+\])? +(\S+)", re.MULTILINE)
_SECTION = re.compile(r"^(?:Policies|Diagnostics):\n(?:.*\S.*\n?)+", re.MULTILINE)
_STRICTEST = "prod"


def flags(repository: Path, stack: str) -> tuple[str | Path, ...]:
    """Pulumi's arguments for the policy pack with the stack's configuration; none where there is no pack.

    A stack without a configuration of its own is judged by prod's.
    """
    pack = repository / "policies"
    if not (pack / "PulumiPolicy.yaml").exists():
        return ()
    configuration = next((file for file in _candidates(repository, stack) if file.exists()), None)
    # Pulumi pairs the two flags by position.
    return ("--policy-pack", pack, *(("--policy-pack-config", configuration) if configuration else ()))


def borrowed(repository: Path, stack: str) -> tuple[Path, Path] | None:
    """The configuration that the stack would have, and the one by which it is judged as it has none; from the folder.

    None where it has one.
    """
    own, strictest = _candidates(repository, stack)
    if own.exists() or not strictest.exists():
        return None
    return own.relative_to(repository), strictest.relative_to(repository)


def forbidding(text: str) -> list[str]:
    """Names of the rules that refused the change, by what Pulumi said."""
    return sorted(set(_FORBIDDEN.findall(text)))


def not_run(text: str) -> list[str]:
    """Names of the rules that could not run, by what Pulumi said. Their silence is no verdict."""
    return sorted(set(_NOT_RUN.findall(text)))


def failed(text: str) -> list[str]:
    """Names of the rules that failed themselves, by what Pulumi said."""
    return sorted(set(_FAILED.findall(text)))


def misconfigured(repository: Path, python: Path) -> list[str]:
    """What is wrong with the pack's configuration files, a line each, by the pack itself.

    Pulumi refuses such files in words that name neither the file nor the place.
    """
    if not (repository / "policies" / "config").is_dir() or not python.exists():
        return []
    done = subprocess.run(
        [python, "-m", "policies.pack.configuration"],
        cwd=repository,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    # A pack that cannot be imported has told Pulumi so.
    return [line for line in done.stderr.splitlines() if line.startswith("config/")]


def said(text: str) -> str:
    """What the rules, and whatever failed, said; without the changes and outputs around it."""
    return "\n".join(found[0].rstrip() for found in _SECTION.finditer(text)) or text.strip()


def _candidates(repository: Path, stack: str) -> tuple[Path, Path]:
    folder = repository / "policies" / "config"
    return folder / f"{stack}.json", folder / f"{_STRICTEST}.json"
