"""The balancers that are measured: the program's own pods, from its own objects."""

from pathlib import Path
from typing import Any

from components.context import context_of
from model.roles import Role, Tier
from tests.dataplane.cluster.objects import Objects
from tests.dataplane.cluster.pods import Pod, PodArgs
from tests.dataplane.installation.providers import Plugins, real_recording
from tests.dataplane.installation.sites import small
from tests.dataplane.sandbox import Place
from tests.unit.engine import JsonObject
from tests.unit.stacks import settings_of

INSTANCES = 3
"""As many as Tracardi's guide asks for."""
_NO_LIMIT = 100_000
"""Requests a second of one client: a load of one connection comes from one address."""
_CONFIGURATION = "haproxy.cfg"
_ENTRY_TLS = " ssl crt /etc/haproxy/certs/tls.crt alpn h2,http/1.1"


class Installation:
    """What the program makes of the small stack called `name`, as far as its track cluster's balancer needs it."""

    def __init__(self, plugins: Plugins, name: str, **changes: Any) -> None:  # noqa: ANN401 - any setting
        settings = settings_of(
            small(
                installation__name=name,
                track__replicas={"min": INSTANCES, "max": INSTANCES},
                track__balancer__requestsPerSecond=_NO_LIMIT,
                **changes,
            )
        )
        self.host = str(settings.track.host)
        """The name that clients use."""
        self._recording = real_recording(settings, plugins)
        self._namespace = context_of(settings).namespace(Tier.TRACK)

    @property
    def objects(self) -> Objects:
        """What the program made."""
        return Objects(self._recording)

    @property
    def objects_in_plain_text(self) -> Objects:
        """The same with TLS taken off the entry: a thing only for comparison, which no setting leads to."""
        objects = self.objects
        manifest = objects.get("ConfigMap", Role.TRACK_BALANCER, self._namespace)
        manifest["data"][_CONFIGURATION] = in_plain_text(manifest["data"][_CONFIGURATION])
        objects.put(manifest)
        return objects

    @property
    def instances_host(self) -> str:
        """The DNS name by which the balancer finds its instances."""
        return f"{Role.TRACK_API}.{self._namespace}.svc.cluster.local"

    @property
    def requested_cores(self) -> float:
        """CPU that a balancer pod requests."""
        (container,) = self._deployment["spec"]["template"]["spec"]["containers"]
        return cores(container["resources"]["requests"]["cpu"])

    def certificate(self, role: Role) -> dict[str, bytes]:
        """The certificate of `role`, with its key and its authority."""
        return self.objects.secret(self._namespace, f"{role}-tls")

    def balancer(self, name: str, place: Place, objects: Objects, folder: Path, resolver: str) -> Pod:
        """A balancer pod with the configuration in `objects`, yet to be started."""
        return Pod(
            PodArgs(
                name=name,
                namespace=self._namespace,
                template=self._deployment["spec"]["template"],
                place=place,
                objects=objects,
                folder=folder,
                environment={},
                resolver=resolver,
            )
        )

    @property
    def _deployment(self) -> JsonObject:
        return self.objects.get("Deployment", Role.TRACK_BALANCER, self._namespace)


def in_plain_text(configuration: str) -> str:
    """HAProxy's configuration with TLS taken off the entry.

    Raises:
        ValueError: the entry has none.
    """
    if configuration.count(_ENTRY_TLS) != 1:
        raise ValueError(f"`{_ENTRY_TLS.strip()}` is not there once, in a configuration whose entry must lose it")
    return configuration.replace(_ENTRY_TLS, "")


def cores(quantity: str) -> float:
    """A quantity of CPU as Kubernetes writes it: 100m is a tenth of a core."""
    return int(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)
