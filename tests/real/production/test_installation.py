"""What `pulumi up` brings up on real nodes: everything ready, installed, and reached by whom it is for."""

import uuid
from collections import Counter
from functools import partial
from http import HTTPStatus

import httpx
import pytest

from tests.cluster.live import JsonObject, is_ready, role_of
from tests.dataplane.clients.events import event
from tests.real.site import Installation
from tools.cluster.api import wait_until

pytestmark = pytest.mark.timeout(600)


def test_every_pod_of_production_is_ready_and_none_was_started_twice(production: Installation) -> None:
    assert _instances(production) == {
        "track-api": 3,
        "track-balancer": 2,
        "gui-api": 2,
        "gui-api-balancer": 2,
        "gui": 2,
        "gui-balancer": 2,
        "elasticsearch": 3,
        "redis": 1,
        "mysql": 1,
    }
    assert _restarts(production) == {0}


def test_an_event_from_the_internet_is_found_through_the_console(production: Installation) -> None:
    _an_event_is_found(production)


@pytest.mark.own_nodes("asks from the internet")
def test_nobody_logs_in_from_the_internet(production: Installation) -> None:
    with pytest.raises(httpx.TransportError):
        production.administrator(production.machine.internet)


def test_development_works_as_well(development: Installation) -> None:
    assert _restarts(development) == {0}
    _an_event_is_found(development)


def _an_event_is_found(installation: Installation) -> None:
    administrator = installation.administrator()
    identity = str(uuid.uuid4())
    with installation.client_of("track", installation.machine.internet) as visitor:
        answer = visitor.post("/track", content=event(identity))

    assert answer.status_code == HTTPStatus.OK
    # What a new visitor brings about: a profile, a session and a visit besides.
    found = partial(administrator.stored, f"session-{identity}")
    wait_until("the event and its three companions", lambda: len(found()) == 4, seconds=20)
    administrator.close()


def _instances(installation: Installation) -> Counter[str]:
    """How many pods of each role are ready."""
    return Counter(role_of(pod) for pod in _pods(installation) if is_ready(pod))


def _restarts(installation: Installation) -> set[int]:
    return {status["restartCount"] for pod in _pods(installation) for status in pod["status"]["containerStatuses"]}


def _pods(installation: Installation) -> list[JsonObject]:
    """Its own pods: another installation may run beside it."""
    tiers = {installation.namespace(tier) for tier in ("track", "console", "data")}
    return [pod for pod in installation.pods() if pod["metadata"]["namespace"] in tiers]
