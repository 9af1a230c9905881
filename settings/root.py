"""All settings of a stack, and what must hold between their sections."""

from collections.abc import Callable

from model.limits import (
    MIN_API_INSTANCES,
    MIN_BALANCERS,
    MIN_ELASTICSEARCH_NODES,
    MIN_GUI_INSTANCES,
    MIN_TRACK_INSTANCES,
    MIN_TRACK_INSTANCES_SMALL,
    WIDEST_TRUSTED_PREFIX_V4,
    WIDEST_TRUSTED_PREFIX_V6,
)
from model.networks import too_wide
from model.releases import release_of
from settings.balancer import TrafficPolicy
from settings.base import Refusal, Refusals, Section
from settings.clusters import GuiApiSettings, GuiSettings, TrackSettings
from settings.data import DataSettings, IndexSettings
from settings.installation import InstallationSettings, Profile
from settings.surroundings import (
    CertificateSettings,
    CertificateSource,
    NetworkSettings,
    PlatformSettings,
    TargetSettings,
)


class Settings(Section):
    """The configuration of a stack: one field for each `tracardi:` key."""

    installation: InstallationSettings
    track: TrackSettings
    gui_api: GuiApiSettings
    gui: GuiSettings
    data: DataSettings = DataSettings()
    index: IndexSettings = IndexSettings()
    certificates: CertificateSettings
    network: NetworkSettings
    platform: PlatformSettings = PlatformSettings()
    target: TargetSettings = TargetSettings()


_SMALL = "Raise it, or set tracardi:installation.profile to small."


def _below(path: tuple[str, ...], value: int, least: int, why: str, remedy: str = _SMALL) -> Refusals:
    if value < least:
        yield Refusal(path, value, f"at least {least}: {why}", remedy)


def track_survives_lost_servers(installation: InstallationSettings, track: TrackSettings) -> Refusals:
    """Event collection goes on when a server is lost."""
    path = ("track", "replicas", "min")
    if installation.profile is Profile.PRODUCTION:
        yield from _below(path, track.replicas.min, MIN_TRACK_INSTANCES, "Tracardi's production guide")
    else:
        least = MIN_TRACK_INSTANCES_SMALL
        yield from _below(path, track.replicas.min, least, "even a small installation outlives a pod", "Raise it.")


def enough_api_instances(installation: InstallationSettings, track: TrackSettings, gui_api: GuiApiSettings) -> Refusals:
    """The API has enough instances in both clusters together."""
    together = track.replicas.min + gui_api.replicas
    if installation.profile is Profile.PRODUCTION and together < MIN_API_INSTANCES:
        yield Refusal(
            ("guiApi", "replicas"),
            gui_api.replicas,
            f"track.replicas.min and guiApi.replicas are {together} together; Tracardi's production guide asks for "
            f"{MIN_API_INSTANCES}",
            _SMALL,
        )


def enough_consoles(installation: InstallationSettings, gui: GuiSettings) -> Refusals:
    """The console survives a lost server."""
    if installation.profile is Profile.PRODUCTION:
        yield from _below(("gui", "replicas"), gui.replicas, MIN_GUI_INSTANCES, "Tracardi's production guide")


def enough_elasticsearch_nodes(installation: InstallationSettings, data: DataSettings) -> Refusals:
    """Elasticsearch keeps its quorum and its data when a node is lost."""
    if installation.profile is Profile.PRODUCTION:
        path = ("data", "elasticsearch", "nodes")
        yield from _below(path, data.elasticsearch.nodes, MIN_ELASTICSEARCH_NODES, "Tracardi's production guide")


def balancers_are_no_single_point_of_failure(
    installation: InstallationSettings, track: TrackSettings, gui_api: GuiApiSettings, gui: GuiSettings
) -> Refusals:
    """Each cluster is reachable when one of its balancers is lost."""
    if installation.profile is Profile.PRODUCTION:
        for name, balancer in (("track", track.balancer), ("guiApi", gui_api.balancer), ("gui", gui.balancer)):
            yield from _below(
                (name, "balancer", "replicas"),
                balancer.replicas,
                MIN_BALANCERS,
                "a single balancer is a single point of failure",
            )


def host_names_differ(track: TrackSettings, gui_api: GuiApiSettings, gui: GuiSettings) -> Refusals:
    """Each balancer has a name, and so a certificate, of its own."""
    owners: dict[str, str] = {}
    for name, host in (("track", track.host), ("guiApi", gui_api.host), ("gui", gui.host)):
        if host in owners:
            yield Refusal(
                (name, "host"),
                host,
                f"different from tracardi:{owners[host]}.host: the clusters are reached from different networks",
                "Give it a host name of its own.",
            )
        owners.setdefault(host, name)


def strangers_accept_the_public_certificate(
    installation: InstallationSettings, certificates: CertificateSettings
) -> Refusals:
    """Browsers of strangers trust the track host's certificate."""
    if installation.profile is Profile.PRODUCTION and certificates.source is CertificateSource.GENERATED:
        yield Refusal(
            ("certificates", "source"),
            certificates.source,
            "not generated in production: browsers of strangers refuse a certificate authority of the stack's own, "
            "so no website could send events",
            "Set source: cert-manager and name an issuer.",
        )


def trusted_networks_are_not_the_internet(network: NetworkSettings) -> Refusals:
    """Neither one trusted network nor several together are as good as the whole internet."""
    limit = (
        f"no wider than /{WIDEST_TRUSTED_PREFIX_V4} (IPv4) or /{WIDEST_TRUSTED_PREFIX_V6} (IPv6): the GUI and its API "
        "are for trusted networks only"
    )
    remedy = "List the networks of your offices and VPNs."
    alone = [index for index, trusted in enumerate(network.trusted) if too_wide([trusted])]
    for index in alone:
        yield Refusal(("network", "trusted", index), str(network.trusted[index]), limit, remedy)
    union = too_wide(trusted for index, trusted in enumerate(network.trusted) if index not in alone)
    if union is not None:
        yield Refusal(("network", "trusted"), f"networks that add up to {union}", limit, remedy)


def allow_lists_see_client_addresses(gui_api: GuiApiSettings, gui: GuiSettings) -> Refusals:
    """A source allow list judges by the client's address, not by a node's."""
    for name, balancer in (("guiApi", gui_api.balancer), ("gui", gui.balancer)):
        if balancer.service.external_traffic_policy is not TrafficPolicy.LOCAL:
            yield Refusal(
                (name, "balancer", "service", "externalTrafficPolicy"),
                balancer.service.external_traffic_policy,
                "Local: otherwise every client has the address of a node, and the list of trusted networks is worth "
                "nothing",
                "Set it to Local.",
            )


def stores_belong_to_the_release(installation: InstallationSettings, data: DataSettings) -> Refusals:
    """No store is configured that the release does not use."""
    if data.mysql is not None and not release_of(installation.release).uses_mysql:
        yield Refusal(
            ("data", "mysql"),
            data.mysql.storage,
            f"unused: release {installation.release} keeps metadata and users in Elasticsearch",
            "Remove it.",
        )


def copies_fit_on_the_nodes(data: DataSettings, index: IndexSettings) -> Refusals:
    """Every copy of a shard finds a node of its own."""
    nodes = data.elasticsearch.nodes
    # Tracardi itself lowers the copies to none on a single node, so the default is no mistake there.
    if nodes > 1 and index.replicas >= nodes:
        yield Refusal(
            ("index", "replicas"),
            index.replicas,
            f"less than tracardi:data.elasticsearch.nodes, which is {nodes}: a copy needs a node of its own",
            "Lower it, or add nodes.",
        )


CHECKS: tuple[Callable[..., Refusals], ...] = (
    track_survives_lost_servers,
    enough_api_instances,
    enough_consoles,
    enough_elasticsearch_nodes,
    balancers_are_no_single_point_of_failure,
    host_names_differ,
    strangers_accept_the_public_certificate,
    trusted_networks_are_not_the_internet,
    allow_lists_see_client_addresses,
    stores_belong_to_the_release,
    copies_fit_on_the_nodes,
)
"""What must hold between sections; each check names the sections it needs by its parameters."""
