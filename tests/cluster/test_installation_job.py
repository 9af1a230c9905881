"""The installation Job on a real control plane: how its failure reaches people, and what is none."""

import threading

import pytest
from pulumi import automation

from tests.cluster.jobs import ended_well, fail, jobs, not_simulated, pods
from tests.cluster.stacks import Deployment
from tests.unit.stacks import stack_file
from tools.cluster.api import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

ROLE = "installation"
REFUSAL = "refused: POST /user/token was answered 400 (Incorrect username or password). Tracardi has an administrator"


@pytest.fixture
def development(deployment: Deployment) -> Deployment:
    """The small stack, yet to be deployed."""
    deployment.configure(stack_file("dev"))
    return deployment


def test_a_refusal_ends_the_update_at_once_and_the_next_one_tries_again(development: Deployment) -> None:
    thread = threading.Thread(target=fail, args=(development, ROLE, REFUSAL))
    with not_simulated(development, ROLE):
        thread.start()
        with pytest.raises(automation.CommandError) as refused:
            development.stack.up()
        thread.join()
    assert REFUSAL in str(refused.value)
    assert "BackoffLimitExceeded" in str(refused.value)
    (first,) = jobs(development, ROLE)

    development.stack.up()

    (second,) = jobs(development, ROLE)
    assert second["metadata"]["name"] == first["metadata"]["name"]
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert development.previewed() == {"same"}


def test_a_drained_node_is_no_failure(development: Deployment) -> None:
    """Another pod takes the place of the one that had to leave."""
    troubles: list[Exception] = []

    def drain() -> None:
        try:
            with not_simulated(development, ROLE):
                fail(development, ROLE, "", disrupted=True)
                wait_until("another pod", lambda: len(pods(development, ROLE)) > 1, seconds=60)
            wait_until("that pod to end well", lambda: ended_well(development, ROLE), seconds=60)
        except Exception as trouble:  # noqa: BLE001 - told by the test's own thread
            troubles.append(trouble)

    thread = threading.Thread(target=drain)
    thread.start()
    development.stack.up()
    thread.join()

    assert troubles == []
    (job,) = jobs(development, ROLE)
    assert [each["type"] for each in job["status"]["conditions"] if each["status"] == "True"][-1] == "Complete"
    assert job["status"].get("failed", 0) == 0
