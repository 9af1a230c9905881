"""What a particular Kubernetes cluster asks for (`tracardi:platform` and `tracardi:target` in a stack file)."""

from enum import StrEnum

from pydantic import Field

from model.images import Image, Software
from settings.base import Refusal, Refusals, Section
from settings.types import DnsName, ImageDigest, ImageRepository, ImageTag, LabelKey, LabelValue, Registry


class ImageSettings(Section):
    """Replaces parts of one image's reference; what is left out stays."""

    registry: Registry | None = None
    """Host of the registry, with its path."""
    repository: ImageRepository | None = None
    """Repository in the registry."""
    tag: ImageTag | None = None
    """Tag; never latest."""
    digest: ImageDigest | None = None
    """Such as sha256:…; pins the image whatever its tag."""

    def applied_to(self, image: Image) -> Image:
        """`image` with these replacements."""
        return Image(
            registry=self.registry or image.registry,
            repository=self.repository or image.repository,
            tag=self.tag or image.tag,
            digest=self.digest or image.digest,
        )


class ImagesSettings(Section):
    """Replacements for single images; `imageRegistry` replaces the registry of all of them."""

    api: ImageSettings = ImageSettings()
    """Tracardi's API."""
    gui: ImageSettings = ImageSettings()
    """Tracardi's console."""
    elasticsearch: ImageSettings = ImageSettings()
    """Elasticsearch."""
    mysql: ImageSettings = ImageSettings()
    """MySQL."""
    redis: ImageSettings = ImageSettings()
    """Redis."""
    pulsar: ImageSettings = ImageSettings()
    """Apache Pulsar."""
    haproxy: ImageSettings = ImageSettings()
    """The balancers, and the tunnels to Redis and Pulsar."""
    mysql_router: ImageSettings = ImageSettings()
    """The tunnel to MySQL."""

    def of(self, software: Software) -> ImageSettings:
        """The replacements for the image of `software`."""
        key = software.value
        fields = {field.alias or name: name for name, field in type(self).model_fields.items()}
        found: ImageSettings = getattr(self, fields[key])
        return found


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
    """Effect of the taint; left out: every effect."""


class PlatformSettings(Section):
    """What a particular Kubernetes cluster asks of every pod."""

    image_registry: Registry | None = None
    """Mirror that holds every image under its usual repository and tag."""
    images: ImagesSettings = ImagesSettings()
    """Single images that come from elsewhere."""
    image_pull_secrets: tuple[DnsName, ...] = ()
    """Names of pull secrets that exist in each namespace."""
    storage_class: DnsName | None = None
    """Storage class of every volume; left out: the cluster's default."""
    node_selector: dict[LabelKey, LabelValue] = {}
    """Labels of the nodes that pods may run on."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints that pods tolerate."""
    priority_class: DnsName | None = None
    """Priority class of every pod."""
    labels: dict[LabelKey, LabelValue] = {}
    """Extra labels of every pod."""
    annotations: dict[LabelKey, str] = {}
    """Extra annotations of every pod."""

    def image(self, software: Software, usual: Image) -> Image:
        """The image to run in place of the `usual` one."""
        return self.images.of(software).applied_to(usual.from_mirror(self.image_registry))

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
        for key, value in self.annotations.items():
            if key.startswith("checksum/"):
                yield Refusal(
                    ("platform", "annotations", key),
                    value,
                    "checksum/ annotations decide when pods are rolled",
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
    """Path of the kubeconfig file; left out: the variable TRACARDI_KUBECONFIG."""
    context: str | None = Field(default=None, min_length=1)
    """Context in that file; left out: the variable TRACARDI_KUBE_CONTEXT. The current context is never used."""
