"""Builds a part into the cache: staged, compiled, arranged, and only then put where it counts."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from tools.errors import ToolError
from tools.toolchain.commands import Command
from tools.toolchain.digest import digest_of_part
from tools.toolchain.files import link_or_copy
from tools.toolchain.golang import BUILD_FLAGS, LINK_FLAGS, Go
from tools.toolchain.jobs import Job
from tools.toolchain.model import ModuleFile, Part
from tools.toolchain.site import Site

_EXECUTABLE = 0o755
_BUILD_REMEDY = "What was compiled is kept: run the same command again to go on from there."


def part_digest(site: Site, part: Part) -> str:
    """Digest of everything that decides what the part's result is."""
    return digest_of_part(site.sources, part, (*BUILD_FLAGS, LINK_FLAGS))


def part_folder(site: Site, part: Part) -> Path:
    """Folder of the part's finished result, which holds bin/ and plugins/; absent until it is finished."""
    return site.toolchain / "parts" / part.name / part_digest(site, part)


def build_job(site: Site, go: Go, part: Part, work: Path) -> Job:
    """The job that builds the part, with `work` as the place for what is not finished."""
    return Job(part.title, _build(site, go, part, work / part.name), remedy=_BUILD_REMEDY)


def _build(site: Site, go: Go, part: Part, work: Path) -> Iterator[Command]:
    folder = part_folder(site, part)
    source, made, result = work / "source", work / "made", work / "result"
    log = site.logs / f"{part.name}.log"
    shutil.copytree(site.sources / part.source, source)
    made.mkdir()
    result.mkdir()
    for file, target in (*((file, source) for file in part.embeds), *((file, result) for file in part.files)):
        answer = work / "module.json"
        arguments = (go.program, "mod", "download", "-json", file.module)
        yield Command(arguments, go.environment, source, log, answer)
        _copy(file, _module_folder(answer, site.sources / part.source / "go.sum"), target)
    if part.programs:
        flags = (
            *BUILD_FLAGS,
            "-ldflags",
            " ".join((LINK_FLAGS, *(f"-X {name}={text}" for name, text in part.variables))),
        )
        packages = (program.package for program in part.programs)
        yield Command((go.program, "build", *flags, "-o", f"{made}/", *packages), go.environment, source, log)
    _arrange(part, made, result)
    folder.parent.mkdir(parents=True, exist_ok=True)
    result.replace(folder)


def _module_folder(answer: Path, go_sum: Path) -> Path:
    """Folder of a module as `go mod download -json` tells it, after a look that its checksum is one of ours."""
    module = json.loads(answer.read_text())
    if f"{module['Path']} {module['Version']} {module['Sum']}" not in go_sum.read_text().splitlines():
        raise ToolError(f"{go_sum} has no checksum for {module['Path']} {module['Version']}; files of it are not used")
    return Path(module["Dir"])


def _copy(file: ModuleFile, module: Path, target: Path) -> None:
    origin, copy = module / file.path, target / file.to
    if not origin.is_file():
        raise ToolError(f"the module has no {origin}; tools/toolchain/parts.py names it wrongly")
    copy.parent.mkdir(parents=True, exist_ok=True)
    # Without the read-only modes of the module cache, so that the copy can be removed by whoever owns it.
    shutil.copyfile(origin, copy)
    if file.version:
        copy.write_text(json.dumps({**json.loads(copy.read_text()), "version": file.version}))


def _arrange(part: Part, made: Path, result: Path) -> None:
    for script in part.files:
        (result / script.to).chmod(_EXECUTABLE)
    for program in part.programs:
        executable = made / program.file
        if not executable.is_file():
            raise ToolError(f"{part.title}: go built no {program.file}; tools/toolchain/parts.py names it wrongly")
        for command in program.commands:
            link_or_copy(executable, result / "bin" / command)
        for plugin in program.plugins:
            link_or_copy(executable, result / "plugins" / plugin.file)
