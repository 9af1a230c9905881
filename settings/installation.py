"""What is installed (`tracardi:installation` in a stack file)."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from model.releases import DEFAULT_RELEASE, Release, release_of, supported_versions
from model.service import Edition
from settings.base import HIDDEN, Refusal, Refusals, Section, refused
from settings.types import DnsLabel, Email, SecretSetting


class Profile(StrEnum):
    """How much an installation has to survive."""

    PRODUCTION = "production"
    SMALL = "small"


def _supported(version: str) -> str:
    if version not in supported_versions():
        raise refused(f"one of the releases {', '.join(supported_versions())}", "Choose one of them.")
    return version


ReleaseVersion = Annotated[
    str, AfterValidator(_supported), Field(json_schema_extra={"enum": list(supported_versions())})
]


class Bridge(StrEnum):
    """How events reach an event source."""

    REST = "rest"
    WEBHOOK = "webhook"
    REDIRECT = "redirect"


class EventSource(Section):
    """An event source that the installation Job creates in the production context."""

    id: str = Field(min_length=3, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Identifier that websites and clients send with each event."""
    name: str = Field(min_length=1, max_length=120)
    """Name that the GUI shows."""
    bridge: Bridge = Bridge.REST
    """How events arrive: rest (`/track`), webhook (`/collect`) or redirect (`/redirect`)."""


class InstallationSettings(Section):
    """What is installed."""

    name: DnsLabel = "tracardi"
    """First part of every namespace's name; one cluster can hold several installations."""
    profile: Profile = Profile.PRODUCTION
    """production enforces Tracardi's production guide; small keeps the separation but needs fewer instances."""
    release: ReleaseVersion = DEFAULT_RELEASE
    """Tracardi release, for API and GUI alike."""
    edition: Edition = Edition.OPEN_SOURCE
    """open-source; commercial needs a licence and Apache Pulsar, and has services of its own."""
    licence: SecretSetting | None = None
    """The commercial edition's licence: pulumi config set --secret --path 'tracardi:installation.licence'."""
    admin_email: Email
    """Login of the first administrator; the password is generated."""
    event_sources: tuple[EventSource, ...] = ()
    """Event sources that exist once `pulumi up` has ended."""

    @property
    def commercial(self) -> bool:
        """Whether it is the edition that needs a licence."""
        return self.edition is Edition.COMMERCIAL

    @property
    def facts(self) -> Release:
        """What the catalogue says of the release in this edition."""
        release = release_of(self.release)
        return release.commercial if self.commercial else release

    def refusals(self) -> Refusals:
        """What is wrong between the keys of this section. No message shows the licence."""
        if self.edition is Edition.OPEN_SOURCE:
            if self.licence is not None:
                yield Refusal(
                    ("installation", "licence"),
                    HIDDEN,
                    "unused with edition: open-source, whose images do not start with a licence",
                    "Remove it.",
                )
            return
        if self.licence is None:
            yield Refusal(
                ("installation", "licence"),
                None,
                "needed with edition: commercial",
                "Run: pulumi config set --secret --path 'tracardi:installation.licence'",
            )
