"""Everything that a stack command needs, made ready: toolchain, cluster, stack and environment."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools.cluster import DEFAULT_NAME, ClusterTools, clusters
from tools.cluster import up as cluster_up
from tools.errors import ToolError
from tools.layout import repository, work_dir
from tools.stack import checkpoint, files, process, shell, target, wrapper
from tools.stack.files import StackFile
from tools.stack.target import Target
from tools.toolchain import Toolchain, ensure

DEFAULT_STACK = "dev"


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    stack: str = DEFAULT_STACK
    context: str = ""
    """Context of the user's kubeconfig; without it the embedded cluster is meant."""
    cluster: str = DEFAULT_NAME
    """Name of the embedded cluster."""


@dataclass(frozen=True)
class Session:
    """A stack of this repository on a cluster, ready for Pulumi."""

    stack: StackFile
    target: Target
    pulumi: Path
    environment: Mapping[str, str]

    @property
    def project(self) -> str:
        """Name of the Pulumi project."""
        return files.project(self.stack.repository)

    def run(self, command: str, *arguments: str | Path) -> process.Outcome:
        """Run a Pulumi command on the stack in the repository, showing what it says."""
        colour = "always" if sys.stdout.isatty() and "NO_COLOR" not in self.environment else "never"
        flags = (
            "--stack",
            self.stack.stack,
            "--config-file",
            self.stack.refresh(),
            "--non-interactive",
            "--suppress-progress",
        )
        line = (self.pulumi, command, *flags, "--color", colour, *arguments)
        # The Kubernetes plugin leaves a copy of the kubeconfig among the temporary files of every run.
        with TemporaryDirectory(prefix="tmp-", dir=self.stack.folder) as temporary:
            return process.run(line, {**self.environment, "TMPDIR": temporary}, self.stack.repository)

    def ask(self, *arguments: str) -> str:
        """Run a Pulumi command among the working copies and return what it prints. Raises ToolError if it fails."""
        done = self._try(*arguments)
        if done.returncode != 0:
            raise ToolError(f"`pulumi {' '.join(arguments[:2])}` failed:\n{(done.stderr or done.stdout).strip()}")
        return done.stdout

    def exported(self) -> list[dict[str, Any]]:
        """The resources as the backend holds them, secrets encrypted. Raises ToolError if it does not answer."""
        exported = json.loads(self.ask("stack", "export"))
        return list((exported.get("deployment") or {}).get("resources") or ())

    def exists(self) -> bool:
        """Whether the stack is known to exist; a backend that is not on this machine is not asked."""
        state = self.target.state
        return state is not None and checkpoint.exists(state, self.project, self.stack.stack)

    def create(self) -> None:
        """Create the stack where it does not exist. Raises ToolError where the backend refuses."""
        self.stack.refresh()
        if self.exists():
            return
        if self.target.state is not None and self.target.state.is_relative_to(work_dir()):
            self.target.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        provider = files.secrets_provider(self.stack.copy.read_text(encoding="utf-8"))
        key = ("--secrets-provider", provider) if provider else ()
        done = self._try("stack", "init", self.stack.stack, "--no-select", "--non-interactive", *key)
        if done.returncode != 0 and "already exists" not in done.stderr:
            raise ToolError(f"stack {self.stack.stack} cannot be created:\n{done.stderr.strip()}")

    def _try(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.pulumi, *arguments],
            env=dict(self.environment),
            cwd=self.stack.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def prepare(request: Request, own: Mapping[str, str], tell: Callable[[str], None]) -> Session:
    """Make ready what a command on the stack needs; `own` is the user's environment.

    Raises:
        ToolError: there is no such stack or context, a choice is missing or dangerous, or a tool cannot be had.
    """
    text = files.read_stack_file(repository(), request.stack)
    outside = _outside_target(request, own, text)
    if outside:
        target.refuse_without_passphrase(outside, own, request.stack, files.secrets_provider(text))
        tools = ensure(frozenset({"pulumi"}))
        return _ready(request, own, tools, outside)
    tools = ensure(frozenset({"pulumi", "cluster"}))
    cluster = cluster_up(request.cluster, ClusterTools(tools.bin), tell=tell)
    options = {} if request.cluster == DEFAULT_NAME else {"CLUSTER": request.cluster}
    return _ready(request, own, tools, target.embedded(cluster, own, options))


def nothing_to_take_down(request: Request, own: Mapping[str, str]) -> str | None:
    """Why there is nothing to destroy, where that can be told without starting anything."""
    text = files.read_stack_file(repository(), request.stack)
    outside = _outside_target(request, own, text)
    place = outside or _embedded_without_starting(request, own)
    if place is None:
        return f"there is no embedded cluster {request.cluster}, so nothing of stack {request.stack} is on it"
    if place.state and not checkpoint.exists(place.state, files.project(repository()), request.stack):
        return f"there is no stack {request.stack} on {place.title}"
    return None


def _embedded_without_starting(request: Request, own: Mapping[str, str]) -> Target | None:
    found = next((cluster for cluster in clusters() if cluster.name == request.cluster), None)
    return target.embedded(found, own, {}) if found and found.finished.exists() else None


def _outside_target(request: Request, own: Mapping[str, str], text: str) -> Target | None:
    """The target, unless it is an embedded cluster."""
    names_target = files.names_target(text)
    if names_target and request.context:
        raise ToolError(
            f"Pulumi.{request.stack}.yaml names its own cluster (tracardi:target), and KUBE_CONTEXT={request.context} "
            "another one; keep one of the two."
        )
    if names_target:
        return target.stack_files_own(request.stack, own, work_dir())
    return target.context(request.context, own, work_dir()) if request.context else None


def _ready(request: Request, own: Mapping[str, str], tools: Toolchain, place: Target) -> Session:
    defaults = {
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # The plugins are there; a missing one is an error to see now, not a download to wait for.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # A fresh clone works on with the salt that the state was locked with.
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        # Pulumi keeps a long log of every command in its home, up to half a gigabyte if left alone.
        "PULUMI_LOG_ROTATION_MAX_TOTAL_MB": "50",
    }
    variables = {
        **{name: own.get(name, value) for name, value in defaults.items()},
        **place.variables,
        "PULUMI_HOME": str(tools.pulumi_home),
        "PULUMI_BACKEND_URL": place.backend,
        "PULUMI_STACK": request.stack,
        "VIRTUAL_ENV": str(repository() / ".venv"),
        wrapper.FOLDER: str(place.copies),
    }
    pulumi = tools.bin / "pulumi"
    folders = (wrapper.install(work_dir() / "bin", pulumi), tools.bin, repository() / ".venv" / "bin")
    # An embedded cluster's marker must not outlive a change to another target.
    clean = {name: value for name, value in own.items() if name not in target.MARKERS}
    return Session(
        stack=StackFile(repository(), request.stack, place.copies),
        target=place,
        pulumi=pulumi,
        environment=shell.with_exports(clean, variables, folders),
    )
