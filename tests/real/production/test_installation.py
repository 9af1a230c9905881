"""What `pulumi up` brings up on real nodes: everything ready, installed, and reached by whom it is for."""

from collections import Counter

import httpx
import pytest

from tests.cluster.live import is_ready, role_of
from tests.real.load.pods import pods, restarts
from tests.real.load.single import send_and_find
from tests.real.site import Installation

pytestmark = pytest.mark.timeout(600)


def test_every_pod_of_production_is_ready_and_none_was_started_twice(production: Installation) -> None:
    assert Counter(role_of(pod) for pod in pods(production) if is_ready(pod)) == {
        "track-api": 3,
        "track-balancer": 2,
        "gui-api": 2,
        "gui-api-balancer": 2,
        "gui": 2,
        "gui-balancer": 2,
        "apm": 1,
        "elasticsearch": 3,
        "redis": 1,
        "mysql": 1,
    }
    assert restarts(production).total() == 0


def test_an_event_from_the_internet_is_found_through_the_console(production: Installation) -> None:
    send_and_find(production)


@pytest.mark.own_nodes("asks from the internet")
def test_nobody_logs_in_from_the_internet(production: Installation) -> None:
    with pytest.raises(httpx.TransportError):
        production.administrator(production.machine.internet)
