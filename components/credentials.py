"""Credentials: every secret of an installation, generated or given, and kept beside the data."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random
from pydantic import SecretStr

from components.context import Context
from components.existing import KEPT_LABEL
from components.keeping import Keeping
from components.kubernetes import encoded
from model.credentials import Credential, needed, strength, too_weak
from model.roles import Tier
from model.tokens import signed
from settings.credentials import CREDENTIAL_KEYS, CredentialsSettings, ExistingSecret

_VALUE = "value"
"""The key in a Secret that keeps a credential."""


@dataclass(frozen=True)
class CredentialsArgs:
    """The installation's secrets as `settings` describe them."""

    context: Context
    settings: CredentialsSettings
    keeping: Keeping
    kept: frozenset[str]
    """Names of the Secrets in the data namespace in which an earlier life of the stack, or this one, kept credentials.
    """
    licence: SecretStr | None = None
    """Of the commercial edition."""


class Credentials(pulumi.ComponentResource):
    """The secrets of an installation, which nobody is shown yet (`RoleSecrets`)."""

    admin_password: pulumi.Output[str]
    """Password of the first administrator."""
    values: dict[Credential, pulumi.Output[str]]
    """Every credential."""

    def __init__(self, name: str, args: CredentialsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:Credentials", name, opts=opts)
        context = args.context
        child = pulumi.ResourceOptions(parent=self)
        mysql, commercial = context.release.uses_mysql, context.release.licensed
        wanted = needed(context.roles, mysql=mysql, commercial=commercial)
        # Where the stack runs Pulsar, it signs the token itself.
        own = {Credential.PULSAR} if Credential.PULSAR_KEY in wanted else set()
        values = {credential: _value(name, args, credential, child) for credential in wanted if credential not in own}
        if own:
            values[Credential.PULSAR] = values[Credential.PULSAR_KEY].apply(signed)
        self.values = values
        self.admin_password = values[Credential.ADMIN_PASSWORD]
        self.register_outputs({"admin_password": self.admin_password})


def kept_secret(credential: Credential) -> str:
    """Name of the Secret in the data namespace that keeps `credential` for a later life of the stack."""
    return f"kept-{credential}"


def _value(
    name: str, args: CredentialsArgs, credential: Credential, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    if credential is Credential.LICENCE and args.licence is not None:
        return pulumi.Output.secret(args.licence.get_secret_value())
    settings = args.settings.of(credential)
    if settings.value is not None:
        return pulumi.Output.secret(settings.value.get_secret_value())
    if settings.existing_secret is not None:
        return _existing(f"{name}-{credential}-existing", credential, settings.existing_secret, opts)
    return _own(name, args, credential, opts)


def _existing(
    name: str, credential: Credential, place: ExistingSecret, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    path = f"tracardi:credentials.{CREDENTIAL_KEYS[credential]}.existingSecret"

    def refuse(limit: str, remedy: str) -> pulumi.RunError:
        return pulumi.RunError(f"{path}\n  value:  {place}\n  limit:  {limit}\n  remedy: {remedy}")

    def checked(value: str | None) -> str:
        if value is None:
            raise refuse("text under that key; there is none", "Correct the key, or the Secret.")
        if weakness := too_weak(credential, value):
            raise refuse(weakness, "Put another secret in its place.")
        return value

    return _read(name, f"{place.namespace}/{place.name}", place.key, checked, opts)


def _own(name: str, args: CredentialsArgs, credential: Credential, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """A secret of the stack's own making, or of an earlier life's: stores read theirs at their first start only."""
    context, place = args.context, kept_secret(credential)
    namespace = context.namespace(Tier.DATA)
    first = _generated(name, credential, opts)
    if place in args.kept:

        def checked(value: str | None) -> str:
            if value is None:
                raise pulumi.RunError(
                    f"Secret {namespace}/{place} keeps a credential of the data there, and lacks the key {_VALUE}.\n"
                    "  remedy: Put the value back, or remove the Secret where the data is of no use."
                )
            return value

        first = _read(f"{name}-{credential}-found", f"{namespace}/{place}", _VALUE, checked, opts)
    # What stands in the state first stays, whatever is generated or found later: an adopted secret outlives the
    # Secret that it was found in, and nobody is locked out of data by one that was lost or edited.
    remembered = pulumi.Stash(
        f"{name}-{credential}-remembered",
        input=first,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["input"])),
    )
    value: pulumi.Output[str] = pulumi.Output.secret(remembered.output).apply(str)
    if args.keeping.keep:
        _keep(name, context, credential, value, opts)
    return value


def _generated(name: str, credential: Credential, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    wanted = strength(credential)
    generated = random.RandomPassword(
        f"{name}-{credential}",
        length=wanted.length,
        special=wanted.special,
        min_lower=4,
        min_upper=4,
        min_numeric=4,
        min_special=4 if wanted.special else 0,
        opts=opts,
    )
    return pulumi.Output.secret(generated.result)


def _read(
    name: str, place: str, key: str, checked: Callable[[str | None], str], opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    found = k8s.core.v1.Secret.get(
        name,
        place,
        opts=pulumi.ResourceOptions.merge(
            opts,
            # The provider stores what it reads a second time under __inputs, and in an annotation what kubectl applied:
            # both would stand in the state in clear.
            pulumi.ResourceOptions(additional_secret_outputs=["data", "stringData", "metadata", "__inputs"]),
        ),
    )
    return pulumi.Output.secret(found.data.apply(lambda data: checked(_decoded((data or {}).get(key)))))


def _decoded(value: str | None) -> str | None:
    try:
        return base64.b64decode(value).decode() if value else None
    except UnicodeDecodeError:
        return None


def _keep(
    name: str, context: Context, credential: Credential, value: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> None:
    k8s.core.v1.Secret(
        f"{name}-{credential}-kept",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=kept_secret(credential),
            namespace=context.namespace(Tier.DATA),
            labels={**context.common_labels(), KEPT_LABEL: "credential"},
            # What an earlier life made was another field manager's.
            annotations={"pulumi.com/patchForce": "true"},
        ),
        type="Opaque",
        data={_VALUE: encoded(value)},
        # Not protected: where keeping ends, the stack lets go of it without a word, and it goes with its namespace.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True)),
    )
