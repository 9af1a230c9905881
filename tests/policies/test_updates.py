"""Updates: the pack refuses those that take too many instances away at once."""

import pytest

from tests.policies.analysis import analyse
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State
from tests.unit.engine import JsonObject

RULE = "updates-leave-instances"


def rolling(state: State, name: str, **steps: object) -> None:
    """Give a Deployment a rolling update of these steps."""
    state.spec("Deployment", name)["strategy"] = {"type": "RollingUpdate", "rollingUpdate": steps}


@refused(RULE, "Deployment tracardi-track/track-api is updated by taking 3 of 3 instances away at once")
def test_an_update_that_replaces_all_at_once(state: State) -> None:
    state.spec("Deployment", "track-api")["strategy"] = {"type": "Recreate"}


@refused(RULE, "Deployment tracardi-track/track-balancer is updated by taking 2 of 2 instances away at once")
def test_an_update_that_may_take_all(state: State) -> None:
    rolling(state, "track-balancer", maxUnavailable="100%")


@refused(RULE, "Deployment tracardi-track/track-api is updated by taking 5 of 10 instances away at once")
def test_a_share_that_is_too_much_once_an_autoscaler_has_done_its_work(state: State) -> None:
    rolling(state, "track-api", maxUnavailable="50%")


@refused(RULE, "StatefulSet tracardi-data/elasticsearch is updated by taking 2 of 3 instances away at once")
def test_a_store_that_loses_its_quorum(state: State) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "50%"}}
    state.spec("StatefulSet", "elasticsearch")["updateStrategy"] = strategy


@accepted(RULE)
def test_kubernetes_own_steps(state: State) -> None:
    del state.spec("Deployment", "track-api")["strategy"]
    state.spec("Deployment", "gui")["strategy"] = {"type": "RollingUpdate"}


@accepted(RULE)
def test_one_at_a_time(state: State) -> None:
    rolling(state, "track-api", maxUnavailable=1, maxSurge=0)
    rolling(state, "gui-api", maxUnavailable="50%")
    state.spec("StatefulSet", "elasticsearch")["updateStrategy"] = {"type": "OnDelete"}


@accepted(RULE)
def test_a_single_instance_cannot_stay(state: State) -> None:
    state.spec("Deployment", "gui-api").update(replicas=1, strategy={"type": "Recreate"})
    state.spec("HorizontalPodAutoscaler", "track-api")["minReplicas"] = 4
    state.pod("track-api")["topologySpreadConstraints"][0]["minDomains"] = 4


@pytest.mark.parametrize(
    "strategy",
    [
        UNDECRYPTED,
        {"type": UNKNOWN},
        {"type": "Blue"},
        {"type": "recreate"},
        {"type": "OnDelete"},
        {"type": "RollingUpdate", "rollingUpdate": UNKNOWN},
        {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": UNKNOWN}},
        {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "1"}},
        {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": -1}},
        {"rollingUpdate": {"maxUnavailable": 2}},
    ],
)
def test_steps_that_cannot_be_told(prod: State, strategy: JsonObject | str) -> None:
    prod.spec("Deployment", "gui")["strategy"] = strategy

    assert set(analyse(prod)) == {RULE}
