"""Disruption budgets: the pack refuses those that stop a drain, that let too many go, or that count others."""

import pytest

from policies.pack.kubernetes.percentages import scaled
from policies.pack.values import Hidden, Plain, Value
from tests.policies.analysis import analyse
from tests.policies.refusals import accepted, refused
from tests.policies.state import UNDECRYPTED, UNKNOWN, State
from tests.unit.engine import JsonObject

ONE, DRAINS, KEEPS = "clusters-have-one-budget", "budgets-allow-drains", "budgets-keep-instances"
TRACK = "PodDisruptionBudget tracardi-track/track-api"
SEARCH = "PodDisruptionBudget tracardi-data/elasticsearch"


def limit(state: State, name: str, **limits: object) -> None:
    """Give a budget these limits in place of its own."""
    spec = state.spec("PodDisruptionBudget", name)
    del spec["maxUnavailable"]
    spec.update(limits)


@refused(ONE, "Deployment tracardi-track/track-api has several instances, and no PodDisruptionBudget")
def test_a_cluster_without_a_budget(state: State) -> None:
    state.remove("PodDisruptionBudget", "track-api")


@refused(ONE, "Deployment tracardi-track/track-api has 2 PodDisruptionBudgets (track-api, another)")
def test_a_cluster_with_two_budgets(state: State) -> None:
    state.duplicate("PodDisruptionBudget", "track-api", "another")


@refused(
    ONE,
    "PodDisruptionBudget tracardi-console/all selects the pods of several workloads",
    "Deployment tracardi-console/gui has 2 PodDisruptionBudgets",
)
def test_a_budget_over_a_whole_namespace(state: State) -> None:
    state.duplicate("PodDisruptionBudget", "gui", "all")["spec"]["selector"] = {}


@refused(ONE, "Deployment tracardi-console/gui has several instances, and no PodDisruptionBudget")
def test_a_budget_that_selects_nothing(state: State) -> None:
    del state.spec("PodDisruptionBudget", "gui")["selector"]


@refused(ONE, "Deployment tracardi-console/gui has several instances, and no PodDisruptionBudget")
def test_a_budget_in_another_namespace(state: State) -> None:
    state.inputs("PodDisruptionBudget", "gui")["metadata"]["namespace"] = "tracardi-track"


@refused(ONE, "StatefulSet tracardi-data/redis has 2 PodDisruptionBudgets")
def test_a_single_instance_with_two_budgets(state: State) -> None:
    selector = {"matchLabels": {"app.kubernetes.io/component": "redis"}}
    for name in ("one", "two"):
        state.duplicate("PodDisruptionBudget", "elasticsearch", name)["spec"]["selector"] = selector


@accepted(ONE)
def test_a_budget_that_selects_by_an_expression(state: State) -> None:
    expression = {"key": "app.kubernetes.io/component", "operator": "In", "values": ["gui", "console"]}
    state.spec("PodDisruptionBudget", "gui")["selector"] = {"matchExpressions": [expression]}


@accepted(ONE)
def test_a_budget_over_pods_that_are_not_there(state: State) -> None:
    budget = state.duplicate("PodDisruptionBudget", "gui", "others")
    budget["spec"]["selector"] = {"matchLabels": {"app.kubernetes.io/component": "others"}}


@refused(DRAINS, f"{TRACK} allows no eviction while Deployment tracardi-track/track-api has 3 instances")
def test_a_budget_that_allows_nothing(state: State) -> None:
    limit(state, "track-api", maxUnavailable=0)


@refused(DRAINS, f"{TRACK} allows no eviction")
def test_a_budget_that_keeps_all_at_the_autoscalers_minimum(state: State) -> None:
    limit(state, "track-api", minAvailable=3)


@refused(DRAINS, f"{TRACK} allows no eviction")
def test_a_share_that_is_rounded_up_to_all(state: State) -> None:
    limit(state, "track-api", minAvailable="70%")


@refused(DRAINS, f"{TRACK} allows no eviction")
def test_a_budget_that_says_nothing(state: State) -> None:
    limit(state, "track-api")


@refused(
    DRAINS, "PodDisruptionBudget tracardi-data/redis allows no eviction while StatefulSet tracardi-data/redis has 1"
)
def test_a_single_instance_that_may_never_go(state: State) -> None:
    spec = state.duplicate("PodDisruptionBudget", "elasticsearch", "redis")["spec"]
    spec.update(selector={"matchLabels": {"app.kubernetes.io/component": "redis"}}, minAvailable=1)
    del spec["maxUnavailable"]


@refused(DRAINS, "keeps instances of Deployment tracardi-console/gui that are broken from being evicted")
def test_a_broken_instance_that_stops_a_drain(state: State) -> None:
    del state.spec("PodDisruptionBudget", "gui")["unhealthyPodEvictionPolicy"]


@accepted(DRAINS)
def test_a_share_that_leaves_one(state: State) -> None:
    limit(state, "track-api", minAvailable="66%")
    limit(state, "gui", minAvailable=1)
    limit(state, "elasticsearch", maxUnavailable="30%")


@accepted(DRAINS)
def test_a_single_instance_that_may_go(state: State) -> None:
    spec = state.duplicate("PodDisruptionBudget", "elasticsearch", "redis")["spec"]
    spec["selector"] = {"matchLabels": {"app.kubernetes.io/component": "redis"}}


@refused(KEEPS, f"{TRACK} lets 3 of 3 instances of Deployment tracardi-track/track-api be evicted at once")
def test_a_budget_that_lets_all_go(state: State) -> None:
    limit(state, "track-api", maxUnavailable="67%")


@refused(KEEPS, f"{TRACK} lets 3 of 3 instances")
def test_a_budget_that_keeps_none(state: State) -> None:
    limit(state, "track-api", minAvailable=0)


@refused(KEEPS, f"{SEARCH} lets 2 of 3 instances of StatefulSet tracardi-data/elasticsearch be evicted at once")
def test_a_store_that_loses_its_quorum(state: State) -> None:
    limit(state, "elasticsearch", minAvailable=1)


@refused(KEEPS, f"{SEARCH} always allows to evict instances of StatefulSet tracardi-data/elasticsearch")
def test_a_store_whose_last_copy_may_go(state: State) -> None:
    state.spec("PodDisruptionBudget", "elasticsearch")["unhealthyPodEvictionPolicy"] = "AlwaysAllow"


@accepted(KEEPS)
def test_a_budget_that_keeps_one(state: State) -> None:
    limit(state, "track-api", maxUnavailable="50%")
    limit(state, "gui-api", minAvailable=1)
    state.spec("PodDisruptionBudget", "elasticsearch")["unhealthyPodEvictionPolicy"] = "IfHealthyBudget"


@pytest.mark.parametrize(
    ("limits", "rules"),
    [
        ({"maxUnavailable": UNKNOWN}, {DRAINS}),
        ({"maxUnavailable": UNDECRYPTED}, {DRAINS}),
        ({"maxUnavailable": "1"}, {DRAINS}),
        ({"maxUnavailable": "0%"}, {DRAINS}),
        ({"maxUnavailable": -1}, {DRAINS}),
        ({"maxUnavailable": 1.5}, {DRAINS}),
        ({"maxUnavailable": 1, "minAvailable": 1}, {DRAINS}),
        ({"minAvailable": "100%"}, {DRAINS}),
        ({"minAvailable": "0%"}, {KEEPS}),
        ({"maxUnavailable": 1, "unhealthyPodEvictionPolicy": UNKNOWN}, {DRAINS}),
        ({"maxUnavailable": 1, "selector": UNKNOWN}, {ONE}),
        ({"maxUnavailable": 1, "selector": {"matchLabels": UNDECRYPTED}}, {ONE}),
        (
            {
                "maxUnavailable": 1,
                "selector": {"matchExpressions": [{"key": "pod-template-hash", "operator": "Exists"}]},
            },
            {ONE},
        ),
    ],
)
def test_limits_that_are_none_or_too_much(prod: State, limits: JsonObject, rules: set[str]) -> None:
    limit(prod, "track-api", **limits)

    assert set(analyse(prod)) == rules


def test_a_budget_of_which_nothing_can_be_seen_may_select_everything(prod: State) -> None:
    prod.inputs("PodDisruptionBudget", "gui")["spec"] = UNDECRYPTED

    assert set(analyse(prod)) == {ONE, DRAINS}


@pytest.mark.parametrize(
    ("value", "count", "up", "down"),
    [
        (2.0, 3, 2, 2),
        (0.0, 3, 0, 0),
        ("50%", 3, 2, 1),
        ("34%", 3, 2, 1),
        ("1%", 3, 1, 0),
        ("0%", 3, 0, 0),
        ("100%", 3, 3, 3),
        ("250%", 2, 5, 5),
        ("2", 3, None, None),
        ("-5%", 3, None, None),
        ("50 %", 3, None, None),
        ("", 3, None, None),
        (0.5, 3, None, None),
        (-1.0, 3, None, None),
        (True, 3, None, None),
        (None, 3, None, None),
        (Hidden.UNKNOWN, 3, None, None),
    ],
)
def test_shares_are_rounded_as_kubernetes_rounds_them(
    value: Plain, count: int, up: int | None, down: int | None
) -> None:
    assert scaled(Value(value), count, up=True) == up
    assert scaled(Value(value), count, up=False) == down
