"""RoleSecrets: for each role one Secret, with just the credentials that its pods use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.context import Context
from components.kubernetes import encoded, metadata
from model.credentials import Credential, used_by
from model.roles import Role


@dataclass(frozen=True)
class RoleSecretsArgs:
    """The installation's credentials, and who is shown them."""

    context: Context
    values: Mapping[Credential, pulumi.Output[str]]
    roles: frozenset[Role]
    prefix: str
    """What the resources' names begin with."""
    formerly: pulumi.Resource
    """The component that the Secrets were part of in earlier versions of this program."""


class RoleSecrets(pulumi.ComponentResource):
    """The Secrets of certain roles. Their pods depend on this."""

    secrets: dict[Role, pulumi.Resource]
    """The Secret of each role that uses any."""

    def __init__(self, name: str, args: RoleSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:RoleSecrets", name, opts=opts)
        context = args.context
        child = pulumi.ResourceOptions(parent=self, aliases=[pulumi.Alias(parent=args.formerly)])
        mysql, commercial = context.release.uses_mysql, context.release.licensed
        self.secrets = {}
        for role in sorted(args.roles):
            if used := used_by(role, mysql=mysql, commercial=commercial, roles=context.roles):
                self.secrets[role] = _secret(args, role, used, child)
        self.register_outputs({})


def _secret(
    args: RoleSecretsArgs, role: Role, used: Iterable[Credential], opts: pulumi.ResourceOptions
) -> pulumi.Resource:
    data = {credential.value: encoded(args.values[credential]) for credential in used}
    if role is Role.REDIS:
        # Redis takes its password from its configuration only; as an argument every process could read it.
        data["auth.conf"] = encoded(args.values[Credential.REDIS].apply(lambda password: f"requirepass {password}\n"))
    if role is Role.PREFLIGHT:
        # A new Secret has the Job that it is for run again; passwords change in no other way that can be seen.
        opts = pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(replace_on_changes=["data"], delete_before_replace=True)
        )
    return k8s.core.v1.Secret(
        f"{args.prefix}-{role}-secret",
        metadata=metadata(args.context, role, "credentials"),
        type="Opaque",
        data=data,
        opts=opts,
    )
