"""StoreCertificate: what Redis and MySQL show when they speak TLS themselves, to tunnels and nobody else."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.certificates import (
    CertificateAuthority,
    CertificateAuthorityArgs,
    ServingCertificate,
    ServingCertificateArgs,
)
from components.context import Context
from components.kubernetes import digest
from components.pods import Mount, secret_volume
from model.roles import Role

FOLDER = "/etc/tracardi-tls"
"""Where stores find their certificate."""


@dataclass(frozen=True)
class StoreCertificateArgs:
    """The store of `role`."""

    context: Context
    role: Role


class StoreCertificate(pulumi.ComponentResource):
    """A certificate for a store's Service, from an authority that signs nothing else."""

    authority: pulumi.Output[str]
    """PEM that tunnels verify the store with."""
    volume: k8s.core.v1.VolumeArgs
    """The keys tls.crt, tls.key and ca.crt."""
    mount: Mount
    """The volume as the store sees it, at `FOLDER`."""
    checksum: pulumi.Output[str]
    """Digest of the certificate, which is public.

    Redis and MySQL read it at their start only, so a renewal, which is an `up`, restarts them: they are single
    instances, so that is an outage of seconds. A certificate that expired unseen would be a longer one.
    """

    def __init__(self, name: str, args: StoreCertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:StoreCertificate", name, opts=opts)
        context, role = args.context, args.role
        child = pulumi.ResourceOptions(parent=self)
        authority = CertificateAuthority(
            f"{name}-authority", CertificateAuthorityArgs(f"{context.installation} {role}"), opts=child
        )
        serving = ServingCertificate(
            f"{name}-serving",
            ServingCertificateArgs(
                context=context,
                role=role,
                hosts=(context.host(role), "localhost"),
                authority=authority.authority,
            ),
            opts=child,
        )
        self.volume = secret_volume("certificate", serving.secret)
        self.mount = Mount("certificate", FOLDER)
        self.authority = authority.certificate
        self.checksum = serving.certificate.apply(digest)
        self.register_outputs({"authority": self.authority})
