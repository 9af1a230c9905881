"""Tracardi's further services, between sections of the settings."""

from difflib import get_close_matches

from model.credentials import Credential, fits_urls
from model.images import Software
from model.service import Audience, Edition
from model.services import SERVICE_NAMES, services_of
from settings import environment
from settings.base import HIDDEN, Refusal, Refusals
from settings.credentials import CREDENTIAL_KEYS, CredentialsSettings
from settings.installation import InstallationSettings
from settings.platform import PlatformSettings
from settings.services import ServicesSettings, runs, selected


def services_belong_to_the_release(installation: InstallationSettings, services: ServicesSettings) -> Refusals:
    """No service is named that edition and release do not have."""
    edition, release = installation.edition, installation.release
    known = services_of(edition, release)
    offered = [name for name, row in known.items() if row.audience is Audience.NOBODY]
    for name in services:
        if name in known:
            continue
        close = get_close_matches(name, offered, n=1)
        elsewhere = ""
        if name in services_of(Edition.COMMERCIAL, release):
            elsewhere = f"; {name} is the {Edition.COMMERCIAL} edition's"
        elif name in SERVICE_NAMES:
            elsewhere = f"; {name} belongs to another release"
        yield Refusal(
            ("services", name),
            "present",
            f"one of the services of release {release}, {edition}: {', '.join(offered)}{elsewhere}",
            f"Did you mean {close[0]}?" if close else "Remove it.",
        )


def services_serve_one_tenant(installation: InstallationSettings, services: ServicesSettings) -> Refusals:
    """No service is asked for that others connect to: those manage tenants, and an installation has one."""
    for name, row in selected(installation, services).items():
        if row.audience is not Audience.NOBODY:
            yield Refusal(
                ("services", name, "enabled"),
                services[name].enabled,
                f"false: {name} is for installations of several tenants, and this one has a single tenant",
                "Remove it.",
            )


def what_is_said_of_services_has_an_effect(installation: InstallationSettings, services: ServicesSettings) -> Refusals:
    """Nothing is said of a service that does not run, or cannot be told so."""
    for name, row in services_of(installation.edition, installation.release).items():
        settings = services.get(name)
        if settings is None:
            continue
        running = runs(row, settings, installation)
        for field in sorted(settings.model_fields_set - {"enabled"}):
            key = type(settings).model_fields[field].alias or field
            reason, remedy = "", "Remove it."
            if not running:
                reason, remedy = f"{name} does not run", "Set enabled: true, or remove it."
            elif field == "replicas" and not row.scales:
                reason = f"{name} has {row.replicas} instance; more would do the same work"
            elif field == "schedule" and not row.schedulable:
                reason = f"{name} runs before all others" if row.prepares else f"{name} waits for work all the time"
            if reason:
                yield Refusal(("services", name, key), "present", f"unused: {reason}", remedy)


def services_keep_their_own_variables(installation: InstallationSettings, services: ServicesSettings) -> Refusals:
    """No variable is set that makes a service what it is."""
    for name, row in services_of(installation.edition, installation.release).items():
        if name not in services:
            continue
        own = {variable for variable, _ in (*row.environment, *(row.scheduled or ()))} | {"TENANT"}
        said = services[name].environment
        for variable in sorted(own & said.keys()):
            yield Refusal(
                ("services", name, "environment", variable),
                said[variable],
                f"reserved: it decides what {name} does, and for whom",
                "Remove it.",
            )
        others = {variable: value for variable, value in said.items() if variable not in own}
        yield from environment.refusals(others, ("services", name, "environment"))


def services_are_of_the_api_s_release(
    installation: InstallationSettings, services: ServicesSettings, platform: PlatformSettings
) -> Refusals:
    """Tracardi's documentation: API and services must carry the same version tag."""
    api = platform.image(Software.API, installation.facts.api).tag
    for name, row in selected(installation, services).items():
        replaced = services[name].image if name in services else None
        tag = row.image(installation.release).tag if replaced is None else replaced.tag or installation.release
        if tag != api:
            yield Refusal(
                ("services", name, "image", "tag"),
                tag,
                f"the API's tag, which is {api}: {name} reads and writes what the API does",
                f"Give both the same tag, or set tracardi:services.{name}.enabled to false.",
            )


def passwords_fit_where_services_put_them(
    installation: InstallationSettings, services: ServicesSettings, credentials: CredentialsSettings
) -> Refusals:
    """A password that a service writes into a URL means itself there."""
    redis = credentials.of(Credential.REDIS).value
    if redis is None or fits_urls(redis.get_secret_value()):
        return
    for name, row in selected(installation, services).items():
        if row.redis_port_in_host:
            yield Refusal(
                ("credentials", CREDENTIAL_KEYS[Credential.REDIS], "value"),
                HIDDEN,
                f"letters, digits and . _ ~ - only: {name} of {installation.release} puts it into a URL without "
                "escaping it",
                f"Choose another password, or set tracardi:services.{name}.enabled to false.",
            )
