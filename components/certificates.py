"""Certificates: those that the stack makes, those that cert-manager issues, and those that others provide."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_tls as tls

from components.context import Context
from components.kubernetes import encoded, metadata
from model.roles import Role
from settings.certificates import IssuerSettings

HOURS_PER_YEAR = 8760
AUTHORITY_HOURS = 10 * HOURS_PER_YEAR
LEAF_HOURS = 2 * HOURS_PER_YEAR
"""pulumi-tls renews a leaf only when `pulumi up` runs inside its last 90 days, so leaves must outlive quiet years."""
RENEWAL_HOURS = 90 * 24
AUTHORITY_RENEWAL_HOURS = LEAF_HOURS + RENEWAL_HOURS
"""Before any leaf that it has signed could outlive it. Its key stays, so old and new certificates verify each other's
leaves, and nobody notices (docs/decisions/0012-certificates-near-their-end.md)."""
_LONGEST_COMMON_NAME = 64
"""X.509's limit. Names inside the cluster can be longer; clients go by the alternative names, which have none."""


@dataclass(frozen=True)
class Authority:
    """A certificate authority's certificate and key, both PEM; the key never leaves Pulumi's state."""

    certificate: pulumi.Output[str]
    key: pulumi.Output[str]


@dataclass(frozen=True)
class CertificateAuthorityArgs:
    """`common_name` tells the authority from others of the installation."""

    common_name: str


class CertificateAuthority(pulumi.ComponentResource):
    """A private certificate authority. Each purpose has one of its own, so that no certificate serves for another."""

    authority: Authority
    certificate: pulumi.Output[str]
    """PEM that clients verify with."""

    def __init__(self, name: str, args: CertificateAuthorityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:CertificateAuthority", name, opts=opts)
        child = pulumi.ResourceOptions(parent=self)
        key = _key(name, child)
        certificate = tls.SelfSignedCert(
            f"{name}-certificate",
            private_key_pem=key.private_key_pem,
            is_ca_certificate=True,
            allowed_uses=["cert_signing", "crl_signing"],
            validity_period_hours=AUTHORITY_HOURS,
            early_renewal_hours=AUTHORITY_RENEWAL_HOURS,
            subject=tls.SelfSignedCertSubjectArgs(common_name=args.common_name, organization="Tracardi"),
            opts=child,
        )
        self.certificate = certificate.cert_pem
        self.authority = Authority(certificate.cert_pem, pulumi.Output.secret(key.private_key_pem))
        self.register_outputs({"certificate": self.certificate})


@dataclass(frozen=True)
class ProvidedSecret:
    """A Secret of type kubernetes.io/tls that others keep and renew, in the namespace of the role that uses it."""

    name: str


Issuer = Authority | IssuerSettings | ProvidedSecret
"""Who signs a certificate: the stack itself, cert-manager, or others."""


@dataclass(frozen=True)
class CertificateArgs:
    """A certificate of `role` for the DNS names `hosts`, from `issuer`, in the Secret `<role>-<suffix>`."""

    context: Context
    role: Role
    hosts: tuple[str, ...]
    issuer: Issuer
    suffix: str = "tls"


@dataclass(frozen=True)
class CertificateSecret:
    """Where a certificate is found: a Secret in its role's namespace, with the keys tls.crt and tls.key.

    Unless others provide it, the key ca.crt holds the authority that signed it.
    """

    secret: str
    resource: pulumi.Resource | None
    """What makes the Secret, for others to wait for; None where it is there already."""

    @property
    def resources(self) -> list[pulumi.Resource]:
        """`resource` as `depends_on` takes it."""
        return [self.resource] if self.resource else []


def certificate(name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> CertificateSecret:
    """The certificate that `args` describe, made by whatever its issuer asks for."""
    if isinstance(args.issuer, ProvidedSecret):
        return CertificateSecret(args.issuer.name, None)
    if isinstance(args.issuer, Authority):
        serving = ServingCertificateArgs(args.context, args.role, args.hosts, args.issuer, suffix=args.suffix)
        made = ServingCertificate(name, serving, opts)
        return CertificateSecret(made.secret, made)
    asked = IssuedCertificateArgs(args.context, args.role, args.hosts, args.issuer, suffix=args.suffix)
    issued = IssuedCertificate(name, asked, opts)
    return CertificateSecret(issued.secret, issued)


@dataclass(frozen=True)
class ServingCertificateArgs:
    """A certificate for `hosts`, in the Secret `<role>-<suffix>` of the role's namespace."""

    context: Context
    role: Role
    hosts: tuple[str, ...]
    authority: Authority
    client: bool = False
    """Whether its holder also shows it to others, as Elasticsearch nodes do among themselves."""
    suffix: str = "tls"


class ServingCertificate(pulumi.ComponentResource):
    """A leaf certificate that an authority of the stack signs, as a Secret of type kubernetes.io/tls."""

    secret: str
    """Name of the Secret, with keys tls.crt, tls.key and ca.crt."""
    certificate: pulumi.Output[str]
    """PEM of the certificate, which is public."""

    def __init__(self, name: str, args: ServingCertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:ServingCertificate", name, opts=opts)
        child = pulumi.ResourceOptions(parent=self)
        # Given at 0 as well: the engine sees a change only between two counters that it has been told.
        rotated = pulumi.ResourceOptions(replacement_trigger=args.context.certificate_rotation)
        key = _key(name, pulumi.ResourceOptions.merge(child, rotated))
        request = tls.CertRequest(
            f"{name}-request",
            private_key_pem=key.private_key_pem,
            dns_names=list(args.hosts),
            subject=tls.CertRequestSubjectArgs(
                common_name=args.hosts[0] if len(args.hosts[0]) <= _LONGEST_COMMON_NAME else args.role.value
            ),
            opts=child,
        )
        certificate = tls.LocallySignedCert(
            f"{name}-certificate",
            cert_request_pem=request.cert_request_pem,
            ca_cert_pem=args.authority.certificate,
            ca_private_key_pem=args.authority.key,
            allowed_uses=["digital_signature", "server_auth", *(["client_auth"] if args.client else [])],
            validity_period_hours=LEAF_HOURS,
            early_renewal_hours=RENEWAL_HOURS,
            opts=child,
        )
        k8s.core.v1.Secret(
            f"{name}-secret",
            metadata=metadata(args.context, args.role, args.suffix),
            type="kubernetes.io/tls",
            data={
                "tls.crt": encoded(certificate.cert_pem),
                "tls.key": encoded(pulumi.Output.secret(key.private_key_pem)),
                "ca.crt": encoded(args.authority.certificate),
            },
            opts=child,
        )
        self.certificate = certificate.cert_pem
        self.secret = tls_secret(args.role, args.suffix)
        self.register_outputs({"secret": self.secret})


@dataclass(frozen=True)
class IssuedCertificateArgs:
    """A certificate for `hosts` from `issuer`, in the Secret `<role>-<suffix>` of the role's namespace."""

    context: Context
    role: Role
    hosts: tuple[str, ...]
    issuer: IssuerSettings
    suffix: str = "tls"


class IssuedCertificate(pulumi.ComponentResource):
    """A certificate that cert-manager issues and renews."""

    secret: str
    """Name of the Secret that cert-manager writes."""

    def __init__(self, name: str, args: IssuedCertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:IssuedCertificate", name, opts=opts)
        k8s.apiextensions.CustomResource(
            f"{name}-certificate",
            api_version="cert-manager.io/v1",
            kind="Certificate",
            metadata=metadata(args.context, args.role, None if args.suffix == "tls" else args.suffix),
            spec={
                "secretName": tls_secret(args.role, args.suffix),
                "dnsNames": list(args.hosts),
                "usages": ["digital signature", "server auth"],
                "issuerRef": {"group": "cert-manager.io", "kind": args.issuer.kind.value, "name": args.issuer.name},
                "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
                "revisionHistoryLimit": 1,
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.secret = tls_secret(args.role, args.suffix)
        self.register_outputs({"secret": self.secret})


def tls_secret(role: Role, suffix: str = "tls") -> str:
    """Name of the Secret with the certificate and key of `role`."""
    return f"{role}-{suffix}"


def _key(name: str, opts: pulumi.ResourceOptions) -> tls.PrivateKey:
    return tls.PrivateKey(f"{name}-key", algorithm="ECDSA", ecdsa_curve="P256", opts=opts)
