"""Certificates and how far TLS reaches (`tracardi:certificates` in a stack file)."""

from enum import StrEnum

from pydantic import Field

from model.encryption import Encryption
from settings.base import Refusal, Refusals, Section
from settings.types import DnsName


class CertificateSource(StrEnum):
    """Who issues the certificates that browsers see."""

    GENERATED = "generated"
    PROVIDED = "provided"
    CERT_MANAGER = "cert-manager"


class IssuerKind(StrEnum):
    """cert-manager's two kinds of issuer."""

    ISSUER = "Issuer"
    CLUSTER_ISSUER = "ClusterIssuer"


class IssuerSettings(Section):
    """A cert-manager issuer that exists in the cluster. Its solver must not need port 80: DNS-01, CA or Vault."""

    name: DnsName
    """Name of the issuer."""
    kind: IssuerKind = IssuerKind.CLUSTER_ISSUER
    """Issuer (in each namespace) or ClusterIssuer."""


class ProvidedSecrets(Section):
    """Secrets of type kubernetes.io/tls that others keep and renew, each in the namespace that uses it."""

    track: DnsName
    """In <name>-track, for tracardi:track.host."""
    gui_api: DnsName
    """In <name>-console, for tracardi:guiApi.host."""
    gui: DnsName | None = None
    """In <name>-console, for tracardi:gui.host."""


class CertificateSettings(Section):
    """Certificates of the three host names, and of what runs behind them."""

    source: CertificateSource = CertificateSource.CERT_MANAGER
    """generated makes a certificate authority of the stack's own, which browsers of strangers refuse."""
    issuer: IssuerSettings | None = None
    """The issuer, for cert-manager."""
    secrets: ProvidedSecrets | None = None
    """The Secrets, for provided."""
    encryption: Encryption = Encryption.EDGE
    """edge: TLS ends at the balancers. full: API and GUI speak TLS as well, and the balancers verify them."""
    internal_issuer: IssuerSettings | None = None
    """For full: a cert-manager issuer of type CA or Vault for names inside the cluster; left out: an authority of
    the stack's own, whose certificates last two years and are renewed by `pulumi up` alone."""
    rotation: int = Field(default=0, ge=0)
    """Counter whose change replaces every certificate of the stack's own, and its key, at the next `pulumi up`; their
    authorities stay."""

    def refusals(self) -> Refusals:
        """What is wrong between the keys of this section."""
        source = self.source
        needs = (
            (CertificateSource.CERT_MANAGER, "issuer", self.issuer and self.issuer.name, "Name an issuer."),
            (CertificateSource.PROVIDED, "secrets", self.secrets and self.secrets.track, "Name the Secrets."),
        )
        for of, key, value, remedy in needs:
            path = ("certificates", key)
            if source is of and value is None:
                yield Refusal(path, None, f"needed with source: {of}", remedy)
            if source is not of and value is not None:
                yield Refusal(path, value, f"unused with source: {source}", f"Remove it, or set source: {of}.")
        if self.internal_issuer is not None and self.encryption is not Encryption.FULL:
            yield Refusal(
                ("certificates", "internalIssuer"),
                self.internal_issuer.name,
                "unused with encryption: edge, where nothing inside the cluster has a certificate of an issuer",
                "Remove it, or set encryption: full.",
            )
