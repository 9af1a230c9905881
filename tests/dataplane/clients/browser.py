"""A real browser that knows a few hosts and trusts one authority."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from ipaddress import ip_address

from tests.dataplane.sandbox import Place

_SECONDS = 45.0
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_CONSOLE = re.compile(r':CONSOLE:\d+\] "(.*?)", source: [^\n]* \(\d+\)$', re.DOTALL | re.MULTILINE)
_FAILURE = re.compile(r"Page load failed: (net::ERR_\w+)")
_ARGUMENTS = (
    "--headless=new",
    # Everything here is root in a jail; Chromium's own jail would need another user.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    # Whether an address counts as public is none of these tests' business; the hosts' real ones are.
    "--disable-features=LocalNetworkAccessChecks,OptimizationHints,MediaRouter,Translate",
    "--enable-logging=stderr",
    "--dump-dom",
)


@dataclass(frozen=True)
class Page:
    """A page after its scripts have run."""

    dom: str
    title: str
    console: tuple[str, ...]
    """What scripts have written, and what the browser says of refused requests."""


class PageError(Exception):
    """The browser shows no page."""


@dataclass(frozen=True)
class Browser:
    """Chromium at `place`, with a fresh profile for each visit.

    Certificates are checked as ever; `ca` (PEM) is added to those that the browser trusts, unless empty.
    """

    place: Place
    ca: str
    hosts: Mapping[str, str]
    """Where each host is, as an address or as address and port; there are no others."""
    patience: float = 5.0
    """Seconds of the page's own time that its scripts may take; none are lost in waiting for nothing."""

    def visit(self, url: str) -> Page:
        """The page at `url`.

        Raises:
            PageError: it was not loaded; an untrusted certificate is one of the reasons that the message may name.
            subprocess.TimeoutExpired: the browser does not come to an end.
        """
        script = files(__package__).joinpath("visit.sh").read_text(encoding="utf-8")
        told = self.place.run("sh", "-c", script, "visit", self.ca, url, *self._arguments(), timeout=_SECONDS)
        if failure := _FAILURE.search(told.stderr):
            raise PageError(f"{url}: {failure[1]}")
        if told.returncode or not told.stdout.strip():
            raise PageError(f"{url}: exit status {told.returncode}: {told.stderr[-2000:]}")
        title = _TITLE.search(told.stdout)
        return Page(told.stdout, title[1].strip() if title else "", tuple(_CONSOLE.findall(told.stderr)))

    def _arguments(self) -> tuple[str, ...]:
        known = [f"MAP {host} {_bracketed(address)}" for host, address in self.hosts.items()]
        rules = ", ".join([*known, "MAP * ~NOTFOUND"])
        return (*_ARGUMENTS, f"--host-resolver-rules={rules}", f"--virtual-time-budget={round(self.patience * 1000)}")


def _bracketed(address: str) -> str:
    try:
        return f"[{address}]" if ip_address(address).version == 6 else address
    except ValueError:
        return address
