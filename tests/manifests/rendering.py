"""A stack's Kubernetes objects as plain manifests, as kubectl would show them."""

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from tests.unit.components.conftest import build
from tests.unit.engine import JsonObject, Recording, Registered, plain
from tests.unit.stacks import settings_of, stack_file
from tools.errors import ToolError

STACKS = ("dev", "prod")

PLACEHOLDER = "not rendered"
"""Stands where a Secret has a value."""

# Base64, as the API server insists on for what is under `data`.
_PLACEHOLDERS = {"data": "bm90IHJlbmRlcmVk", "stringData": PLACEHOLDER}


_LIKE_A_NUMBER = re.compile(r"[0-9.]+(e[0-9]+)?")


class RenderingError(ToolError):
    """Something that the program registered has no plain manifest, or would show a secret in it."""


def record(stack: str) -> Recording:
    """Run the program with the settings of a stack file, without an engine and a cluster."""
    return build(settings_of(stack_file(stack)))


def manifests(recording: Recording) -> list[JsonObject]:
    """Every Kubernetes object that a run registered, namespaces first, otherwise by kind, namespace and name.

    Secrets hold placeholders under their keys.

    Raises:
        RenderingError: a resource of the Kubernetes provider is no API object, or an object other than a Secret holds
            a secret value.
    """
    found = [_manifest(each) for each in recording.registered if each.token.startswith("kubernetes:")]
    return sorted(found, key=lambda manifest: (manifest["kind"] != "Namespace", object_id(manifest)))


def object_id(manifest: JsonObject) -> str:
    """How findings and waivers call an object: `Kind/namespace/name`, with nothing for no namespace."""
    metadata = manifest["metadata"]
    return f"{manifest['kind']}/{metadata.get('namespace', '')}/{metadata['name']}"


def write(objects: Iterable[JsonObject], file: Path) -> None:
    """Write manifests as one file of YAML documents."""
    file.write_text(yaml.dump_all(objects, Dumper=_Dumper, width=120), encoding="utf-8")


class _Dumper(yaml.SafeDumper):
    """Writes text in quotes that YAML 1.2 takes for a number and 1.1 does not, such as a digest of digits."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if _LIKE_A_NUMBER.fullmatch(text) else None)


_Dumper.add_representer(str, _text)


def _manifest(resource: Registered) -> JsonObject:
    manifest: JsonObject = plain(resource.inputs)
    # The SDK fills in both for every kind of the API.
    if not {"apiVersion", "kind"} <= manifest.keys():
        raise RenderingError(f"{resource.name} is a {resource.token}, which no single API object stands for")
    if manifest["kind"] == "Secret":
        return {key: _hidden(key, value) for key, value in manifest.items()}
    if resource.secret_inputs:
        shown = ", ".join(sorted(resource.secret_inputs))
        raise RenderingError(f"{object_id(manifest)} holds a secret value under {shown}; only a Secret may")
    return manifest


def _hidden(key: str, value: object) -> object:
    if key in _PLACEHOLDERS and isinstance(value, dict):
        return dict.fromkeys(value, _PLACEHOLDERS[key])
    return value
