"""What production has in service while an update replaces its pods."""

import pytest

from tests.cluster.live import Watch, condition, is_ready, ready_of
from tests.cluster.stacks import PODS, Deployment
from tools.cluster.api import wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

TRACK = "/apis/apps/v1/namespaces/tracardi-track/deployments/track-api"
SELECTOR = {"template": {"spec": {"nodeSelector": {"tests/no-such-node": "yes"}}}}


def test_an_update_of_every_pod_never_falls_below_the_required_instances(production: Deployment) -> None:
    before = {pod["metadata"]["uid"] for pod in production.pods()}
    production.change(platform__annotations={"example.com/change": "1"})

    with Watch(production.client, PODS) as watch:
        production.stack.up()

    assert not before & {pod["metadata"]["uid"] for pod in production.pods()}
    assert {role: watch.fewest(ready_of(role)) for role in production.placed()} == {
        "track-api": 3,
        "track-balancer": 2,
        "gui-api": 2,
        "gui-api-balancer": 2,
        "gui": 2,
        "gui-balancer": 2,
        # Its update brings the new one up first, as for all that is stateless.
        "apm": 1,
        # A store's instances keep their names and volumes, so each goes before it comes back; two are a quorum.
        "elasticsearch": 2,
        "redis": 0,
        "mysql": 0,
    }


def test_an_update_whose_pods_never_become_ready_takes_nothing_away(production: Deployment) -> None:
    try:
        with Watch(production.client, PODS) as watch:
            production.client.merge(TRACK, {"spec": SELECTOR})

            def waits() -> bool:
                return [condition(pod, "PodScheduled") for pod in production.pods("track-api")].count("False") == 1

            wait_until("an instance of the update to wait for a node", waits, seconds=30)

        assert watch.fewest(ready_of("track-api")) == 3
        assert sum(map(is_ready, production.pods("track-api"))) == 3
    finally:
        production.client.merge(TRACK, {"spec": {"template": {"spec": {"nodeSelector": None}}}})


def test_a_changed_configuration_is_there_at_every_moment(production: Deployment) -> None:
    production.change(track__routes=["tracker", "collect"])
    configured = "/api/v1/namespaces/tracardi-track/configmaps?fieldSelector=metadata.name%3Dtrack-balancer"

    assert production.previewed() == {"same", "update"}
    with Watch(production.client, configured) as watch:
        production.stack.up()

    assert watch.fewest(lambda _: True) == 1
    assert len(watch.seen(lambda found: found["metadata"]["uid"])) == 1
    assert len(watch.seen(lambda found: found["data"]["haproxy.cfg"])) == 2
