"""Which cluster a command works on, and where the state of that cluster's stacks is."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from tools.cluster import Cluster
from tools.errors import ToolError
from tools.nodes.lifecycle import is_real

BUILT_IN_PASSPHRASE = "embedded-and-public"  # noqa: S105 - meant to be known
"""Locks the secrets of stacks on embedded clusters, which guard nothing: everyone can read it here."""

_BACKEND = "PULUMI_BACKEND_URL"
_PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - the name of a variable
_PASSPHRASE_FILE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable
_KUBECONFIG = "TRACARDI_KUBECONFIG"
_CONTEXT = "TRACARDI_KUBE_CONTEXT"
_EMBEDDED = "TRACARDI_EMBEDDED"

MARKERS = frozenset({_EMBEDDED, _CONTEXT, _KUBECONFIG})
"""The variables that tell the program its cluster."""


@dataclass(frozen=True)
class Target:
    """A cluster, and a state backend for the stacks that describe it."""

    title: str
    backend: str
    """URL of the state backend."""
    copies: Path
    """Folder for the working copies of stack files; ignored by git, and of this backend alone."""
    variables: Mapping[str, str]
    """What tells the program, and for an embedded cluster also kubectl, which cluster it is."""
    embedded: bool = False
    real: bool = False
    """Whether an embedded cluster's nodes run containers."""
    private_state: bool = False
    """Whether the state is in the cluster's own folder, so that nobody on another machine can be at work on it."""
    options: Mapping[str, str] = field(default_factory=dict)
    """The variables of make that name this target, where it is not the default one."""

    @property
    def state(self) -> Path | None:
        """Folder of the backend, where it is one on this machine."""
        return local_folder(self.backend)


def embedded(cluster: Cluster, own: Mapping[str, str], options: Mapping[str, str]) -> Target:
    """An embedded cluster; its state is in the cluster's folder and goes with it, unless the user has a backend."""
    backend = own.get(_BACKEND) or cluster.state.as_uri()
    variables = {
        _KUBECONFIG: str(cluster.kubeconfig),
        _CONTEXT: json.loads(cluster.kubeconfig.read_text(encoding="utf-8"))["current-context"],
        _EMBEDDED: "1",
        "KUBECONFIG": str(cluster.kubeconfig),
        "KUBECACHEDIR": str(cluster.folder / "cache"),
    }
    if _PASSPHRASE not in own and _PASSPHRASE_FILE not in own:
        variables[_PASSPHRASE] = BUILT_IN_PASSPHRASE
    return Target(
        title=f"the embedded cluster {cluster.name}",
        backend=backend,
        copies=cluster.folder / "stacks" / _digest(backend),
        variables=variables,
        embedded=True,
        real=is_real(cluster),
        private_state=not own.get(_BACKEND),
        options=options,
    )


def context(name: str, own: Mapping[str, str], work: Path) -> Target:
    """A context of the user's kubeconfig. Raises ToolError where no kubeconfig has it."""
    kubeconfig = next((file for file in _kubeconfigs(own) if _has_context(file, name)), None)
    if kubeconfig is None:
        looked = ", ".join(str(file) for file in _kubeconfigs(own))
        raise ToolError(f"no context {name} in {looked}; `kubectl config get-contexts` lists those that there are.")
    return Target(
        title=f"context {name}",
        backend=_backend(own, work, name),
        copies=work / "stacks" / _digest(_backend(own, work, name)),
        variables={_KUBECONFIG: str(kubeconfig), _CONTEXT: name},
        options={"KUBE_CONTEXT": name},
    )


def stack_files_own(stack: str, own: Mapping[str, str], work: Path) -> Target:
    """The cluster that the stack file names under tracardi:target; what that leaves out comes from the environment."""
    backend = _backend(own, work, f"stack-{stack}")
    return Target(
        title=f"the cluster named in Pulumi.{stack}.yaml",
        backend=backend,
        copies=work / "stacks" / _digest(backend),
        variables={_KUBECONFIG: own.get(_KUBECONFIG) or str(_kubeconfigs(own)[0])},
    )


def refuse_without_passphrase(target: Target, own: Mapping[str, str], stack: str, provider: str | None) -> None:
    """Raise ToolError where secrets of a cluster that is not embedded would be locked with nothing of the user's."""
    if target.embedded or provider or target.backend.startswith(("https://", "http://")):
        return
    chosen = own.get(_PASSPHRASE)
    if chosen == BUILT_IN_PASSPHRASE:
        raise ToolError(
            f"{_PASSPHRASE} holds the passphrase of embedded clusters, which is public; secrets of {target.title} "
            "need one of your own."
        )
    if chosen is None and not own.get(_PASSPHRASE_FILE):
        raise ToolError(
            f"the secrets of {target.title} need a passphrase of your own: set {_PASSPHRASE} or {_PASSPHRASE_FILE}, "
            f"or name a key service in Pulumi.{stack}.yaml (secretsprovider: awskms://…, azurekeyvault://…, gcpkms://… "
            "or hashivault://…). Keep it: without it the stack cannot be changed any more."
        )


def local_folder(backend: str) -> Path | None:
    """The folder that a file:// backend names, as Pulumi reads it; None for other backends."""
    scheme, _, rest = backend.partition("://")
    return Path(unquote(rest.partition("?")[0])).expanduser().absolute() if scheme == "file" else None


def _backend(own: Mapping[str, str], work: Path, name: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    folder = work / "state" / (readable if readable == name else f"{readable}-{_digest(name)}")
    return own.get(_BACKEND) or folder.as_uri()


def _kubeconfigs(own: Mapping[str, str]) -> list[Path]:
    files = [Path(file) for file in own.get("KUBECONFIG", "").split(":") if file]
    return files or [Path(own.get("HOME", "~")).expanduser() / ".kube" / "config"]


def _has_context(file: Path, name: str) -> bool:
    # Near enough without a YAML parser: a user or a cluster of the same name is let through, and refused by Pulumi.
    pattern = rf"\bname[\"']?\s*:\s*[\"']?{re.escape(name)}[\"']?(?=[\s,}}]|$)"
    return os.access(file, os.R_OK) and re.search(pattern, file.read_text(encoding="utf-8")) is not None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
