"""What `pulumi up` brings up on real nodes: everything ready, installed, and reached by whom it is for."""

import time
from http import HTTPStatus

import pytest

from tests.cluster.live import is_ready
from tests.dataplane.clients.events import event
from tests.real.site import Installation

pytestmark = [pytest.mark.own_nodes("asks from networks outside"), pytest.mark.timeout(600)]


def test_every_pod_is_ready_and_none_was_started_twice(production: Installation) -> None:
    pods = production.pods()

    assert all(map(is_ready, pods))
    restarts = {
        pod["metadata"]["name"]: status["restartCount"] for pod in pods for status in pod["status"]["containerStatuses"]
    }
    assert set(restarts.values()) == {0}, restarts


def test_an_event_from_the_internet_is_found_through_the_console(production: Installation) -> None:
    administrator = production.administrator()
    with production.client_of("track", production.machine.internet) as visitor:
        answer = visitor.post("/track", content=event("one"))

    assert answer.status_code == HTTPStatus.OK
    deadline = time.monotonic() + 15
    while not (found := administrator.stored("session-one")) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert len(found) == 4
