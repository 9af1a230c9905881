"""What somebody gets who connects to a balancer."""

from enum import StrEnum

import httpx

from tests.dataplane.clients.http import Client
from tests.dataplane.sandbox import Place
from tests.real.reachability.probes import Outcome, Probe, tried
from tests.real.site import Installation

_CONNECT_SECONDS = 1.5
_ANSWER_SECONDS = 5.0


class Look(StrEnum):
    """How far a connection gets."""

    SILENT = "no answer"
    REFUSED = "refused"
    CUT_OFF = "cut off"
    """Taken, and closed without a word."""
    ANSWERED = "answered"


def look(installation: Installation, entry: str, place: Place, address: str, port: int) -> Look:
    """How far a connection from `place` gets, to an entry or to one of its balancers."""
    probe = Probe(address, port)
    outcome = place.call(tried, [probe], _CONNECT_SECONDS)[probe]
    if outcome is not Outcome.OPEN:
        return Look.SILENT if outcome is Outcome.SILENT else Look.REFUSED
    host, authority = installation.host(entry), installation.authority
    with Client(place, address, host, authority, port, seconds=_ANSWER_SECONDS) as client:
        try:
            client.get("/")
        except httpx.HTTPError:
            return Look.CUT_OFF
    return Look.ANSWERED
