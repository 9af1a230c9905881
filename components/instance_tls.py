"""TLS at API and console instances themselves, where it reaches all the way (`tracardi:certificates.encryption: full`).

The certificate is mounted as a folder, which Kubernetes replaces as a whole when the Secret changes, and each program
reads it again by itself: nobody rolls the pods, so a certificate that others renew is served without a `pulumi up`.
"""

import pulumi
import pulumi_kubernetes as k8s

from components.certificates import CertificateArgs, CertificateSecret, Issuer, certificate
from components.context import Context
from components.pods import Mount, secret_volume
from model.roles import Role

FOLDER = "/run/secrets/tls"
CERTIFICATE = f"{FOLDER}/tls.crt"
KEY = f"{FOLDER}/tls.key"
TLS_MOUNT = Mount("tls", FOLDER)


def instance_certificate(
    name: str, context: Context, role: Role, issuer: Issuer | None, opts: pulumi.ResourceOptions
) -> CertificateSecret | None:
    """The certificate of all instances of `role`, for the name that others find them under; None without TLS inside."""
    if issuer is None:
        return None
    hosts = (context.host(role), "localhost")
    return certificate(f"{name}-certificate", CertificateArgs(context, role, hosts, issuer), opts)


def tls_volume(secret: str) -> k8s.core.v1.VolumeArgs:
    """The volume of `TLS_MOUNT`: certificate and key, and nothing else that the Secret may hold."""
    return secret_volume(TLS_MOUNT.volume, secret, {"tls.crt": "tls.crt", "tls.key": "tls.key"})
