"""Stacks as the state files that Pulumi exports, and what `pulumi policy analyze` says of them."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.policies.state import UNDECRYPTED, State
from tests.unit.engine import JsonObject, Registered
from tests.unit.stacks import REPOSITORY
from tools.toolchain import Toolchain

PACK = REPOSITORY / "policies"

_SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
_PROVIDER_ID = "one"


@dataclass(frozen=True)
class Verdict:
    """What the command line said."""

    status: int
    findings: tuple[JsonObject, ...]
    """Its policy events."""
    told: str
    """All of it."""

    @property
    def rules(self) -> list[str]:
        """Names of the rules that found something, without the pack's version."""
        return sorted({str(found["policyName"]) for found in self.findings})

    def messages(self, rule: str) -> str:
        """What `rule` said."""
        return "\n".join(found["message"] for found in self.findings if found["policyName"] == rule)


class Analyser:
    """`pulumi policy analyze`, with the pack of this repository unless another one is given."""

    def __init__(self, tools: Toolchain, folder: Path) -> None:
        self._folder = folder
        self._environment = {
            **os.environ,
            "PATH": f"{tools.bin}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_HOME": str(tools.pulumi_home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_LOG_ROTATION_MAX_TOTAL_MB": "50",
        }

    def judge(self, deployment: JsonObject, configured: Mapping[str, JsonObject], pack: Path = PACK) -> Verdict:
        """The verdict on a state."""
        done = self._run(deployment, configured, pack, "--json")
        events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        findings = tuple(event["policyEvent"] for event in events if "policyEvent" in event)
        return Verdict(done.returncode, findings, done.stdout + done.stderr)

    def told(self, deployment: JsonObject, configured: Mapping[str, JsonObject]) -> str:
        """What people are told of a state."""
        done = self._run(deployment, configured, PACK)
        return done.stdout + done.stderr

    def _run(
        self, deployment: JsonObject, configured: Mapping[str, JsonObject], pack: Path, *options: str
    ) -> subprocess.CompletedProcess[str]:
        state, configuration = self._folder / "state.json", self._folder / "configuration.json"
        state.write_text(json.dumps(deployment), encoding="utf-8")
        configuration.write_text(json.dumps(configured), encoding="utf-8")
        command = ["pulumi", "policy", "analyze", *options, "--non-interactive", f"--file={state}"]
        command += [f"--policy-pack={pack}", f"--policy-pack-config={configuration}"]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=self._folder,
            env=self._environment,
            timeout=120,
        )


def deployment(state: State, *, decrypted: bool) -> JsonObject:
    """`state` as `pulumi stack export` writes it.

    Secrets are `decrypted`, as with --show-secrets, or stand there as what rules see of those that cannot be.
    """
    return {"version": 3, "deployment": {"manifest": {}, "resources": [*_resources(state, decrypted=decrypted)]}}


def _resources(state: State, *, decrypted: bool) -> Iterator[JsonObject]:
    first = state.resources[0]
    root = {"type": "pulumi:pulumi:Stack", "urn": first.parent, "custom": False}
    if root["urn"]:
        yield root
    for kind in sorted({_provider_type(resource) for resource in state.resources if resource.custom}):
        yield {"type": kind, "urn": _provider_urn(kind), "custom": True, "id": _PROVIDER_ID}
    # Whatever a change added goes by no parent.
    for resource in state.resources:
        yield _resource(resource, decrypted=decrypted)


def _resource(resource: Registered, *, decrypted: bool) -> JsonObject:
    properties = {
        key: _encrypted(value, decrypted=decrypted) if key in resource.secret_inputs else value
        for key, value in resource.inputs.items()
    }
    found: JsonObject = {
        "type": resource.token,
        "urn": resource.urn,
        "custom": resource.custom,
        "inputs": properties,
        "outputs": properties,
        "parent": resource.parent,
        "dependencies": sorted(resource.dependencies),
        "propertyDependencies": {key: sorted(urns) for key, urns in resource.property_dependencies.items()},
    }
    if resource.custom:
        found |= {"id": resource.name, "provider": f"{_provider_urn(_provider_type(resource))}::{_PROVIDER_ID}"}
    return found


def _encrypted(value: object, *, decrypted: bool) -> object:
    return {**_SECRET, "plaintext": json.dumps(value)} if decrypted else UNDECRYPTED


def _provider_type(resource: Registered) -> str:
    return f"pulumi:providers:{resource.token.partition(':')[0]}"


def _provider_urn(kind: str) -> str:
    return f"urn:pulumi:stack::project::{kind}::default"
