"""The secrets of an installation: what each is for, how strong it must be, and which pods may see it."""

from dataclasses import dataclass
from enum import StrEnum

from model.limits import MIN_PASSWORD_LENGTH
from model.roles import Role


class Credential(StrEnum):
    """A generated secret; its value is the key under which pods find it. Each serves one purpose and no other."""

    ADMIN_PASSWORD = "admin-password"  # noqa: S105 - a key, not a password
    INSTALLATION_TOKEN = "installation-token"  # noqa: S105 - a key, not a token
    PROFILE_MERGING = "profile-merging-secret"
    ELASTICSEARCH = "elasticsearch-password"
    REDIS = "redis-password"
    MYSQL = "mysql-password"
    MYSQL_ROOT = "mysql-root-password"


@dataclass(frozen=True)
class Strength:
    """How a secret is generated: its length in characters, and whether others than letters and digits occur."""

    length: int
    special: bool


_PLAIN = Strength(length=MIN_PASSWORD_LENGTH, special=False)

_STRENGTHS = {
    # Any printable password passes Tracardi's installation and its login form (observed on 0.8.2.1).
    Credential.ADMIN_PASSWORD: Strength(length=MIN_PASSWORD_LENGTH, special=True),
    # Tracardi puts MySQL's password into a URL without escaping it; configuration files of stores quote differently.
    Credential.MYSQL: _PLAIN,
}

_USES = {
    Role.TRACK_API: (
        Credential.INSTALLATION_TOKEN,
        Credential.PROFILE_MERGING,
        Credential.ELASTICSEARCH,
        Credential.REDIS,
        Credential.MYSQL,
    ),
    Role.GUI_API: (
        Credential.INSTALLATION_TOKEN,
        Credential.PROFILE_MERGING,
        Credential.ELASTICSEARCH,
        Credential.REDIS,
        Credential.MYSQL,
    ),
    Role.INSTALLATION: (Credential.INSTALLATION_TOKEN, Credential.ADMIN_PASSWORD),
    Role.ELASTICSEARCH: (Credential.ELASTICSEARCH,),
    Role.REDIS: (Credential.REDIS,),
    Role.MYSQL: (Credential.MYSQL, Credential.MYSQL_ROOT),
}


def strength(credential: Credential) -> Strength:
    """How `credential` is generated."""
    return _STRENGTHS.get(credential, _PLAIN)


def used_by(role: Role, roles: frozenset[Role]) -> tuple[Credential, ...]:
    """What pods of `role` may see, in an installation that consists of `roles`."""
    absent = () if Role.MYSQL in roles else (Credential.MYSQL, Credential.MYSQL_ROOT)
    return tuple(credential for credential in _USES.get(role, ()) if credential not in absent)


def needed(roles: frozenset[Role]) -> tuple[Credential, ...]:
    """Every credential of an installation that consists of `roles`."""
    used = {credential for role in roles for credential in used_by(role, roles)}
    return tuple(credential for credential in Credential if credential in used)
