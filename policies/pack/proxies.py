"""The configuration that a proxy's pods will read: found through their command line, mounts and ConfigMaps."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from policies.pack.haproxy.configuration import Configuration, UnreadableError, parse
from policies.pack.images import Program
from policies.pack.values import Value
from policies.pack.workloads import Container, Workload

_DEFAULT_FILE = "/usr/local/etc/haproxy/haproxy.cfg"
"""What the image reads when its command line names no file."""


def configuration(workload: Workload) -> Configuration:
    """The configuration of the proxies in `workload`; HAProxy reads several files as if they were one.

    Raises:
        UnreadableError: a file cannot be found among the ConfigMaps of the stack, or cannot be read.
    """
    texts = [
        text
        for container in workload.serving
        if container.program is Program.PROXY
        for path in _files(container.command_line)
        for text in _contents(workload, container, PurePosixPath(path))
    ]
    return parse("\n".join(texts))


def _files(command_line: tuple[str, ...]) -> tuple[str, ...]:
    files: list[str] = []
    words = iter(command_line)
    for word in words:
        if word in {"-f", "--"}:
            rest = list(words) if word == "--" else [next(words, "")]
            files.extend(rest)
        elif word.startswith("-f"):
            files.append(word.removeprefix("-f"))
    return tuple(files) or (_DEFAULT_FILE,)


def _contents(workload: Workload, container: Container, path: PurePosixPath) -> Iterator[str]:
    found = dict(_mounted(workload, container))
    texts = [found[file] for file in sorted(found) if file == path or path in file.parents]
    if not texts:
        raise UnreadableError(f"no ConfigMap of the stack holds {path}")
    for text in texts:
        if text is None:
            raise UnreadableError(f"the content of {path} cannot be seen")
        yield text


def _mounted(workload: Workload, container: Container) -> Iterator[tuple[PurePosixPath, str | None]]:
    volumes = {volume["name"].text: volume for volume in workload.pod["volumes"]}
    for mount in container.properties["volumeMounts"]:
        volume, folder = volumes.get(mount["name"].text), mount["mountPath"].text
        if volume is None or folder is None:
            continue
        for file, text in _of_volume(workload, volume):
            sub_path = mount["subPath"].text
            if sub_path is None:
                yield PurePosixPath(folder, file), text
            elif sub_path == file:
                yield PurePosixPath(folder), text


def _of_volume(workload: Workload, volume: Value) -> Iterator[tuple[str, str | None]]:
    for source in (volume["configMap"], *(entry["configMap"] for entry in volume.at("projected", "sources"))):
        data = workload.config_maps.get(source["name"].text or "")
        if data is None:
            continue
        keys = {item["key"].text or "": item["path"].text or "" for item in source["items"]}
        for key, text in data.fields.items():
            if not keys or key in keys:
                yield keys.get(key, key), text.text
