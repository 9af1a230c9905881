"""All settings of a stack: one section for each `tracardi:` key."""

from collections.abc import Iterator

from model.capacity import Site, days_until_full, elasticsearch_cores
from model.service import Service
from settings.base import Section
from settings.capacity import CapacitySettings
from settings.certificates import CertificateSettings
from settings.clusters import GuiApiSettings, GuiSettings, TrackSettings
from settings.credentials import CredentialsSettings
from settings.data import DataSettings
from settings.index import IndexSettings
from settings.installation import InstallationSettings, Profile
from settings.network import NetworkSettings
from settings.others import OthersStore, others_stores
from settings.platform import PlatformSettings, TargetSettings
from settings.pulsar import PulsarSettings
from settings.services import ServicesSettings, selected
from settings.sizing import cores_of, site_of


class Settings(Section):
    """The configuration of a stack: one field for each `tracardi:` key."""

    installation: InstallationSettings
    capacity: CapacitySettings | None = None
    track: TrackSettings
    gui_api: GuiApiSettings
    gui: GuiSettings
    services: ServicesSettings = {}
    data: DataSettings = DataSettings()
    credentials: CredentialsSettings = CredentialsSettings()
    index: IndexSettings = IndexSettings()
    certificates: CertificateSettings
    network: NetworkSettings
    platform: PlatformSettings = PlatformSettings()
    target: TargetSettings = TargetSettings()

    @property
    def production(self) -> bool:
        """Whether Tracardi's production guide is enforced."""
        return self.installation.profile is Profile.PRODUCTION

    @property
    def keeps_data(self) -> bool:
        """Whether namespace, volumes and credentials of the data services outlive the stack."""
        return self.production if self.data.keep is None else self.data.keep

    @property
    def uses_mysql(self) -> bool:
        """Whether the release keeps metadata and users in MySQL, wherever that runs."""
        return self.installation.facts.uses_mysql

    @property
    def pulsar(self) -> PulsarSettings | None:
        """The queue, wherever it runs; None where the edition has none."""
        return (self.data.pulsar or PulsarSettings()) if self.installation.commercial else None

    @property
    def others_stores(self) -> tuple[OthersStore, ...]:
        """The stores that others run, as far as this installation uses them."""
        return tuple(others_stores(self.installation, self.data))

    @property
    def selected_services(self) -> dict[str, Service]:
        """Tracardi's further services that run, by their names."""
        return selected(self.installation, self.services)

    @property
    def site(self) -> Site:
        """What carries the load besides collectors and balancers."""
        return site_of(
            self.installation, self.track, self.gui_api, self.services, self.data, self.index, self.certificates
        )

    def _unseen_clients(self) -> Iterator[str]:
        if not self.track.balancer.shows_clients:
            yield (
                "tracardi:track.balancer.service.externalTrafficPolicy is Cluster: every client has the address of a "
                "node, so the limits for one client are limits for all of them. Set it to Local, or proxyProtocol."
            )

    def _short_of_cpu(self) -> Iterator[str]:
        search, copies = self.data.elasticsearch, self.site.copies
        if self.capacity is None or search.external is not None:
            return
        reckoned = elasticsearch_cores(self.capacity.load, self.capacity.model, copies)
        if reckoned is not None and cores_of(search) < reckoned:
            yield (
                f"tracardi:data.elasticsearch requests {float(cores_of(search)):.3g} cores, and the peak of "
                f"tracardi:capacity is reckoned to need about {float(reckoned):.3g} (assumed). Try it under load, or "
                "raise cpu or nodes."
            )

    def _refused_connections(self) -> Iterator[str]:
        most = self.track.replicas.max
        for store in self.site.stores:
            if store.limit is not None and store.limit < store.needed(most):
                yield (
                    f"tracardi:track.replicas.max is {most}: these, the other instances and services may open "
                    f"{store.needed(most)} connections to {store.name}, which accepts {store.limit}. Raise "
                    "tracardi:data.mysql.maxConnections, and memory with it."
                )

    def _filling_volumes(self) -> Iterator[str]:
        if self.capacity is None or self.capacity.retention_days is not None:
            return
        days, covered = days_until_full(self.capacity.load, self.site), self.index.event_partitioning.days
        if days is not None and days < covered:
            yield (
                f"tracardi:data.elasticsearch.storage is reckoned to be full after {float(days):.2g} days of what "
                "tracardi:capacity sustains (assumed), before a first event index, which covers a "
                f"{self.index.event_partitioning}, can be deleted; Tracardi deletes none by itself. Raise it, or "
                "declare capacity.retentionDays, which tells how much is enough."
            )

    def advice(self) -> tuple[str, ...]:
        """What is allowed and yet worth a warning at every `pulumi up`."""
        inside = {"redis": self.data.redis.external is None}
        if self.uses_mysql:
            inside["mysql"] = self.data.mysql is None or self.data.mysql.external is None
        if self.pulsar is not None:
            inside["pulsar"] = self.pulsar.external is None
        alone = [f"tracardi:data.{name}" for name, runs_here in inside.items() if runs_here]
        told = (*self._unseen_clients(), *self._short_of_cpu(), *self._filling_volumes(), *self._refused_connections())
        if not self.production or not alone:
            return told
        single = (
            f"{' and '.join(alone)}: a single instance in the cluster; when its node is lost, no event is collected "
            "until it is back. Name a replicated service of your own under `external`."
        )
        return (single, *told)
