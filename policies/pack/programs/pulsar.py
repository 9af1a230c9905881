"""Pulsar as its configuration describes it: whom it lets in."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from policies.pack.credentials.lookup import Use
from policies.pack.kubernetes import files
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.unreadable import UnreadableError

_FILE = "PULSAR_STANDALONE_CONF"
_OVERRIDES = "PULSAR_PREFIX_"
"""How variables begin that a script of the image writes into its own configuration."""
_LINE = re.compile(r"^[ \t]*([A-Za-z_][\w.]*)[ \t]*[=:][ \t]*(.*?)[ \t]*$", re.MULTILINE)
_TOKENS = "org.apache.pulsar.broker.authentication.AuthenticationProviderToken"
_REQUIRED = {"authenticationEnabled": "true", "authorizationEnabled": "true", "authenticationProviders": _TOKENS}


def problems(workload: Workload, container: Container, own: list[Use]) -> Iterator[str]:
    """Why Pulsar in `container` may let somebody in who shows no token; `own` are the secrets that it finds."""
    try:
        settings = _settings(workload, container)
    except UnreadableError as problem:
        yield f"may ask nobody for a token ({problem})"
        return
    for name, wanted in _REQUIRED.items():
        if settings.get(name) != wanted:
            yield f"asks nobody for a token: {name} is {settings.get(name) or 'left out'}"
    if settings.get("anonymousUserRole"):
        yield "lets in whoever shows no token"
    if not settings.get("superUserRoles"):
        yield "has nobody who may make a tenant"
    if settings.get("tokenPublicKey"):
        yield "takes tokens that others sign"
    place = PurePosixPath(settings.get("tokenSecretKey", "").removeprefix("file://"))
    if not any(use.in_file and use.key and PurePosixPath(use.place) == place for use in own):
        yield "reads no key for tokens from a Secret"


def _settings(workload: Workload, container: Container) -> Mapping[str, str]:
    told = container.environment.get(_FILE)
    if told is None or not told.value:
        raise UnreadableError("it does not start with a configuration")
    if any(name.startswith(_OVERRIDES) for name in container.environment):
        raise UnreadableError(f"variables that begin with {_OVERRIDES} change its configuration")
    text = files.read(workload, container, PurePosixPath(told.value))
    # Of two lines the last wins, as in every file of properties.
    return dict(
        _LINE.findall("\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("#", "!"))))
    )
