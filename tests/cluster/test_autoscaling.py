"""Who decides how many collectors there are: an autoscaler while it is on, the stack while it is off."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.live import JsonObject, Watch, ready_of
from tests.cluster.stacks import PODS, Deployment

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

DEPLOYMENTS = "/apis/apps/v1/namespaces/tracardi-track/deployments"
TRACK = f"{DEPLOYMENTS}/track-api"
AUTOSCALERS = "/apis/autoscaling/v2/namespaces/tracardi-track/horizontalpodautoscalers"

ON = {"min": 3, "max": 10}


def decide(production: Deployment, replicas: int) -> None:
    """Do what the autoscaler does once it has come to a decision: same request, same field manager."""
    scale = production.client.get(f"{TRACK}/scale")
    scale["spec"]["replicas"] = replicas
    production.client.put(f"{TRACK}/scale?fieldManager=kube-controller-manager", scale)
    production.settle()
    (owner,) = [entry for entry in production.client.get(TRACK)["metadata"]["managedFields"] if owns_number(entry)]
    assert (owner["manager"], owner["subresource"]) == ("kube-controller-manager", "scale")


def owns_number(entry: JsonObject) -> bool:
    return "f:replicas" in entry["fieldsV1"].get("f:spec", {})


@contextmanager
def watched(production: Deployment) -> Iterator[tuple[Watch, Watch]]:
    """Watches over the Deployment and its pods."""
    named = f"{DEPLOYMENTS}?fieldSelector=metadata.name%3Dtrack-api"
    with Watch(production.client, named) as deployment, Watch(production.client, PODS) as pods:
        yield deployment, pods


def number(deployment: JsonObject) -> object:
    return deployment["spec"]["replicas"]


def collectors(production: Deployment) -> set[str]:
    return {pod["metadata"]["uid"] for pod in production.pods("track-api")}


@pytest.fixture
def autoscaled(production: Deployment) -> Deployment:
    """The production stack with its autoscaler on."""
    if production.configuration["tracardi:track"]["replicas"] != ON:
        production.change(track__replicas=ON)
        production.stack.up()
    return production


def test_the_autoscalers_number_outlives_an_update_of_the_pods(autoscaled: Deployment) -> None:
    decide(autoscaled, 7)
    before = collectors(autoscaled)
    autoscaled.change(track__environment={"EXAMPLE": "1"})

    with watched(autoscaled) as (deployment, pods):
        autoscaled.stack.up()

    assert len(collectors(autoscaled)) == 7
    assert not before & collectors(autoscaled)
    assert deployment.seen(number) == {7}
    assert pods.fewest(ready_of("track-api")) == 7
    assert autoscaled.previewed() == {"same"}


def test_switching_the_autoscaler_off_and_on_again_never_falls_below_the_minimum(autoscaled: Deployment) -> None:
    decide(autoscaled, 7)

    autoscaled.change(track__replicas={"min": 4, "max": 4})
    with watched(autoscaled) as (deployment, pods):
        autoscaled.stack.up()
        autoscaled.settle()
    assert autoscaled.client.items(AUTOSCALERS) == []
    assert deployment.seen(number) == {7, 4}
    assert pods.fewest(ready_of("track-api")) == 4
    assert autoscaled.previewed() == {"same"}

    autoscaled.change(track__replicas=ON)
    with watched(autoscaled) as (deployment, pods):
        autoscaled.stack.up()
    (autoscaler,) = autoscaled.client.items(AUTOSCALERS)
    assert (autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]) == (3, 10)
    assert deployment.seen(number) == {4}
    assert pods.fewest(ready_of("track-api")) == 4
    assert autoscaled.previewed() == {"same"}


def test_the_stacks_number_applies_once_the_autoscaler_is_off_though_the_stack_never_named_another(
    autoscaled: Deployment,
) -> None:
    """Off at the number that the stack began with: what it asks for is as it was, what is there is not."""
    decide(autoscaled, 7)

    autoscaled.change(track__replicas={"min": 3, "max": 3})
    with watched(autoscaled) as (deployment, pods):
        autoscaled.stack.up()
        autoscaled.settle()

    assert deployment.seen(number) == {7, 3}
    assert pods.fewest(ready_of("track-api")) == 3
