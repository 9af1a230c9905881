"""The secrets of an installation: what each is for, how strong it must be, and which pods may see it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from model.limits import MIN_DISTINCT_CHARACTERS, MIN_GIVEN_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH
from model.roles import Role
from model.service import Need
from model.services import SERVICE_NAMES, merges, needs_of, takes_licence


class Credential(StrEnum):
    """A secret; its value is the key under which pods find it. Each serves one purpose and no other."""

    ADMIN_PASSWORD = "admin-password"  # noqa: S105 - a key, not a password
    INSTALLATION_TOKEN = "installation-token"  # noqa: S105 - a key, not a token
    PROFILE_MERGING = "profile-merging-secret"
    ELASTICSEARCH = "elasticsearch-password"
    REDIS = "redis-password"
    MYSQL = "mysql-password"
    MYSQL_ROOT = "mysql-root-password"
    PULSAR = "pulsar-token"
    PULSAR_KEY = "pulsar-signing-key"
    """What Pulsar in the cluster verifies tokens with."""
    LICENCE = "licence"
    """Of the commercial edition; given, never made."""


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
    # Its bytes are the key.
    Credential.PULSAR_KEY: _PLAIN,
}

_LEAST_GIVEN = {
    Credential.ELASTICSEARCH: 12,
    Credential.REDIS: 12,
    Credential.MYSQL: 12,
    # A shorter key ends Pulsar's start (tried with 3.1.0).
    Credential.PULSAR_KEY: MIN_PASSWORD_LENGTH,
}
"""Passwords of services that others run are of their making; they are only checked for carelessness."""

_LEAST_UNKNOWN = 12

_TRIED_FIRST = re.compile(
    r"tracardi|passw(or[dt]|d|0rd)|secret|token|admin(istrator)?|root|elastic(search)?|redis|mysql|merging|profile|"
    r"change(me|it|this)?|default|letmein|welcome|qwert[yz](uiop)?|asdf(ghjkl)?|install(ation)?|example",
    re.IGNORECASE,
)

_IN_URLS = frozenset({Credential.MYSQL})
_IN_FILES = frozenset({Credential.REDIS, Credential.ELASTICSEARCH, Credential.MYSQL_ROOT, Credential.PULSAR_KEY})

_COMMERCIAL = {Credential.PULSAR, Credential.PULSAR_KEY, Credential.LICENCE}

_OF_STORES = {
    Need.ELASTICSEARCH: Credential.ELASTICSEARCH,
    Need.REDIS: Credential.REDIS,
    Need.MYSQL: Credential.MYSQL,
    Need.PULSAR: Credential.PULSAR,
}

_USES = {
    Role.TRACK_API: (
        Credential.INSTALLATION_TOKEN,
        Credential.PROFILE_MERGING,
        Credential.ELASTICSEARCH,
        Credential.REDIS,
        Credential.MYSQL,
        Credential.PULSAR,
        Credential.LICENCE,
    ),
    Role.GUI_API: (
        Credential.INSTALLATION_TOKEN,
        Credential.PROFILE_MERGING,
        Credential.ELASTICSEARCH,
        Credential.REDIS,
        Credential.MYSQL,
        Credential.PULSAR,
        Credential.LICENCE,
    ),
    Role.PREFLIGHT: (Credential.ELASTICSEARCH, Credential.REDIS, Credential.MYSQL, Credential.PULSAR),
    Role.INSTALLATION: (Credential.INSTALLATION_TOKEN, Credential.ADMIN_PASSWORD),
    Role.ELASTICSEARCH: (Credential.ELASTICSEARCH,),
    Role.REDIS: (Credential.REDIS,),
    Role.MYSQL: (Credential.MYSQL, Credential.MYSQL_ROOT),
    Role.PULSAR: (Credential.PULSAR, Credential.PULSAR_KEY),
    **{
        Role(name): (
            *((Credential.PROFILE_MERGING,) if merges(name) else ()),
            *(credential for need, credential in _OF_STORES.items() if need in needs_of(name)),
            *((Credential.LICENCE,) if takes_licence(name) else ()),
        )
        for name in SERVICE_NAMES
    },
}


_STORES = {
    Credential.ELASTICSEARCH: Role.ELASTICSEARCH,
    Credential.REDIS: Role.REDIS,
    Credential.MYSQL: Role.MYSQL,
    Credential.PULSAR: Role.PULSAR,
}
"""Whose passwords these are, where the store is the installation's own."""


def strength(credential: Credential) -> Strength:
    """How `credential` is generated."""
    return _STRENGTHS.get(credential, _PLAIN)


def used_by(
    role: Role, *, mysql: bool, commercial: bool = False, roles: frozenset[Role] = frozenset()
) -> tuple[Credential, ...]:
    """What pods of `role` may see, in an installation of `roles` whose release uses MySQL or not, commercial or not."""
    absent = set() if mysql else {Credential.MYSQL, Credential.MYSQL_ROOT}
    absent |= set() if commercial else _COMMERCIAL
    if role is Role.PREFLIGHT:
        # It has to do with what others run.
        absent |= {credential for credential, store in _STORES.items() if store in roles}
    return tuple(credential for credential in _USES.get(role, ()) if credential not in absent)


def needed(roles: frozenset[Role], *, mysql: bool, commercial: bool = False) -> tuple[Credential, ...]:
    """Every credential of an installation that consists of `roles`."""
    used = {
        credential for role in roles for credential in used_by(role, mysql=mysql, commercial=commercial, roles=roles)
    }
    return tuple(credential for credential in Credential if credential in used)


def fits_urls(value: str) -> bool:
    """Whether `value` means itself in a URL, wherever it stands there."""
    return re.search(r"[^A-Za-z0-9._~-]", value) is None


def _pattern(value: str) -> str | None:
    """What is missing from `value` that keeps people from guessing it."""
    if len(set(value)) < MIN_DISTINCT_CHARACTERS:
        return f"at least {MIN_DISTINCT_CHARACTERS} different characters"
    if (value + value).find(value, 1) < len(value):
        return "a text that does not repeat itself"
    rest = re.sub(r"[\W_]", "", _TRIED_FIRST.sub("", value))
    if _counts(value) or (_TRIED_FIRST.search(value) and (len(rest) < MIN_DISTINCT_CHARACTERS or _counts(rest))):
        return "something that is not made of words and rows that are tried first"
    return None


def _counts(value: str) -> bool:
    """Whether most characters follow from the one before, as in 1234 or aaaa."""
    steps = [abs(ord(after) - ord(before)) <= 1 for before, after in pairwise(value)]
    return sum(steps) > len(steps) / 2


def too_weak(credential: Credential | None, value: str) -> str | None:
    """Why `value`, which was given and not generated, cannot serve as `credential`; None where it can.

    Without `credential` it is a secret that this model does not know.
    """
    least = _LEAST_UNKNOWN if credential is None else _LEAST_GIVEN.get(credential, MIN_GIVEN_PASSWORD_LENGTH)
    if len(value) < least:
        return f"at least {least} characters"
    if value.strip() != value or not value.isprintable():
        return "printable characters, without spaces around them"
    if pattern := _pattern(value):
        return pattern
    if credential in _IN_URLS and not fits_urls(value):
        return "letters, digits and . _ ~ - only: Tracardi puts it into a URL without escaping it"
    if credential in _IN_FILES and re.search(r"[^A-Za-z0-9._~!@%^&*()+=:,/?-]", value):
        return "no quotes, backslashes, spaces, dollar or number signs: it is written into a configuration file"
    return None
