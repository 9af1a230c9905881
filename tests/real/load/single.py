"""One event, all the way from a visitor to whoever looks for it."""

import uuid
from functools import partial
from http import HTTPStatus

from tests.dataplane.clients.events import event
from tests.real.site import Installation
from tools.cluster.api import wait_until


def send_and_find(installation: Installation) -> None:
    """Send an event from the internet, and find it through the GUI API. Raises AssertionError where it is refused."""
    administrator = installation.administrator()
    identity = str(uuid.uuid4())
    with installation.client_of("track", installation.machine.internet) as visitor:
        answer = visitor.post("/track", content=event(identity))

    assert answer.status_code == HTTPStatus.OK
    # What a new visitor brings about: a profile, a session and a visit besides.
    found = partial(administrator.stored, f"session-{identity}")
    wait_until("the event and its three companions", lambda: len(found()) == 4, seconds=20)
    administrator.close()
