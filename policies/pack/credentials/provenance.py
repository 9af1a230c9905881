"""Where values come from: the generators behind a resource, through whatever only hands them on."""

from collections.abc import Iterable, Iterator

from policies.pack.credentials.lookup import texts
from policies.pack.kubernetes.objects import Objects
from policies.pack.resources import Resource

_RANDOM = "random"
_STASH = "Stash"
GENERATORS = frozenset({"RandomPassword", "RandomBytes"})
"""Kinds whose values nobody can foresee, and which the engine keeps secret."""
_KEYS = frozenset({"PrivateKey"})
_OUTPUTS = ("result", "base64", "hex", "output", "input", "privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh")
_TELLING_OUTPUTS = ("result", "hex", "b64Std", "b64Url", "dec", "id")


def is_generator(resource: Resource) -> bool:
    """Whether `resource` makes secrets that nobody can foresee."""
    return resource.kind in GENERATORS


def is_no_generator(resource: Resource) -> bool:
    """Whether `resource` makes values that look like secrets, and that the engine shows to everybody."""
    return resource.raw.token.partition(":")[0] == _RANDOM and resource.kind not in GENERATORS


def is_stash(resource: Resource) -> bool:
    """Whether `resource` only remembers a value."""
    return resource.kind == _STASH


def roots(stack: Objects, urns: Iterable[str]) -> tuple[Resource, ...]:
    """What made the values of the resources `urns`: stashes are replaced by what filled them, where that is known."""
    found: dict[str, Resource] = {}
    seen: set[str] = set()
    waiting = sorted(urns, reverse=True)
    while waiting:
        urn = waiting.pop()
        resource = stack.by_urn.get(urn)
        if resource is None or urn in seen:
            continue
        seen.add(urn)
        behind = sorted(resource.sources("input"), reverse=True) if is_stash(resource) else []
        if behind:
            waiting.extend(behind)
        else:
            found[urn] = resource
    return tuple(found.values())


def secret_sources(stack: Objects, urns: Iterable[str], *, secrets: bool) -> Iterator[Resource]:
    """What is behind `urns` and makes or remembers secrets; `secrets` counts Kubernetes' own kind among it.

    Where only the name of a Secret may be meant, it does not count.
    """
    return (
        resource
        for resource in roots(stack, urns)
        if is_generator(resource)
        or is_stash(resource)
        or resource.kind in _KEYS
        or (secrets and resource.is_kubernetes_object and resource.kind == "Secret")
    )


def made_values(resource: Resource) -> Iterator[str]:
    """The secrets that `resource` made or remembers, as far as they can be seen."""
    if is_generator(resource) or is_stash(resource) or resource.kind in _KEYS:
        yield from (text for name in _OUTPUTS if (text := resource.properties[name].text))


def may_keep_secrets(resource: Resource) -> bool:
    """Whether what is in `resource` may have been generated: here, or wherever a Secret that it is was filled."""
    return is_generator(resource) or is_stash(resource) or (resource.is_kubernetes_object and resource.kind == "Secret")


def kept_values(resource: Resource) -> tuple[str, ...]:
    """The secrets that `resource` made, remembers or holds, as far as they can be seen."""
    held = texts(resource).values() if resource.kind == "Secret" else made_values(resource)
    return tuple(value for value in held if value)


def foreseeable_values(stack: Objects) -> Iterator[tuple[Resource, str]]:
    """What was made by others than generators and looks like a secret, as far as it can be seen."""
    for resource in stack.resources:
        if is_no_generator(resource):
            for name in _TELLING_OUTPUTS:
                if text := resource.properties[name].text:
                    yield resource, text
