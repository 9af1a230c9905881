"""Credentials and data services alone, built against the recording engine."""

import base64
from collections.abc import Mapping
from typing import Any

from components.context import context_of
from components.credentials import Credentials, CredentialsArgs
from components.data_services import DataServices, DataServicesArgs
from components.endpoints import DataEndpoints
from components.keeping import Keeping
from components.role_secrets import RoleSecrets, RoleSecretsArgs
from settings.root import Settings
from tests.unit.engine import Recording, run
from tests.unit.stacks import changed, settings_of, stack_file

OUTSIDE = ["198.51.100.0/24"]
AUTHORITY = """-----BEGIN CERTIFICATE-----
MIIBjjCCATOgAwIBAgIUFmxfC7rFNMubpljggjyhTawd6NUwCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRRXhhbXBsZSBhdXRob3JpdHkwHhcNMjYxMTIxMDYwNzI0WhcN
MzYxMTE4MDYwNzI0WjAcMRowGAYDVQQDDBFFeGFtcGxlIGF1dGhvcml0eTBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABG1deic30lZwWuxWVdmGgU1lFUivmcnTR8tW
sebu2Cf0vkOiUBOE948fEf9YIKIdYSyAcGz7tSh+lTey1Sw4PtKjUzBRMB0GA1Ud
DgQWBBQQ3KNIlcgNOdL2uOGFhsiWRKjZ8TAfBgNVHSMEGDAWgBQQ3KNIlcgNOdL2
uOGFhsiWRKjZ8TAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDb
ZoUVcbj8gdU5K6KIuR6Ruuy3ULNXWUE4Ne9Ie9lJzAIhAPLJrqjJfrcbva+KGYh9
/NgK4hMmgKOY9WUZyPcKBBan
-----END CERTIFICATE-----
"""
"""An authority that nothing was signed with."""


def prod_with(**changes: Any) -> Settings:  # noqa: ANN401 - any setting
    """The production stack's settings with `changes`, as in `tests.unit.stacks.changed`."""
    return settings_of(changed(stack_file("prod"), **changes))


def credentials(
    settings: Settings,
    *,
    kept: frozenset[str] = frozenset(),
    secrets: Mapping[str, Mapping[str, str]] | None = None,
) -> Recording:
    """What the credentials of `settings` lead to, in a cluster that has `secrets` (data in clear)."""
    encoded = {
        place: {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        for place, data in (secrets or {}).items()
    }

    def program() -> dict[str, object]:
        args = CredentialsArgs(
            context_of(settings), settings.credentials, keeping_of(settings), kept, settings.installation.licence
        )
        made = Credentials("tracardi-credentials", args)
        shown = RoleSecretsArgs(
            args.context, made.values, args.context.roles, prefix="tracardi-credentials", formerly=made
        )
        RoleSecrets("tracardi-secrets", shown)
        return {"admin": made.admin_password}

    return run(program, encoded)


def data_services(settings: Settings) -> tuple[Recording, DataEndpoints]:
    """What the data services of `settings` lead to, and where they say that each store is."""
    found: list[DataEndpoints] = []

    def program() -> None:
        args = DataServicesArgs(context_of(settings), settings.data, keeping_of(settings))
        found.append(DataServices("tracardi-data", args).endpoints)

    return run(program), found[0]


def keeping_of(settings: Settings) -> Keeping:
    """Whether data outlives the stack, as the whole installation decides it."""
    return Keeping(keep=settings.keeps_data, protect=settings.keeps_data and settings.production)
