"""Credentials: every secret of an installation, generated in Pulumi's state and shown to those who use it."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.context import Context
from components.kubernetes import encoded, metadata
from model.credentials import Credential, needed, strength, used_by
from model.roles import Role


@dataclass(frozen=True)
class CredentialsArgs:
    """The installation whose secrets are generated."""

    context: Context


class Credentials(pulumi.ComponentResource):
    """Generated secrets, and for each role one Secret with just what its pods use."""

    admin_password: pulumi.Output[str]
    """Password of the first administrator."""

    def __init__(self, name: str, args: CredentialsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:Credentials", name, opts=opts)
        context = args.context
        child = pulumi.ResourceOptions(parent=self)
        values = {credential: _generated(name, credential, child) for credential in needed(context.roles)}
        for role in sorted(context.roles):
            if used := used_by(role, context.roles):
                _secret(name, context, role, {credential.value: values[credential] for credential in used}, child)
        self.admin_password = values[Credential.ADMIN_PASSWORD]
        self.register_outputs({"admin_password": self.admin_password})


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


def _secret(
    name: str, context: Context, role: Role, values: dict[str, pulumi.Output[str]], opts: pulumi.ResourceOptions
) -> None:
    data = {key: encoded(value) for key, value in values.items()}
    if role is Role.REDIS:
        # Redis takes its password from its configuration only; as an argument every process could read it.
        data["auth.conf"] = encoded(values[Credential.REDIS].apply(lambda password: f"requirepass {password}\n"))
    k8s.core.v1.Secret(
        f"{name}-{role}-secret",
        metadata=metadata(context, role, "credentials"),
        type="Opaque",
        data=data,
        opts=opts,
    )
