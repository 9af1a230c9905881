"""What every component of one installation has in common: its names, labels, release and platform."""

from dataclasses import dataclass

from model.releases import Release, release_of
from model.roles import Role, Tier
from settings.installation import Profile
from settings.root import Settings
from settings.surroundings import PlatformSettings


@dataclass(frozen=True)
class Context:
    """An installation, as far as all of its components need to know it. Names are plain strings, never outputs."""

    installation: str
    profile: Profile
    release: Release
    platform: PlatformSettings
    cluster_domain: str

    @property
    def roles(self) -> frozenset[Role]:
        """The roles that this installation consists of."""
        return frozenset(Role) if self.release.uses_mysql else frozenset(Role) - {Role.MYSQL}

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
        release=release_of(settings.installation.release),
        platform=settings.platform,
        cluster_domain=settings.network.cluster_domain,
    )
