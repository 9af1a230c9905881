"""What the console's pages may do in a browser (`tracardi:gui.contentSecurityPolicy` in a stack file)."""

from enum import StrEnum

from settings.base import Section
from settings.types import Origin


class ContentSecurityPolicyMode(StrEnum):
    """What browsers do about a page that breaks the policy."""

    ENFORCE = "enforce"
    REPORT_ONLY = "report-only"
    OFF = "off"


class ContentSecurityPolicySettings(Section):
    """The console's pages load a script of Tracardi's vendor that reports what users do; this policy stops it."""

    mode: ContentSecurityPolicyMode = ContentSecurityPolicyMode.ENFORCE
    """enforce, report-only (browsers only log), or off."""
    sources: tuple[Origin, ...] = ()
    """Origins, besides the console and the GUI API, that pages may load scripts and images from and call."""
