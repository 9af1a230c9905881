"""Certificates of the stack's own, between sections of the settings."""

from collections.abc import Iterator

from model.encryption import Encryption
from settings.balancer import Mode
from settings.base import Refusal, Refusals
from settings.certificates import CertificateSettings, CertificateSource
from settings.clusters import GuiApiSettings, GuiSettings, TrackSettings
from settings.data import DataSettings
from settings.installation import InstallationSettings


def rotation_replaces_something(
    installation: InstallationSettings,
    certificates: CertificateSettings,
    data: DataSettings,
    track: TrackSettings,
    gui_api: GuiApiSettings,
    gui: GuiSettings,
) -> Refusals:
    """Whoever counts on a rotation has certificates that it replaces."""
    balancers = (track.balancer, gui_api.balancer, *([gui.balancer] if gui.enabled else []))
    made = (
        certificates.source is CertificateSource.GENERATED,
        certificates.encryption is Encryption.FULL and certificates.internal_issuer is None,
        any(balancer.mode is Mode.GATEWAY for balancer in balancers),
        *_stores(installation, data),
    )
    if certificates.rotation and not any(made):
        yield Refusal(
            ("certificates", "rotation"),
            certificates.rotation,
            "unused: this stack makes no certificate itself; others issue and renew all of them",
            "Remove it, and have whoever issues them issue new ones.",
        )


def _stores(installation: InstallationSettings, data: DataSettings) -> Iterator[bool]:
    """For each store, whether it shows a certificate of the stack's own."""
    yield data.elasticsearch.external is None
    yield data.redis.tunnel and data.redis.external is None
    mysql = data.mysql if installation.facts.uses_mysql else None
    yield mysql is not None and mysql.tunnel and mysql.external is None
