"""What surrounds Tracardi (`tracardi:certificates`, `network`, `platform` and `target` in a stack file)."""

from enum import StrEnum

from pydantic import Field

from settings.base import Refusal, Refusals, Section
from settings.types import Cidr, HostName, IpAddress, LabelKey, LabelValue, Registry


class CertificateSource(StrEnum):
    """Who issues the certificates that browsers see."""

    GENERATED = "generated"
    CERT_MANAGER = "cert-manager"


class IssuerKind(StrEnum):
    """cert-manager's two kinds of issuer."""

    ISSUER = "Issuer"
    CLUSTER_ISSUER = "ClusterIssuer"


class IssuerSettings(Section):
    """A cert-manager issuer that exists in the cluster. Its solver must not need port 80: DNS-01, CA or Vault."""

    name: str = Field(min_length=1, max_length=253)
    """Name of the issuer."""
    kind: IssuerKind = IssuerKind.CLUSTER_ISSUER
    """Issuer (in each namespace) or ClusterIssuer."""


class CertificateSettings(Section):
    """Certificates of the three host names."""

    source: CertificateSource = CertificateSource.CERT_MANAGER
    """generated makes a certificate authority of the stack's own, which browsers of strangers refuse."""
    issuer: IssuerSettings | None = None
    """The issuer, for cert-manager."""

    def refusals(self) -> Refusals:
        """What is wrong between the keys of this section."""
        if self.source is CertificateSource.CERT_MANAGER and self.issuer is None:
            yield Refusal(
                ("certificates", "issuer"), None, "needed with source: cert-manager", "Name an issuer of the cluster."
            )
        if self.source is CertificateSource.GENERATED and self.issuer is not None:
            yield Refusal(
                ("certificates", "issuer"),
                self.issuer.name,
                "unused with source: generated",
                "Remove it, or set source: cert-manager.",
            )


class NetworkSettings(Section):
    """The networks around the installation."""

    trusted: tuple[Cidr, ...] = Field(min_length=1)
    """Networks whose users may reach the GUI and the GUI API, and nobody else."""
    cluster_domain: HostName = "cluster.local"
    """The cluster's DNS domain."""
    node_local_dns: IpAddress | None = None
    """Address of the node-local DNS cache, where there is one."""


class TolerationOperator(StrEnum):
    """How a toleration's key is compared."""

    EXISTS = "Exists"
    EQUAL = "Equal"


class Toleration(Section):
    """A taint that pods tolerate."""

    key: LabelKey
    """Key of the taint."""
    operator: TolerationOperator = TolerationOperator.EXISTS
    """Exists, or Equal to the value."""
    value: LabelValue | None = None
    """Value of the taint, for Equal."""
    effect: str | None = Field(default=None, pattern=r"^(NoSchedule|PreferNoSchedule|NoExecute)$")
    """Effect of the taint; None tolerates every effect."""


class PlatformSettings(Section):
    """What a particular Kubernetes cluster asks of every pod."""

    image_registry: Registry | None = None
    """Mirror that holds every image under its usual repository and tag."""
    image_pull_secrets: tuple[str, ...] = ()
    """Names of pull secrets that exist in each namespace."""
    storage_class: str | None = Field(default=None, min_length=1)
    """Storage class of every volume; None takes the cluster's default."""
    node_selector: dict[LabelKey, LabelValue] = {}
    """Labels of the nodes that pods may run on."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints that pods tolerate."""
    priority_class: str | None = Field(default=None, min_length=1)
    """Priority class of every pod."""
    labels: dict[LabelKey, LabelValue] = {}
    """Extra labels of every pod."""
    annotations: dict[LabelKey, str] = {}
    """Extra annotations of every pod."""

    def refusals(self) -> Refusals:
        """What is wrong between the keys of this section."""
        for key, value in self.labels.items():
            if key.startswith("app.kubernetes.io/"):
                yield Refusal(
                    ("platform", "labels", key),
                    value,
                    "app.kubernetes.io/ labels decide which Service and NetworkPolicy sees a pod",
                    "Choose a prefix of your own.",
                )
        for index, toleration in enumerate(self.tolerations):
            if (toleration.operator is TolerationOperator.EQUAL) != (toleration.value is not None):
                yield Refusal(
                    ("platform", "tolerations", index, "value"),
                    toleration.value,
                    "a value goes with operator: Equal, and only with it",
                    "Add the value, or change the operator.",
                )


class TargetSettings(Section):
    """The cluster that the stack describes; `make` and `make env` set it through the environment instead."""

    kubeconfig: str | None = Field(default=None, min_length=1)
    """Path of the kubeconfig file; None takes the variable TRACARDI_KUBECONFIG."""
    context: str | None = Field(default=None, min_length=1)
    """Context in that file; None takes the variable TRACARDI_KUBE_CONTEXT. The current context is never used."""
