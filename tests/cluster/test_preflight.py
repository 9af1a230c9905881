"""The check of stores that others run, on a real control plane: when it runs, and how its failure reaches people."""

import base64
import threading

import pytest
from pulumi import automation

from tests.cluster.jobs import fail, jobs, not_simulated
from tests.cluster.live import JsonObject
from tests.cluster.stacks import Deployment
from tests.cluster.test_variants import Surroundings
from tests.unit.components.stores import OUTSIDE
from tests.unit.stacks import changed, settings_of, stack_file
from tests.unit.variants import existing

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(200)]

FINDING = "tracardi:credentials.redis: logging in to Redis at cache.example.com:6379: refused. Give the password."


@pytest.fixture
def outside(deployment: Deployment) -> Deployment:
    """The small stack with Redis run by others, yet to be deployed."""
    redis = {"external": {"host": "cache.example.com", "networks": OUTSIDE}}
    configuration = changed(stack_file("dev"), data__redis=redis, credentials__redis=existing("cache"))
    Surroundings(deployment).provide(settings_of(configuration))
    deployment.configure(configuration)
    return deployment


def check(deployment: Deployment) -> JsonObject:
    """The Job that is there."""
    (found,) = jobs(deployment, "preflight")
    return found


def test_it_runs_once_and_again_with_another_password(outside: Deployment) -> None:
    outside.stack.up()
    first = check(outside)
    assert outside.previewed() == {"same"}

    place = "/api/v1/namespaces/vault/secrets/cache"
    another = base64.b64encode(b"another-Kw7_9pXz~42").decode()
    outside.client.merge(place, {"data": {"password": another}})
    outside.stack.up()

    second = check(outside)
    assert second["metadata"]["name"] == first["metadata"]["name"]
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert outside.previewed() == {"same"}


def test_what_it_found_is_what_people_read(outside: Deployment) -> None:
    thread = threading.Thread(target=fail, args=(outside, "preflight", f"{FINDING}\n1 finding(s)\n"))
    with not_simulated(outside, "preflight"):
        thread.start()
        with pytest.raises(automation.CommandError) as refused:
            outside.stack.up()
        thread.join()

    assert FINDING in str(refused.value)
    assert "BackoffLimitExceeded" in str(refused.value)
    made = outside.client.items("/apis/apps/v1/deployments")
    assert not [each for each in made if each["metadata"]["name"] in {"gui-api", "track-api"}]
