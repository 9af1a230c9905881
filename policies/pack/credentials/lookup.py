"""Secrets that pods find: under which key of which Secret, and what for; told by who uses them and how."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from model.credentials import Credential
from policies.pack.kubernetes.objects import Objects
from policies.pack.kubernetes.workloads import Container, Workload
from policies.pack.resources import Resource
from policies.pack.roles import Role
from policies.pack.values import NOTHING, Value

_VARIABLES = {
    "INSTALLATION_TOKEN": Credential.INSTALLATION_TOKEN,
    "AUTO_PROFILE_MERGING": Credential.PROFILE_MERGING,
    "ELASTIC_HTTP_AUTH_PASSWORD": Credential.ELASTICSEARCH,
    "ELASTIC_PASSWORD": Credential.ELASTICSEARCH,
    "REDIS_PASSWORD": Credential.REDIS,
    "REDISCLI_AUTH": Credential.REDIS,
    "MYSQL_PASSWORD": Credential.MYSQL,
    "MYSQL_PWD": Credential.MYSQL,
    "MYSQL_ROOT_PASSWORD": Credential.MYSQL_ROOT,
    "PULSAR_AUTH_TOKEN": Credential.PULSAR,
    "LICENSE": Credential.LICENCE,
}

_STORES = {
    Role.ELASTICSEARCH: Credential.ELASTICSEARCH,
    Role.REDIS: Credential.REDIS,
    Role.MYSQL: Credential.MYSQL,
    Role.PULSAR: Credential.PULSAR,
}
"""What a store's own secret is for, where nothing else tells."""

_WORDS = (
    ("root", Credential.MYSQL_ROOT),
    ("admin", Credential.ADMIN_PASSWORD),
    ("install", Credential.INSTALLATION_TOKEN),
    ("merging", Credential.PROFILE_MERGING),
    ("elastic", Credential.ELASTICSEARCH),
    ("redis", Credential.REDIS),
    ("mysql", Credential.MYSQL),
    ("signing", Credential.PULSAR_KEY),
    ("pulsar", Credential.PULSAR),
    ("licen", Credential.LICENCE),
)
"""Parts of keys that tell what a file is for; the first that fits."""

_KEYS = frozenset(credential.value for credential in Credential)
_CERTIFICATES = re.compile(r"\.(crt|cer|key|pem|p12|pfx|jks)$", re.IGNORECASE)
_ALIAS = re.compile(r"\$\(([^)]*)\)")
_TLS = "kubernetes.io/tls"
_FILE = "_FILE"
_IN_FILES = re.compile(
    r"^\s*(?:(?:requirepass|masterauth)\s+|password\s*[=:]\s*|user\s+\S+.*\s>)(\S+)",
    re.MULTILINE | re.IGNORECASE,
)
"""Passwords in configurations of Redis (lines and access lists) and of MySQL's programs."""

UNKNOWN_PURPOSE = ""
"""For a whole Secret that is mounted while its keys cannot be seen."""


@dataclass(frozen=True)
class Use:
    """A secret that a container finds in a variable or a file."""

    workload: Workload
    container: Container
    purpose: str
    """The value of a Credential, or for others the name under which the container finds it."""
    place: str
    """How a person calls what the container finds it in."""
    origin: str
    """Name of the Secret, in the namespace of the pods."""
    key: str
    """Key in the Secret; empty for all that it holds, where that cannot be seen."""
    optional: bool = False
    """Whether the container starts without it."""

    @property
    def credential(self) -> Credential | None:
        """The purpose, if it is one of Tracardi's own."""
        return Credential(self.purpose) if self.purpose in _KEYS else None

    @property
    def in_file(self) -> bool:
        """Whether it is found in a file, not in a variable."""
        return self.place.startswith("/")

    @property
    def identity(self) -> tuple[str, str]:
        """What tells the Secret from others."""
        return self.workload.namespace, self.origin


class Credentials:
    """The Secrets of a stack and who uses them. `role` says what pods are for."""

    def __init__(self, stack: Objects, role: Callable[[Workload], Role]) -> None:
        self._role = role
        self._secrets: dict[tuple[str, str], tuple[Resource, ...]] = {}
        for secret in stack.of_kind("Secret"):
            place = (secret.namespace, secret.object_name)
            self._secrets[place] = (*self._secrets.get(place, ()), secret)
        self.uses = tuple(use for workload in stack.workloads for use in self._of(workload))

    def secrets(self, use: Use) -> tuple[Resource, ...]:
        """The Secrets that `use` may be of: none that the stack does not have, several where they share a name."""
        return self._secrets.get(use.identity, ())

    def found(self, use: Use) -> tuple[tuple[Resource, str], ...]:
        """The values of `use` that can be seen, each with the Secret that holds it."""
        found = ((secret, texts(secret).get(use.key)) for secret in self.secrets(use))
        return tuple((secret, text) for secret, text in found if text is not None)

    def _of(self, workload: Workload) -> Iterator[Use]:
        for container in workload.containers:
            yield from self._variables(workload, container)
            yield from self._files(workload, container)

    def _variables(self, workload: Workload, container: Container) -> Iterator[Use]:
        for source in container.properties["envFrom"]:
            if name := source.at("secretRef", "name").text:
                prefix = source["prefix"].text or ""
                for key in self._keys(workload, name):
                    purpose = _purpose_of_variable(prefix + key) if key else UNKNOWN_PURPOSE
                    place = f"{prefix}{key}" if key else "variables"
                    yield Use(workload, container, purpose, place, name, key, source["secretRef"]["optional"].on)
        # What only hands a secret on to another variable serves that one's purpose.
        passed_on = {
            found[1] for entry in container.properties["env"] if (found := _ALIAS.fullmatch(entry["value"].text or ""))
        } - _VARIABLES.keys()
        for name, variable in container.environment.items():
            if variable.secret and name not in passed_on:
                yield Use(
                    workload,
                    container,
                    _purpose_of_variable(name),
                    name,
                    variable.origin,
                    variable.key,
                    variable.optional,
                )

    def _files(self, workload: Workload, container: Container) -> Iterator[Use]:
        told = _told_files(container)
        for mount, source, name in _mounted(workload, container):
            certificate = self._is_certificate(workload, name)
            for key, path in self._paths(workload, mount, source, name, tuple(told)):
                # One with a certificate may hold something else beside it.
                if _CERTIFICATES.search(key) or (certificate and not key):
                    continue
                place = f"{path}" if key else f"{path}/"
                for purpose in told.get(path) or (self._purpose_of_file(workload, key, path.name),):
                    yield Use(workload, container, purpose, place, name, key, source["optional"].on)

    def _paths(
        self, workload: Workload, mount: Value, source: Value, name: str, told: tuple[PurePosixPath, ...]
    ) -> Iterator[tuple[str, PurePosixPath]]:
        """The keys that are mounted, and where; `told` are files that are there, as variables say."""
        folder, inside = PurePosixPath(mount["mountPath"].text or "/"), mount["subPath"].text
        items = [(item["key"].text or "", item["path"].text or "") for item in source["items"]]
        known = items or [(key, key) for key in self._keys(workload, name)]
        if inside:
            yield from ((key or inside, folder) for key, path in known if path in {"", inside})
            return
        yield from ((key, folder / path) for key, path in known)
        if known == [(UNKNOWN_PURPOSE, UNKNOWN_PURPOSE)]:
            yield from ((path.name, path) for path in told if path.parent == folder)

    def _keys(self, workload: Workload, name: str) -> tuple[str, ...]:
        found = [key for secret in self._secrets.get((workload.namespace, name), ()) for key in keys(secret)]
        return tuple(dict.fromkeys(found)) or (UNKNOWN_PURPOSE,)

    def _is_certificate(self, workload: Workload, name: str) -> bool:
        found = self._secrets.get((workload.namespace, name), ())
        return bool(found) and all(secret.properties["type"].text == _TLS for secret in found)

    def _purpose_of_file(self, workload: Workload, key: str, name: str) -> str:
        store, lower = _STORES.get(self._role(workload)), name.lower()
        if not key:
            # Whoever has but one secret has that one, whatever its key is.
            return store.value if store and store is not Credential.MYSQL else UNKNOWN_PURPOSE
        if lower in _KEYS:
            return lower
        if store and not (store is Credential.MYSQL and "root" in lower):
            return store.value
        said = f"{lower} {key.lower()}"
        return next((credential.value for word, credential in _WORDS if word in said), key)


def keys(secret: Resource) -> Iterator[str]:
    """The keys of a Secret, as far as they can be seen."""
    yield from dict.fromkeys(key for name in ("data", "stringData") for key in secret.properties[name].fields)


def texts(secret: Resource) -> dict[str, str]:
    """The decoded values of a Secret that can be seen, by their keys."""
    encoded = secret.properties["data"].texts
    found = {key: text for key, value in encoded.items() if (text := _decoded(value)) is not None}
    # As the cluster does it: what is written plainly wins.
    return found | secret.properties["stringData"].texts


def passwords(text: str) -> tuple[str, ...]:
    """The secrets in `text`, which is one itself or the configuration of a store."""
    if found := tuple(_IN_FILES.findall(text)):
        return tuple(password.strip("\"'") for password in found)
    return (text,)


def _decoded(value: str) -> str | None:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _mounted(workload: Workload, container: Container) -> Iterator[tuple[Value, Value, str]]:
    """The Secrets that `container` mounts: the mount, what says which part of the Secret, and its name."""
    volumes = {volume["name"].text: volume for volume in workload.pod["volumes"]}
    for mount in container.properties["volumeMounts"]:
        volume = volumes.get(mount["name"].text, NOTHING)
        if volume["secret"].given:
            yield mount, volume["secret"], volume.at("secret", "secretName").text or ""
        for source in volume.at("projected", "sources"):
            if source["secret"].given:
                yield mount, source["secret"], source.at("secret", "name").text or ""


def _purpose_of_variable(name: str) -> str:
    found = _VARIABLES.get(name)
    return found.value if found else name


def _told_files(container: Container) -> dict[PurePosixPath, tuple[str, ...]]:
    """What files are for that a variable names, such as MYSQL_PASSWORD_FILE."""
    found: dict[PurePosixPath, tuple[str, ...]] = {}
    for name, variable in container.environment.items():
        purpose = name.removesuffix(_FILE)
        if purpose != name and variable.value and purpose in _VARIABLES:
            path = PurePosixPath(variable.value)
            found[path] = (*found.get(path, ()), _purpose_of_variable(purpose))
    return found
