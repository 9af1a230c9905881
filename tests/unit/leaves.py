"""Every single setting of the schema, and another value for it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from settings.root import Settings
from tests.unit.variants import Configuration

Node = dict[str, Any]

OTHERS = {
    "tracardi": "other",
    "admin@example.com": "other@example.com",
    "track.example.com": "other.example.org",
    "203.0.113.0/24": "198.51.100.64/26",
    "monitoring": "elsewhere",
    "https://cdn.example.com": "https://other.example.com",
    "https://search.example.com:9243": "https://other.example.com:9244",
    "https://pulsar.example.com:8443": "https://other.example.com:9443",
    "pulsar+ssl://pulsar.example.com:6651": "pulsar+ssl://other.example.com:7651",
    "4Gi": "7Gi",
    "169.254.20.10": "169.254.20.11",
    "password": "other",
    "registry.example.com/mirror": "other.example.com/images",
    "tracardi/tracardi-api": "other/image",
    "1.0.0": "1.0.0-3",
    f"sha256:{'0' * 64}": f"sha256:{'cd' * 32}",
    "example.com/team": "example.com/other",
    "data": "other",
    "*/10 * * * *": "*/5 * * * *",
}
"""For each kind of text, by the example that the schema gives of it, another one."""


@dataclass(frozen=True)
class Leaf:
    """One setting: its path in a stack file, where a list is represented by its first entry."""

    path: tuple[str, ...]
    node: Node
    needed: tuple[tuple[str, ...], ...]
    """Sections on the way that are absent unless they are given."""

    @property
    def name(self) -> str:
        """The path as messages show it."""
        return ".".join(self.path)

    def changed_in(self, configuration: Configuration) -> Configuration | None:
        """`configuration` with another value here; None where it lacks a section that this setting belongs to."""
        # Unlike a deep copy, this parts what two sections share.
        copy: Configuration = json.loads(json.dumps(configuration))
        if any(_at(copy, path) is None for path in self.needed):
            return None
        place: Any = copy
        for part, following in zip(self.path[:-1], self.path[1:], strict=True):
            empty: Any = [] if following == "0" else {}
            place = place[0] if part == "0" else place.setdefault(part if place is not copy else _key(part), empty)
        last = self.path[-1]
        if last == "0":
            place[:] = [another(self.node, place[0] if place else None), *place[1:]]
        else:
            place[last] = another(self.node, place.get(last))
        return copy


def another(node: Node, present: Any) -> Any:  # noqa: ANN401 - any setting
    """A value that differs from the `present` one, or from the default where there is none."""
    current = node.get("default") if present is None else present
    if "enum" in node:
        return next(choice for choice in node["enum"] if choice != current)
    match node["type"]:
        case "boolean":
            return not current
        case "integer":
            number = node.get("minimum", 0) if current is None else int(current)
            return number + 1 if number < node.get("maximum", number + 1) else number - 1
        case "number":
            return current / 2 if current else 0.001
        case "object":
            key = next(iter(node.get("propertyNames", {}).get("examples", ())), "value")
            return {OTHERS.get(key, "EXTRA_VARIABLE"): "something"}
    examples = node.get("examples", ())
    return OTHERS[examples[0]] if examples else "another"


def leaves() -> Iterator[Leaf]:
    """Every setting that holds a value and no other settings."""
    schema = Settings.model_json_schema(by_alias=True)
    yield from _below(schema, (), (), schema["$defs"])


def _below(node: Node, path: tuple[str, ...], needed: tuple[tuple[str, ...], ...], models: Node) -> Iterator[Leaf]:
    choices = node.get("anyOf", ())
    if choices:
        (given,) = (choice for choice in choices if choice.get("type") != "null")
        model = "$ref" in given
        yield from _below({**given, "default": None}, path, (*needed, path) if model else needed, models)
    elif "$ref" in node:
        yield from _below({**models[node["$ref"].rsplit("/", 1)[-1]], **_own(node)}, path, needed, models)
    elif "propertyNames" in node and "$ref" in node.get("additionalProperties", {}):
        # Groups alike, each under a name: the first stands for all.
        yield from _below(node["additionalProperties"], (*path, node["propertyNames"]["enum"][0]), needed, models)
    elif node.get("type") == "object" and "secure" not in node.get("properties", {"secure": {}}):
        for name, below in node["properties"].items():
            yield from _below(below, (*path, name), needed, models)
    elif node.get("type") == "array":
        entry = (*path, "0")
        model = "$ref" in node["items"] and "enum" not in models[node["items"]["$ref"].rsplit("/", 1)[-1]]
        yield from _below(node["items"], entry, (*needed, entry) if model else needed, models)
    else:
        yield Leaf(path, node, needed)


def _own(node: Node) -> Node:
    return {key: value for key, value in node.items() if key != "$ref"}


def _key(section: str) -> str:
    return f"tracardi:{section}"


def _at(configuration: Configuration, path: tuple[str, ...]) -> object:
    place: Any = configuration.get(_key(path[0]))
    for part in path[1:]:
        if place is None:
            return None
        place = next(iter(place), None) if part == "0" else place.get(part)
    return place
