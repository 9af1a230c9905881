"""Literals: no secret stands where readers of objects find it, whatever it is called and wherever it came from."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

from model.credentials import too_weak
from policies.pack.credentials.lookup import passwords, texts
from policies.pack.credentials.provenance import made_values, secret_sources
from policies.pack.credentials.wording import (
    IN_ADDRESS,
    in_arguments,
    is_a_secret,
    names_a_secret,
    unpacked,
    written_out,
)
from policies.pack.kubernetes.workloads import Container, is_workload
from policies.pack.resources import Resource
from policies.pack.rule import Finding, Options, Severity, rule
from policies.pack.stack import StackView
from policies.pack.values import Plain, Value

_HOOKS = (
    ("startupProbe",),
    ("readinessProbe",),
    ("livenessProbe",),
    ("lifecycle", "postStart"),
    ("lifecycle", "preStop"),
)
_TELLING_HEADERS = re.compile(r"authorization|cookie|token|key|secret|password", re.IGNORECASE)
_IMAGE_LOGIN = re.compile(r"^(?:[a-z]+://)?[^/@]*:[^/@]*@(?!sha\d+:[0-9a-f]+$)")
_HANDED_ON = re.compile(r"\$\(([^)]*)\)")
_TEXTS = frozenset({"ConfigMap", "ConfigMapPatch", "Secret", "SecretPatch"})
_TELLING_FIELD = re.compile(r"(password|passwd|passphrase|token|api_?key|credentials?)$", re.IGNORECASE)
_NAMES_AN_OBJECT = re.compile(r"(secret|ref)$", re.IGNORECASE)
"""How annotations end that name a Secret; what is in it they do not say."""
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_REMEDY = (
    "Take the value from a Secret (valueFrom.secretKeyRef, or a mounted file), and put nothing secret into "
    "ConfigMaps, arguments or addresses."
)


@rule("secrets-are-never-literal", severity=Severity.CRITICAL, remedy=_REMEDY)
def secrets_are_never_literal(stack: StackView, _: Options) -> Iterator[Finding]:
    """No secret can be read from the description of a pod."""
    for workload in stack.workloads:
        for container in workload.containers:
            for problem in dict.fromkeys(_literals(container)):
                yield Finding(workload.resource, f"{problem} in container {container.name}")


def _literals(container: Container) -> Iterator[str]:
    environment = container.environment
    for entry in container.properties["env"]:
        name, text = entry["name"].text or "", entry["value"].text
        handed_on = _HANDED_ON.fullmatch(text or "")
        if handed_on and handed_on[1] in environment and environment[handed_on[1]].secret:
            continue
        if entry["value"].given and is_a_secret(name, text):
            yield f"has {name} in clear text"
        else:
            for found in written_out(text or ""):
                yield f"has {found} {name}" if found == IN_ADDRESS else f"has {found} in {name}"
    direct = {entry["name"].text for entry in container.properties["env"] if entry["value"].given}
    for name, variable in environment.items():
        if name not in direct and not variable.secret and is_a_secret(name, variable.value):
            yield f"takes {name} from a ConfigMap"
    yield from _literals_in_calls(container)
    if _IMAGE_LOGIN.match(container.image):
        yield "has a password in its image's name"


def _literals_in_calls(container: Container) -> Iterator[str]:
    for found in in_arguments(container.command_line):
        yield f"has {found} among its arguments"
    for name, variable in container.environment.items():
        if variable.secret and any(f"$({name})" in word for word in container.command_line):
            yield f"puts the secret {name} among its arguments"
    for path in _HOOKS:
        hook = container.properties.at(*path)
        for found in in_arguments(hook.at("exec", "command").words):
            yield f"has {found} among the arguments of its {path[-1]}"
        for header in hook.at("httpGet", "httpHeaders"):
            if _TELLING_HEADERS.search(header["name"].text or "authorization"):
                yield f"sends a secret header with its {path[-1]}"
        if any(True for _ in written_out(hook.at("httpGet", "path").text or "")):
            yield f"has a secret in the address of its {path[-1]}"


@rule(
    "no-secret-in-the-open",
    severity=Severity.CRITICAL,
    remedy="Move it to a Secret, and let what needs it read it from there: whoever may look at objects reads "
    "ConfigMaps, labels and annotations.",
)
def no_secret_in_the_open(stack: StackView, _: Options) -> Iterator[Finding]:
    """No ConfigMap, label or annotation holds a secret."""
    for resource in stack.resources:
        if resource.is_kubernetes_object:
            for problem in dict.fromkeys((*_in_metadata(resource), *_in_config_map(resource), *_elsewhere(resource))):
                yield Finding(resource, problem)


def _in_metadata(resource: Resource) -> Iterator[str]:
    if resource.kind == "Secret":
        # Where it keeps what was applied to it, it repeats itself.
        return
    for metadata in _all_metadata(resource.properties.raw):
        for kind in ("labels", "annotations"):
            for name, value in metadata[kind].texts.items():
                last = name.rpartition("/")[2]
                if value and name != _APPLIED and names_a_secret(last) and not _NAMES_AN_OBJECT.search(last):
                    yield f"has {name} among its {kind}"
                # A label has room for a word, and for no phrase.
                for found in written_out(value) if kind == "annotations" else ():
                    yield f"has {found} in {name} among its {kind}"


def _all_metadata(raw: Plain) -> Iterator[Value]:
    """The metadata of an object and of all that it is a template for."""
    if isinstance(raw, dict):
        for key, member in raw.items():
            if key == "metadata":
                yield Value(member)
            yield from _all_metadata(member)
    elif isinstance(raw, list):
        for member in raw:
            yield from _all_metadata(member)


def _in_config_map(resource: Resource) -> Iterator[str]:
    if resource.kind not in {"ConfigMap", "ConfigMapPatch"}:
        return
    for name, text in _files(resource).items():
        if text.strip() and is_a_secret(name, text) and not name.endswith(".crt"):
            yield f"has {name} among its keys"
        for found in written_out(text, name):
            yield f"has {found} in {name}"
        for inner in unpacked(text):
            yield from (f"has {found}, encoded, in {name}" for found in written_out(inner, name))


def _elsewhere(resource: Resource) -> Iterator[str]:
    """What stands in an object that neither keeps texts nor runs pods, such as a header that a route sets."""
    if resource.kind in _TEXTS or is_workload(resource):
        return
    for name, text in _leaves(resource.properties.raw):
        if text and _TELLING_FIELD.search(name):
            yield f"has a value for {name}"
        for found in written_out(text):
            yield f"has {found} in {name}"


def _leaves(raw: Plain, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(raw, str):
        yield name, raw
    elif isinstance(raw, dict):
        for key, member in raw.items():
            # Labels and annotations are looked at by themselves.
            if key != "metadata":
                yield from _leaves(member, key)
    elif isinstance(raw, list):
        for member in raw:
            yield from _leaves(member, name)


def _files(config_map: Resource) -> Mapping[str, str]:
    return config_map.properties["data"].texts | {
        name: text
        for name, value in config_map.properties["binaryData"].texts.items()
        if (text := _decoded(value)) is not None
    }


def _decoded(value: str) -> str | None:
    try:
        return base64.b64decode(value).decode(errors="replace")
    except (binascii.Error, ValueError):
        return None


@rule(
    "secret-values-stay-in-secrets",
    severity=Severity.CRITICAL,
    remedy="Let it go into Secrets and nowhere else: everything but a Secret's data can be read by whoever may look at "
    "objects.",
)
def secret_values_stay_in_secrets(stack: StackView, _: Options) -> Iterator[Finding]:
    """What a generator made, or a Secret holds, is in no other object, whether or not its value is known yet."""
    for resource in stack.resources:
        for name in sorted(_open_properties(resource)):
            for source in secret_sources(stack, resource.sources(name), secrets=resource.kind in _TEXTS):
                yield Finding(resource, f"has in its {name} what {source.label} made")
    secrets = _known_secrets(stack)
    plain = {resource.urn: _shown(resource) for resource in stack.resources if _is_open(resource)}
    shown = {urn: "\n".join((text, *unpacked(text))) for urn, text in plain.items()}
    everything = "\n".join(shown.values())
    for secret, owner in secrets.items():
        if secret in everything:
            for urn, text in shown.items():
                if secret in text:
                    yield Finding(stack.by_urn[urn], f"shows a secret that {owner.label} holds")


_KEEPERS = frozenset({"random", "tls", "pulumi"})
"""Packages whose resources the engine keeps secrets of."""


def _is_open(resource: Resource) -> bool:
    return resource.raw.made and resource.raw.token.partition(":")[0] not in _KEEPERS


def _open_properties(resource: Resource) -> frozenset[str]:
    """The properties of a Kubernetes object that anybody who may look at objects can read."""
    if not resource.is_kubernetes_object:
        return frozenset()
    hidden = {"data", "stringData"} if resource.kind in {"Secret", "SecretPatch"} else set()
    return frozenset(resource.raw.sources) - hidden


def _shown(resource: Resource) -> str:
    if resource.is_kubernetes_object and resource.kind in {"Secret", "SecretPatch"}:
        annotations = resource.properties.at("metadata", "annotations").texts
        return "\n".join(text for name, text in annotations.items() if name != _APPLIED)
    return "\n".join(_texts(resource.properties.raw))


def _texts(raw: Plain) -> Iterator[str]:
    if isinstance(raw, str):
        yield raw
    elif isinstance(raw, dict):
        for key, member in raw.items():
            yield key
            yield from _texts(member)
    elif isinstance(raw, list):
        for member in raw:
            yield from _texts(member)


def _known_secrets(stack: StackView) -> dict[str, Resource]:
    """Every secret that can be seen, as it is and encoded, with the resource that it was seen in."""
    seen = [(text, resource) for resource in stack.resources for text in (*made_values(resource), *_kept(resource))]
    for use in stack.credentials.uses:
        if use.credential is not None:
            seen += [(text, secret) for secret, found in stack.credentials.found(use) for text in passwords(found)]
    found: dict[str, Resource] = {}
    for text, resource in seen:
        # What can be guessed occurs by chance, and is another rule's.
        if "PRIVATE KEY" in text or too_weak(None, text) is None:
            found.setdefault(text, resource)
            found.setdefault(base64.b64encode(text.encode()).decode().rstrip("="), resource)
    return found


def _kept(resource: Resource) -> Iterator[str]:
    if resource.is_kubernetes_object and resource.kind == "Secret":
        yield from (text for key, text in texts(resource).items() if names_a_secret(key))
