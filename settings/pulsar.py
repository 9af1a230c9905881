"""Apache Pulsar (`tracardi:data.pulsar` in a stack file), the queue of the commercial edition."""

from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from model.ports import Port
from settings.base import Refusal, Refusals, Section
from settings.types import Cidr, HttpUrl, Pem, PulsarName, PulsarUrl, Quantity, amount, is_address

_TLS = "pulsar+ssl"
_SCHEMES = {"pulsar": "http", _TLS: "https"}
"""Each of the queue's addresses goes with one of its administration."""
_SMALLEST = "1Gi"


class ExternalPulsar(Section):
    """Pulsar that somebody else runs. Its token is tracardi:credentials.pulsar."""

    url: PulsarUrl
    """Address of its proxy, or of its only broker: pulsar:// in plain text, pulsar+ssl:// through TLS.

    Tracardi speaks plain text, so TLS is a sidecar's, and then it has to be a Pulsar proxy: brokers name each other.
    """
    api: HttpUrl
    """Address of its administration: https:// with pulsar+ssl://, http:// with pulsar://."""
    cluster: PulsarName
    """Its cluster's name, as `pulsar-admin clusters list` tells it; the tenant is made for it."""
    tenant: PulsarName = "tracardi"
    """Tenant of this installation alone. It is made where the token's role may do that."""
    certificate_authority: Pem | None = None
    """PEM of the authority that signed its certificates, for pulsar+ssl://; left out: the public ones."""
    networks: tuple[Cidr, ...] = Field(min_length=1)
    """Networks that its addresses are in: NetworkPolicies know addresses, not names."""

    @property
    def tls(self) -> bool:
        """Whether it is reached through TLS."""
        return urlsplit(self.url).scheme == _TLS

    @property
    def host(self) -> str:
        """Host of its proxy or broker."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Port of its proxy or broker."""
        return urlsplit(self.url).port or (Port.PULSAR_TLS if self.tls else Port.PULSAR)

    @property
    def api_host(self) -> str:
        """Host of its administration."""
        return urlsplit(self.api).hostname or ""

    @property
    def api_port(self) -> int:
        """Port of its administration."""
        return urlsplit(self.api).port or (Port.PUBLIC_HTTPS if self.tls else Port.PUBLIC_HTTP)

    def refusals(self, path: tuple[str, ...]) -> Refusals:
        """What is wrong between the keys of this section, which stands at `path`."""
        scheme = _SCHEMES[urlsplit(self.url).scheme]
        if urlsplit(self.api).scheme != scheme:
            yield Refusal(
                (*path, "api"),
                self.api,
                f"{scheme}://, as {self.url} has it: both are shown the same token",
                "Use TLS for both, or for neither.",
            )
        if self.certificate_authority is not None and not self.tls:
            yield Refusal(
                (*path, "certificateAuthority"),
                "a certificate",
                "unused without pulsar+ssl://",
                "Write url with pulsar+ssl://, or remove it.",
            )
        for key, url, host in (("url", self.url, self.host), ("api", self.api, self.api_host)):
            if self.tls and is_address(host):
                yield Refusal(
                    (*path, key),
                    url,
                    "a name, with pulsar+ssl://: the tunnel verifies the name in its certificate, not an address",
                    "Write the name that the certificate carries.",
                )


class PulsarSettings(Section):
    """Pulsar in the cluster, a single instance for trials, or run by others.

    The one in the cluster lets nobody in without a token; the stack makes a key, and signs the token with it.
    """

    INSIDE: ClassVar[tuple[str, ...]] = ("storage", "memory")

    storage: Quantity = "10Gi"
    """Volume of the instance."""
    memory: Quantity = "2Gi"
    """Memory of the instance: three eighths are heap, and as much is for buffers."""
    external: ExternalPulsar | None = None
    """Pulsar outside; then none runs in the cluster."""

    def refusals(self, path: tuple[str, ...]) -> Refusals:
        """What is wrong between the keys of this section, which stands at `path`."""
        if self.external is not None:
            yield from self.external.refusals((*path, "external"))
        elif amount(self.memory) < amount(_SMALLEST):
            yield Refusal(
                (*path, "memory"),
                self.memory,
                f"at least {_SMALLEST}: broker, storage and metadata are one process",
                "Raise it.",
            )
