"""What a part of the toolchain is made of. The parts themselves are in `parts.py`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plugin:
    """A resource plugin of Pulumi, installed under a version that the Python SDK must equal."""

    name: str
    version: str

    @property
    def file(self) -> str:
        """Name of the executable, from which a bridged plugin also learns which provider it is."""
        return f"pulumi-resource-{self.name}"


@dataclass(frozen=True)
class Program:
    """An executable built from one Go package."""

    package: str
    file: str
    """What `go build` calls the result: the last element of the package's path without a major version."""
    commands: tuple[str, ...] = ()
    """Names under which the executable is put into the toolchain's bin folder."""
    plugins: tuple[Plugin, ...] = ()
    """Resource plugins that the executable serves; these stay off PATH, where the engine would warn about them."""


@dataclass(frozen=True)
class ModuleFile:
    """A file that is copied out of a Go module, at the version that the part's go.mod asks for."""

    module: str
    path: str
    to: str
    version: str = ""
    """When given: the file is JSON, and its member `version` is set to this."""


@dataclass(frozen=True)
class PythonTool:
    """Commands of Python packages that must not share the clone's environment, in one of their own in the cache."""

    name: str
    title: str
    group: str
    source: str
    """Folder of the repository with the pyproject.toml and uv.lock."""
    commands: tuple[str, ...]
    """Scripts of the environment that get a place in the toolchain's bin folder."""


@dataclass(frozen=True)
class Part:
    """What one `go build` makes, with the scripts that go with it."""

    name: str
    title: str
    group: str
    """`pulumi` for what any stack needs, `cluster` for the embedded cluster, `nodes` for real nodes of it, `checks` for
    what judges the manifests."""
    source: str
    """Folder below tools/go with the go.mod, go.sum and, where needed, a main package."""
    programs: tuple[Program, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    """String variables set by the linker: (import path with name, value)."""
    embeds: tuple[ModuleFile, ...] = ()
    """Put beside the main package before it is compiled; `to` is relative to the source folder's copy."""
    files: tuple[ModuleFile, ...] = ()
    """Scripts put among the results; `to` begins with bin/."""

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """Every resource plugin that the part's programs serve."""
        return tuple(plugin for program in self.programs for plugin in program.plugins)
