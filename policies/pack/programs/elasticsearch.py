"""The settings that an Elasticsearch node will find: in its file, its environment and its command line."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import yaml

from policies.pack.kubernetes import files
from policies.pack.kubernetes.mounts import Kind, Source, sources
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.programs.supervision import known_program
from policies.pack.unreadable import UnreadableError
from policies.pack.values import Value

_FILE = "elasticsearch.yml"
_FOLDER = "ES_PATH_CONF"
_PROGRAMS = frozenset({"docker-entrypoint.sh", "elasticsearch", "tini"})
_HOME = "/usr/share/elasticsearch/config"
_PREPARES = ("sh", "elasticsearch-prepare.sh")
_FROM_VARIABLE = "ES_SETTING_"
_UNDERSCORE = "__"


def settings(workload: Workload, container: Container) -> tuple[dict[str, str], ...]:
    """What the node in `container` is told: one mapping for each file that it may read, with what outweighs it.

    Files are found by their name, wherever the pod mounts them: a container that runs before the node may put them in
    their place.

    Raises:
        UnreadableError: a file, or what outweighs it, cannot be seen.
    """
    if container.unreadable_sources:
        raise UnreadableError(f"its environment comes from {', '.join(container.unreadable_sources)}")
    if _FOLDER in container.environment:
        raise UnreadableError(f"{_FOLDER} leads to another folder")
    if writer := next(_strange_writers(workload, container), None):
        raise UnreadableError(f"its settings may be written by container {writer.name}, which these rules do not know")
    outweighing = dict(_outweighing(container))
    files = [dict(_loaded(text)) for text in dict.fromkeys(_files(workload))] or [{}]
    return tuple({**file, **outweighing} for file in files)


def _strange_writers(workload: Workload, node: Container) -> Iterator[Container]:
    """The other containers that can write to the folder of the settings of `node`, but for the one that is known."""
    shared = {
        mount["name"].text
        for mount in node.properties["volumeMounts"]
        if PurePosixPath(mount["mountPath"].text or "").is_relative_to(_HOME)
        or PurePosixPath(_HOME).is_relative_to(mount["mountPath"].text or _HOME)
    }
    for other in workload.containers:
        writes = any(
            mount["name"].text in shared and mount["readOnly"].flag is not True
            for mount in other.properties["volumeMounts"]
        )
        if other is not node and writes and not _prepares(workload, other):
            yield other


def _prepares(workload: Workload, other: Container) -> bool:
    """Whether a container does nothing but put the file of a ConfigMap in its place."""
    try:
        line = other.seen_command_line
        text = files.read(workload, other, PurePosixPath(line[1])) if len(line) == len(_PREPARES) else ""
    except UnreadableError:
        return False
    return line[:1] == _PREPARES[:1] and text == known_program(_PREPARES[1])


def _files(workload: Workload) -> Iterator[str]:
    volumes = {volume["name"].text: volume for volume in workload.pod["volumes"]}
    for container in workload.containers:
        for mount in container.properties["volumeMounts"]:
            volume = volumes.get(mount["name"].text)
            for source in sources(volume) if volume is not None else ():
                if source.kind is Kind.CONFIG_MAP and source.name in workload.config_maps:
                    yield from _texts(source, mount, workload.config_maps[source.name])


def _texts(source: Source, mount: Value, shown: Value) -> Iterator[str]:
    """The files of a mounted ConfigMap that the mount gives a node's name."""
    if shown.hidden:
        raise UnreadableError(f"the content of ConfigMap {source.name} cannot be seen")
    paths = dict(source.keys) if source.keys is not None else {key: key for key in shown.fields}
    only = mount["subPath"].text
    for key, path in paths.items():
        name = path if only is None else (mount["mountPath"].text or "") if path == only else ""
        if PurePosixPath(name).name == _FILE:
            text = shown[key].text
            if text is None:
                raise UnreadableError(f"the content of {_FILE} cannot be seen")
            yield text


def _loaded(text: str) -> Iterator[tuple[str, str]]:
    """Settings by their full names, in the file's own spelling; one that is there twice would be refused."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as problem:
        raise UnreadableError(f"{_FILE} is no YAML") from problem
    met = set()
    for name, value in _flat("", root):
        if name in met:
            raise UnreadableError(f"{_FILE} says {name} twice")
        met.add(name)
        yield name, value


def _flat(prefix: str, node: yaml.Node | None) -> Iterator[tuple[str, str]]:
    """Settings may be nested, or written with dots."""
    if isinstance(node, yaml.MappingNode):
        for key, member in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            yield from _flat(f"{prefix}.{name}" if prefix else name, member)
    elif prefix:
        yield prefix, _written(node)


def _written(node: yaml.Node | None) -> str:
    if isinstance(node, yaml.SequenceNode):
        return ",".join(_written(member) for member in node.value)
    return node.value if isinstance(node, yaml.ScalarNode) else ""


def _outweighing(container: Container) -> Iterator[tuple[str, str]]:
    for name, variable in container.environment.items():
        setting = _setting(name)
        if setting is None:
            continue
        if variable.value is None:
            raise UnreadableError(f"the variable {name} cannot be seen")
        yield setting, variable.value
    line = container.seen_command_line
    if container.properties["command"].given and PurePosixPath(line[0] if line else "").name not in _PROGRAMS:
        raise UnreadableError("its command line does not start Elasticsearch as its image does")
    words = iter(line)
    for word in words:
        if word.startswith("-E"):
            name, _, value = (word.removeprefix("-E") or next(words, "")).partition("=")
            yield name, value


def _setting(variable: str) -> str | None:
    """The setting that the image's entry point makes of `variable`, which is then no longer in the file's hands."""
    if variable.startswith(_FROM_VARIABLE):
        # One underscore stands for a dot, and two for one.
        words = variable.removeprefix(_FROM_VARIABLE).lower().split(_UNDERSCORE)
        return "_".join(word.replace("_", ".") for word in words)
    return variable if variable.islower() and "." in variable else None
