"""What a stack relies on and does not make: looked for before anything is registered."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from components.target import Target, TargetError, ask
from model.roles import Tier
from settings.base import Refusal
from settings.credentials import CREDENTIAL_KEYS
from settings.load import SettingsError
from settings.root import Settings

KEPT_LABEL = "tracardi.com/kept"
"""Label of the Secrets that outlive their stack."""

_TLS = "kubernetes.io/tls"


@dataclass(frozen=True)
class ExpectedSecret:
    """A Secret that the setting at `path` names. None of its values is ever read here."""

    path: tuple[str, ...]
    namespace: str
    name: str
    keys: tuple[str, ...]
    tls: bool = False

    @property
    def wanted(self) -> str:
        """What has to be there."""
        kind = f"a Secret of type {_TLS}" if self.tls else f"a Secret with the key {', '.join(self.keys)}"
        return f"{kind} in namespace {self.namespace}"

    @property
    def remedy(self) -> str:
        """How it gets there."""
        if self.tls:
            return (
                f"kubectl create namespace {self.namespace}; kubectl --namespace {self.namespace} "
                f"create secret tls {self.name} --cert=FILE --key=FILE"
            )
        return "Create it, or correct the setting."


def expected_secrets(settings: Settings) -> Iterator[ExpectedSecret]:
    """Every Secret that `settings` name and that others keep."""
    for credential, source in settings.credentials.each():
        reference = source.existing_secret
        if reference is not None:
            yield ExpectedSecret(
                ("credentials", CREDENTIAL_KEYS[credential], "existingSecret"),
                reference.namespace,
                reference.name,
                (reference.key,),
            )
    provided = settings.certificates.secrets
    if provided is not None:
        places = (
            ("track", provided.track, Tier.TRACK),
            ("guiApi", provided.gui_api, Tier.CONSOLE),
            ("gui", provided.gui, Tier.CONSOLE),
        )
        for key, name, tier in places:
            if name is not None:
                namespace = f"{settings.installation.name}-{tier}"
                yield ExpectedSecret(
                    ("certificates", "secrets", key), namespace, name, ("tls.crt", "tls.key"), tls=True
                )


def look_for_secrets(target: Target, settings: Settings) -> None:
    """Make sure that every Secret which `settings` name is in the cluster, and as it has to be.

    Raises:
        SettingsError: any of them is not.
        TargetError: the cluster does not answer.
    """
    expected = tuple(expected_secrets(settings))
    with ThreadPoolExecutor() as all_at_once:
        found = all_at_once.map(lambda secret: _fault(target, secret), expected)
    refusals = tuple(
        Refusal(secret.path, secret.name, f"{secret.wanted}; {fault}", secret.remedy)
        for secret, fault in zip(expected, found, strict=True)
        if fault is not None
    )
    if refusals:
        raise SettingsError(refusals)


def kept_secrets(target: Target, namespace: str) -> frozenset[str]:
    """Names of the Secrets in `namespace` that an earlier life of the stack left behind, or this one keeps.

    Raises:
        TargetError: the cluster does not answer.
    """
    answer = ask(target, "--namespace", namespace, "get", "secrets", f"--selector={KEPT_LABEL}", "--output=name")
    if answer.returncode:
        raise TargetError(
            f"tracardi:data.keep\n  value:  kept credentials in namespace {namespace}\n"
            f"  limit:  they cannot be looked for: {answer.stderr.strip()}\n"
            "  remedy: Give this user the right to list Secrets there."
        )
    return frozenset(line.removeprefix("secret/") for line in answer.stdout.split())


def _fault(target: Target, secret: ExpectedSecret) -> str | None:
    answer = ask(
        target,
        f"--namespace={secret.namespace}",
        "get",
        "secret",
        secret.name,
        # Names of the keys alone: no value is printed, not even here.
        '--output=go-template={"type":"{{.type}}","keys":[{{range $key, $value := .data}}"{{$key}}",{{end}}""]}',
    )
    if answer.returncode:
        told = answer.stderr.strip()
        return "there is none" if "NotFound" in told else f"it cannot be read: {told}"
    found = json.loads(answer.stdout)
    absent = [key for key in secret.keys if key not in found["keys"]]
    if absent:
        return f"it lacks the key {', '.join(absent)}"
    if secret.tls and found["type"] != _TLS:
        return f"its type is {found['type']}"
    return None
