"""What Tracardi's production guide asks for, between sections of the settings."""

from model.limits import (
    MIN_API_INSTANCES,
    MIN_BALANCERS,
    MIN_ELASTICSEARCH_NODES,
    MIN_GUI_INSTANCES,
    MIN_TRACK_INSTANCES,
    MIN_TRACK_INSTANCES_SMALL,
)
from settings.base import Refusal, Refusals
from settings.certificates import CertificateSettings, CertificateSource
from settings.clusters import GuiApiSettings, GuiSettings, TrackSettings
from settings.data import DataSettings
from settings.installation import InstallationSettings, Profile

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
    if installation.profile is not Profile.PRODUCTION:
        return
    if gui.enabled:
        yield from _below(("gui", "replicas"), gui.replicas, MIN_GUI_INSTANCES, "Tracardi's production guide")
    else:
        yield Refusal(
            ("gui", "enabled"),
            False,  # noqa: FBT003 - the value that stands in the stack file
            "true: Tracardi's production guide asks for two consoles",
            "Remove it, or set tracardi:installation.profile to small.",
        )


def enough_elasticsearch_nodes(installation: InstallationSettings, data: DataSettings) -> Refusals:
    """Elasticsearch keeps its quorum and its data when a node is lost."""
    if installation.profile is Profile.PRODUCTION and data.elasticsearch.external is None:
        path = ("data", "elasticsearch", "nodes")
        yield from _below(path, data.elasticsearch.nodes, MIN_ELASTICSEARCH_NODES, "Tracardi's production guide")


def balancers_are_no_single_point_of_failure(
    installation: InstallationSettings, track: TrackSettings, gui_api: GuiApiSettings, gui: GuiSettings
) -> Refusals:
    """Each cluster is reachable when one of its balancers is lost."""
    if installation.profile is Profile.PRODUCTION:
        entries = {
            "track": track.balancer,
            "guiApi": gui_api.balancer,
            **({"gui": gui.balancer} if gui.enabled else {}),
        }
        for name, balancer in entries.items():
            yield from _below(
                (name, "balancer", "replicas"),
                balancer.replicas,
                MIN_BALANCERS,
                "a single balancer is a single point of failure",
            )


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
            "Set source: cert-manager and name an issuer, or source: provided and name Secrets.",
        )
