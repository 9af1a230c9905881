"""What every component of one installation has in common: its names, labels, release and platform."""

from dataclasses import dataclass

from model.encryption import Encryption
from model.images import Image, Software
from model.releases import Release
from model.roles import Role, Tier
from settings.installation import Profile
from settings.platform import PlatformSettings
from settings.root import Settings


@dataclass(frozen=True)
class Context:
    """An installation, as far as all of its components need to know it. Names are plain strings, never outputs."""

    installation: str
    profile: Profile
    release: Release
    platform: PlatformSettings
    cluster_domain: str
    roles: frozenset[Role]
    """The roles that this installation consists of."""
    encryption: Encryption = Encryption.EDGE
    certificate_rotation: int = 0
    """Counter whose change gives every certificate of the stack's own, but for authorities, another key."""

    @property
    def encrypted(self) -> bool:
        """Whether API and console speak TLS themselves."""
        return self.encryption is Encryption.FULL

    def image(self, software: Software) -> Image:
        """The image of `software`: the release's own, or what the platform puts in its place.

        Raises:
            KeyError: the release has no use for `software`.
        """
        return self.platform.image(software, self.release.images[software])

    def mirrored(self, image: Image) -> Image:
        """`image`, in the platform's mirror where there is one."""
        return image.from_mirror(self.platform.image_registry)

    def namespace(self, tier: Tier) -> str:
        """Name of the namespace of `tier`."""
        return f"{self.installation}-{tier}"

    def host(self, role: Role) -> str:
        """Name under which the Service of `role` is found from every namespace."""
        return f"{role}.{self.namespace(role.tier)}.svc.{self.cluster_domain}"

    def credentials_secret(self, role: Role) -> str:
        """Name of the Secret with what pods of `role` may see."""
        return f"{role}-credentials"

    def selector(self, role: Role) -> dict[str, str]:
        """Labels that select pods of `role`. Selectors are immutable, so these never change."""
        return {
            "app.kubernetes.io/name": "tracardi",
            "app.kubernetes.io/instance": self.installation,
            "app.kubernetes.io/component": role.value,
        }

    def labels(self, role: Role) -> dict[str, str]:
        """Labels of everything that belongs to `role`."""
        return {**self.common_labels(), **self.selector(role)}

    def common_labels(self) -> dict[str, str]:
        """Labels of what belongs to the installation as a whole."""
        return {
            "app.kubernetes.io/name": "tracardi",
            "app.kubernetes.io/instance": self.installation,
            "app.kubernetes.io/managed-by": "pulumi",
            "app.kubernetes.io/part-of": "tracardi",
        }


def context_of(settings: Settings) -> Context:
    """The context that `settings` describe."""
    return Context(
        installation=settings.installation.name,
        profile=settings.installation.profile,
        release=settings.installation.facts,
        platform=settings.platform,
        cluster_domain=settings.network.cluster_domain,
        roles=frozenset(Role) - _absent(settings),
        encryption=settings.certificates.encryption,
        certificate_rotation=settings.certificates.rotation,
    )


def _absent(settings: Settings) -> frozenset[Role]:
    """Roles that nothing plays: the console where users bring their own, stores that others run, unused services."""
    outside = {Role(store.need.value) for store in settings.others_stores}
    absent = {
        Role.GUI: not settings.gui.enabled,
        Role.GUI_BALANCER: not settings.gui.enabled,
        Role.MYSQL: not settings.uses_mysql,
        Role.PULSAR: settings.pulsar is None,
        Role.PREFLIGHT: not (settings.data.preflight and outside),
    }
    services = {role for role in Role if role.is_service and role.value not in settings.selected_services}
    return frozenset(role for role, away in absent.items() if away) | outside | services
