"""Makes the toolchain ready: finds out what is missing, gets it, and notes that it is there."""

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.errors import ToolError
from tools.locks import exclusive
from tools.toolchain import path_pulumi
from tools.toolchain.assembly import Stamp, Toolchain, plugin_job, put_together, toolchain_in
from tools.toolchain.build import build_job, part_digest, part_folder
from tools.toolchain.digest import digest_of
from tools.toolchain.files import link
from tools.toolchain.golang import Go, GoMissingError, find_go
from tools.toolchain.jobs import Job, run
from tools.toolchain.model import Part, PythonTool
from tools.toolchain.parts import PARTS, PULUMI_VERSION, PYTHON_TOOLS
from tools.toolchain.path_pulumi import PathPulumi, PulumiRefusedError
from tools.toolchain.progress import Progress, duration
from tools.toolchain.python_environment import (
    Environment,
    environment_job,
    own_environment,
    own_uv,
    tool_digest,
    tool_environment,
    uv_on_path,
)
from tools.toolchain.site import Site

PULUMI, PYTHON, CLUSTER, NODES, CHECKS = "pulumi", "python", "cluster", "nodes", "checks"
METRICS = "metrics"
DEFAULT_GROUPS = frozenset({PULUMI, CLUSTER})

_BRINGS = {PULUMI: PYTHON, NODES: METRICS}
"""Groups of which one is of no use without the other."""

_BUILDS_AT_ONCE = 2


def ensure(groups: frozenset[str] = DEFAULT_GROUPS) -> Toolchain:
    """The toolchain of this clone, with the groups made ready; silent and quick when they are.

    Groups are `pulumi` (with plugins and the Python environment), `cluster`, `nodes` (real ones, with `metrics`),
    `metrics` (what tells autoscalers of CPU), `checks` (what judges the manifests), `python` (the environment alone)
    and whatever else tools/toolchain/parts.py names.

    Raises:
        ToolError: something is missing or fails; the message says what and what to do.
    """
    return prepare(Site.here(), groups, PARTS, PYTHON_TOOLS)


def prepare(
    site: Site, groups: frozenset[str], parts: Sequence[Part], python_tools: Sequence[PythonTool] = ()
) -> Toolchain:
    """As `ensure`, for any clone, cache folder and set of parts and tools."""
    known = {PYTHON, PULUMI, *(part.group for part in parts), *(tool.group for tool in python_tools)}
    if unknown := groups - known:
        named, there = ", ".join(sorted(unknown)), ", ".join(sorted(known))
        raise ToolError(f"no part of the toolchain is in group {named}; there are {there}")
    brought = {_BRINGS[group] for group in groups & _BRINGS.keys()} & known
    wanted = _Wanted(site, groups | brought, parts, python_tools)
    if wanted.ready():
        return wanted.toolchain
    progress = Progress()
    try:
        site.cache.mkdir(parents=True, exist_ok=True)
        with exclusive(site.cache, lambda: progress.say("another run is preparing the toolchain; waiting for it")):
            if not wanted.ready():
                _Preparation(wanted, progress).run()
    except OSError as error:
        where = error.filename or site.cache
        raise ToolError(f"{where}: {error.strerror}. TRACARDI_CACHE can name another cache folder.") from error
    return wanted.toolchain


@dataclass(frozen=True)
class _Wanted:
    """What is asked for, and whether it is there."""

    site: Site
    groups: frozenset[str]
    parts: Sequence[Part]
    python_tools: Sequence[PythonTool]

    @cached_property
    def folder(self) -> Path:
        """Named by the sources of every part and the lock of every Python tool, which are all read for it."""
        built = (part_digest(self.site, part) for part in self.parts)
        synced = (tool_digest(self.site, tool) for tool in self.python_tools)
        return self.site.toolchain / digest_of((*built, *synced))

    @property
    def toolchain(self) -> Toolchain:
        return toolchain_in(self.folder)

    def ready(self) -> bool:
        return all(self.group_ready(group) for group in self.groups)

    def group_ready(self, group: str) -> bool:
        if group == PYTHON:
            return (self.toolchain.bin / "uv").exists() and own_environment(self.site).ready()
        return self.stamp(group).holds(self.origin(group))

    def stamp(self, group: str) -> Stamp:
        return Stamp(self.folder / "ready" / f"{group}.json")

    def origin(self, group: str) -> str:
        """The pulumi on PATH that was looked at for this group: another one is looked at again."""
        candidate = path_pulumi.find(self.site) if group == PULUMI else None
        return candidate.identity if candidate else ""

    def parts_of(self, group: str) -> list[Part]:
        return [part for part in self.parts if part.group == group]

    def tools_of(self, group: str) -> list[tuple[PythonTool, Environment]]:
        return [(tool, tool_environment(self.site, tool)) for tool in self.python_tools if tool.group == group]


class _Preparation:
    """One run that gets what is missing, while it holds the cache folder."""

    def __init__(self, wanted: _Wanted, progress: Progress) -> None:
        self._wanted = wanted
        self._site = wanted.site
        self._progress = progress
        self._missing = [group for group in sorted(wanted.groups) if not wanted.group_ready(group)]

    def run(self) -> None:
        began = time.monotonic()
        # What an earlier run left half done; a run that still lives would hold the cache folder.
        shutil.rmtree(self._site.staging, ignore_errors=True)
        self._site.staging.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=self._site.staging))
        try:
            accepted, refusal = self._try_path() if PULUMI in self._missing else (None, None)
            built = [group for group in self._missing if group != PYTHON and not (group == PULUMI and accepted)]
            self._make([part for group in built for part in self._wanted.parts_of(group)], work, refusal)
            for group in built:
                self._complete(group)
            if accepted:
                self._complete_from_path(accepted)
        finally:
            shutil.rmtree(self._site.staging, ignore_errors=True)
        self._progress.say(f"ready after {duration(time.monotonic() - began)}")

    def _try_path(self) -> tuple[PathPulumi | None, PulumiRefusedError | None]:
        """The pulumi on PATH if it will do, and why not if it will not."""
        candidate = path_pulumi.find(self._site)
        if candidate is None:
            return None, None
        # The plugin that takes longest to build comes first there and is the largest to download.
        plugins = [plugin for part in reversed(self._wanted.parts_of(PULUMI)) for plugin in part.plugins]
        try:
            path_pulumi.accept(self._site, candidate, plugins, self._wanted.toolchain.pulumi_home, self._progress)
        except PulumiRefusedError as refusal:
            self._progress.say(f"{refusal}; so Pulumi is built from its sources")
            return None, refusal
        return candidate, None

    def _make(self, parts: Sequence[Part], work: Path, refusal: PulumiRefusedError | None) -> None:
        """Get the Python environment, and build the parts that no earlier run has finished."""
        environments = self._missing_environments()
        first = [self._python_job(environments, work)] if environments else []
        # The order is that of the declaration, whatever the groups are.
        ordered = [part for part in self._wanted.parts if part in parts]
        missing = [part for part in ordered if not part_folder(self._site, part).exists()]
        builds = self._build_jobs(missing, work, refusal) if missing else []
        installs = int(any(part.plugins for part in parts))
        self._progress.expect(len(first) + len(builds) + installs)
        if builds:
            self._progress.say(
                "building from pinned Go modules, once; from nothing and on 2 cores it takes about 15 minutes, and 10 "
                f"more for real nodes. The compiler's output: {self._site.logs}"
            )
        # The first build runs without a second one beside it: see parts.py.
        run([*first, *builds[:1]], self._progress, at_once=_BUILDS_AT_ONCE)
        run(builds[1:], self._progress, at_once=_BUILDS_AT_ONCE)

    def _missing_environments(self) -> list[Environment]:
        tools = [environment for group in self._missing for _, environment in self._wanted.tools_of(group)]
        own = [own_environment(self._site)] if PYTHON in self._missing else []
        return [*own, *(environment for environment in tools if not environment.ready())]

    def _python_job(self, environments: Sequence[Environment], work: Path) -> Job:
        # One job for all, so that uv is not installed twice.
        uv = uv_on_path(self._site) or own_uv(self._site)
        return environment_job(self._site, uv, environments, self._wanted.toolchain.bin, work)

    def _build_jobs(self, parts: Sequence[Part], work: Path, refusal: PulumiRefusedError | None) -> list[Job]:
        temporary = work / "tmp"
        temporary.mkdir()
        try:
            go: Go = find_go(self._site, [self._site.sources / part.source for part in parts], temporary)
        except GoMissingError as error:
            raise ToolError(_ways_on(error, parts, refusal)) from error
        return [build_job(self._site, go, part, work) for part in parts]

    def _complete(self, group: str) -> None:
        """Put a group's finished parts in their place and note that the group is there."""
        built = [(part, part_folder(self._site, part)) for part in self._wanted.parts_of(group)]
        files = put_together(self._wanted.folder, [folder for _, folder in built])
        plugins = [(plugin, folder / "plugins" / plugin.file) for part, folder in built for plugin in part.plugins]
        if plugins:
            run([plugin_job(self._site, self._wanted.toolchain, plugins)], self._progress)
        files += [file for tool in self._wanted.tools_of(group) for file in self._link_commands(*tool)]
        self._wanted.stamp(group).write(self._wanted.origin(group), [*files, *self._plugin_files(group)])

    def _link_commands(self, tool: PythonTool, environment: Environment) -> list[Path]:
        """Give a tool's commands their place; tells what must be there for them to work."""
        # Links, because the scripts hold the path of their interpreter.
        scripts = self._wanted.toolchain.bin
        links = [link(environment.folder / "bin" / command, scripts / command) for command in tool.commands]
        return [*links, environment.python]

    def _complete_from_path(self, pulumi: PathPulumi) -> None:
        command = link(pulumi.program, self._wanted.toolchain.bin / "pulumi")
        self._wanted.stamp(PULUMI).write(pulumi.identity, [command, *self._plugin_files(PULUMI)])

    def _plugin_files(self, group: str) -> list[Path]:
        home = self._wanted.toolchain.pulumi_home
        plugins = [plugin for part in self._wanted.parts_of(group) for plugin in part.plugins]
        found = [path_pulumi.installed_plugin(home, plugin) for plugin in plugins]
        if None in found:
            raise ToolError(f"pulumi said that it installed {plugins[found.index(None)].name}, but not into {home}")
        return [file for file in found if file is not None]


def _ways_on(error: GoMissingError, parts: Sequence[Part], refusal: PulumiRefusedError | None) -> str:
    pulumi = ".".join(str(number) for number in PULUMI_VERSION)
    groups = {part.group for part in parts}
    lines = [f"{error}.", f"  It is to build: {', '.join(part.title for part in parts)}."]
    if refusal:
        lines.append(f"  The pulumi on PATH cannot be used: {refusal}.")
    if PULUMI in groups:
        lines.append(
            f"  Either install that Go, or put pulumi {pulumi} or newer on PATH, on a machine that reaches Pulumi's "
            "plugin downloads."
        )
    if CLUSTER in groups:
        lines.append(
            "  The embedded cluster is always built with Go; without it name a cluster of your own: "
            "KUBE_CONTEXT=<context>."
        )
    if NODES in groups:
        lines.append("  What runs real nodes is always built with Go, and only NODES=real needs it.")
    if METRICS in groups and NODES not in groups:
        lines.append("  metrics-server is always built with Go, and only NODES=real and `make test-cluster` need it.")
    if CHECKS in groups:
        lines.append("  What judges the manifests is always built with Go, and only `make check` needs it.")
    return "\n".join(lines)
